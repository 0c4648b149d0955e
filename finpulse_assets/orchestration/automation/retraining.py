"""The sensors that request a retraining, as factories: on drift, and on a lost proof.

https://docs.dagster.io/guides/automate/sensors

Each requests once for a cause: the cursor holds what was seen, the run key names the cause, so that
a deleted cursor repeats nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK, build_sessions
from finpulse_assets.domain.monitoring.drift import verdicts
from finpulse_assets.domain.monitoring.retraining import (
    Retraining,
    RetrainRule,
    retraining_after,
    retraining_due,
    window_start,
)
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.automation.schedule import HOLIDAYS, months_of_session
from finpulse_assets.orchestration.training.training_plan import TRAIN_FROM_TAG
from finpulse_assets.schemas import FEATURE_DRIFT, TEXT_DRIFT
from finpulse_assets.settings import Settings

REASON_TAG = "finpulse/reason"


def _request(answer: Retraining, session: date, settings: Settings) -> dg.RunRequest:
    first = window_start(session, settings.retrain_window_sessions)
    window = {TRAIN_FROM_TAG: f"{first}"} if first else {}
    tags = {**months_of_session(session), REASON_TAG: answer.reason, **window}
    return dg.RunRequest(run_key=answer.key, tags=tags)


def drift_sensor(
    job: dg.JobDefinition | dg.UnresolvedAssetJobDefinition,
    *,
    rule: RetrainRule | None = None,
    seconds: int = 60,
) -> dg.SensorDefinition:
    """Return the sensor that requests one retraining per drift.

    Its cursor holds the sessions of the last reports it has read, of features and of texts, and of
    the report for which it last requested a retraining. Deleting it repeats nothing: the run key
    names the report.
    """

    @dg.sensor(
        job=job,
        name="retrain_on_drift",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests one retraining per drift of features or texts: after two drifted "
        "sessions in a row, at most once in forty.",
    )
    def retrain_on_drift(
        context: dg.SensorEvaluationContext,
        lake: dg.ResourceParam[Lake],
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        histories = [lake.read_or_empty(table).collect() for table in (FEATURE_DRIFT, TEXT_DRIFT)]
        reports = verdicts(*histories)
        cursor = json.loads(context.cursor or "{}")
        latest = str(reports["session_date"].max())
        # The reports of a session come one after the other: each is looked at.
        seen = [str(history["session_date"].max()) for history in histories]
        if cursor.get("seen") == seen:
            yield dg.SkipReason(f"no drift report since {latest}")
            return
        asked_for = cursor.get("asked_for")
        answer = retraining_due(
            reports, asked_for=date.fromisoformat(asked_for) if asked_for else None, rule=rule
        )
        if answer.is_due:
            asked_for = latest
            yield _request(answer, date.fromisoformat(latest), settings)
        else:
            yield dg.SkipReason(answer.reason)
        context.update_cursor(json.dumps({"seen": seen, "asked_for": asked_for}))

    return retrain_on_drift


def proof_sensor(
    job: dg.JobDefinition | dg.UnresolvedAssetJobDefinition, *, seconds: int = 60
) -> dg.SensorDefinition:
    """Return the sensor that requests one retraining per lost proof."""

    @dg.sensor(
        job=job,
        name="retrain_on_lost_proof",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests one retraining when the champion has lost its proof.",
    )
    def retrain_on_lost_proof(
        models: dg.ResourceParam[ModelStore], settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        decision = models.promotion()
        answer = retraining_after(decision)
        if not answer.is_due:
            return dg.SkipReason(answer.reason)
        day = decision.decided_at.astimezone(NEW_YORK).date()
        session = build_sessions(day - HOLIDAYS, day)["session_date"][-1]
        return _request(answer, session, settings)

    return retrain_on_lost_proof
