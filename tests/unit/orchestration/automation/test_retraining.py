"""What asks for a retraining: drift and a lost proof, each once for a cause."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.monitoring.retraining import retraining_after, window_start
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.automation.retraining import drift_sensor, proof_sensor
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.settings import load_settings
from tests.fakes.drift_reports import add_reports, add_text_reports

DAYS = build_sessions(date(2024, 1, 2), date(2024, 12, 31))["session_date"].to_list()
SPAN = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
NOW = datetime(2024, 3, 28, 20, 30, tzinfo=UTC)


@dg.asset(partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def anything() -> None: ...


job = dg.define_asset_job("job", [anything])


class Drifting:
    """A lake that gets a drift report a session, and the sensor that looks at it."""

    def __init__(self, root) -> None:
        self.lake, self.sensor, self.cursor = Lake(root), drift_sensor(job), None
        self.settings = load_settings(home=root)
        self.requests: list[dg.RunRequest] = []

    def report(self, number: int, *, is_drifted: bool) -> None:
        add_reports(
            self.lake, pl.DataFrame({"session_date": [DAYS[number]], "is_drifted": [is_drifted]})
        )

    def look(self) -> str | None:
        context = dg.build_sensor_context(
            cursor=self.cursor, resources={"lake": self.lake, "settings": self.settings}
        )
        data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        self.requests += data.run_requests or []
        return data.skip_message


@pytest.fixture
def drifting(tmp_path):
    return Drifting(tmp_path)


def test_no_report_asks_for_nothing(drifting):
    assert drifting.look() == "there is no drift report yet"
    assert drifting.requests == []


def test_a_quiet_quarter_and_single_breaches_ask_for_nothing(drifting):
    for number in range(60):
        drifting.report(number, is_drifted=number % 9 == 4)
        drifting.look()
    assert drifting.requests == []


def test_a_week_of_drift_is_one_request_however_often_it_is_looked_at(drifting):
    for number in range(20):
        drifting.report(number, is_drifted=10 <= number < 15)
        for _ in range(3):
            drifting.look()
    (request,) = drifting.requests
    assert request.run_key == f"drift-{DAYS[11]}"
    assert tuple(request.tags[name] for name in SPAN) == ("2024-01-01", "2024-01-01")
    assert json.loads(drifting.cursor) == {
        "seen": [f"{DAYS[19]}", "None"], "asked_for": f"{DAYS[11]}",
    }  # fmt: skip
    assert drifting.look() == f"no drift report since {DAYS[19]}"


def test_texts_that_drift_alone_are_answered_also_when_their_report_comes_second(drifting):
    for number in (0, 1):
        drifting.report(number, is_drifted=False)
        assert drifting.look() == f"no drift on {DAYS[number]}"
        add_text_reports(
            drifting.lake, pl.DataFrame({"session_date": [DAYS[number]], "is_drifted": [True]})
        )
        drifting.look()
    (request,) = drifting.requests
    assert request.run_key == f"drift-{DAYS[1]}"


def test_drift_that_passed_unseen_is_not_answered_and_a_lost_cursor_repeats_the_key(drifting):
    for number in range(10):
        drifting.report(number, is_drifted=number < 9)
    assert drifting.look() == f"no drift on {DAYS[9]}"
    drifting.report(10, is_drifted=True)
    drifting.report(11, is_drifted=True)
    drifting.look()
    drifting.cursor = None
    drifting.look()
    assert [request.run_key for request in drifting.requests] == [f"drift-{DAYS[11]}"] * 2


def test_a_drift_can_set_the_training_window(drifting):
    drifting.settings = load_settings(
        home=drifting.lake.root, retrain_window_sessions=200, as_of="2024-12-31"
    )
    for number in (220, 221):
        drifting.report(number, is_drifted=True)
    drifting.look()
    (request,) = drifting.requests
    assert request.tags["finpulse/train_from"] == f"{DAYS[22]}", "200 sessions, the last included"


def test_a_window_reaches_no_further_back_than_the_calendar():
    assert window_start(DAYS[-1], 1) == DAYS[-1]
    assert window_start(date(2000, 1, 10), 200) == date(2000, 1, 3)


def champion(*, is_proven: bool) -> Champion:
    return Champion(
        "m1",
        ("ranking",) if is_proven else (),
        {"ranking": 0.02},
        proof_lost_at=None if is_proven else NOW,
    )


def decision(candidate: str, *, promoted: bool, is_proven: bool = True, at=NOW) -> Promotion:
    return Promotion(candidate, promoted, is_proven, ("why",), champion(is_proven=is_proven), at)


PROMOTED = decision("m1", promoted=True)
LOST = decision("m1", promoted=False, is_proven=False)


@pytest.mark.parametrize(
    ("last", "is_due", "reason"),
    [
        (None, False, "there is no champion yet"),
        (PROMOTED, False, "the champion m1 has lost no proof since it was promoted"),
        (decision("m2", promoted=False), False, "the champion m1 has lost no proof"),
        (LOST, True, "the champion m1 has lost its proof"),
        # The retraining has been: its refusal is the last decision.
        (decision("m2", promoted=False, is_proven=False), False, "has lost no proof since"),
    ],
)
def test_only_a_lost_proof_asks(last, is_due, reason):
    answer = retraining_after(last)
    assert answer.is_due is is_due
    assert reason in answer.reason


def test_a_lost_proof_is_one_retraining_however_often_it_is_looked_at(tmp_path):
    """Defect: a champion that failed live was never retrained for it."""
    models, sensor = ModelStore(tmp_path / "price"), proof_sensor(job)
    settings = load_settings(home=tmp_path, retrain_window_sessions=None)

    def look() -> dg.SensorExecutionData:
        resources = {"models": models, "settings": settings}
        return sensor.evaluate_tick(dg.build_sensor_context(resources=resources))

    assert look().skip_message == "there is no champion yet"
    models.decide(lambda before: PROMOTED)
    assert not look().run_requests
    models.decide(lambda before: LOST)
    keys = {look().run_requests[0].run_key for _ in range(3)}
    assert keys == {"proof-m1-20240328T203000"}
    (request,) = look().run_requests
    assert request.tags["finpulse/reason"] == "the champion m1 has lost its proof"
    assert tuple(request.tags[name] for name in SPAN) == ("2024-03-01", "2024-03-01")
    assert "finpulse/train_from" not in request.tags, "all history"
    models.decide(lambda before: decision("m3", promoted=True, at=NOW + timedelta(days=1)))
    assert not look().run_requests
