"""The facts behind alerts: runs, checks, freshness, drift and decisions, as they stand now.

Reading them from the Dagster instance, the lake and the model store.

A table or a folder that was never made is no fact at all; one that cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
from dagster import DagsterEventType
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from finpulse_assets.contract import Table
from finpulse_assets.domain.monitoring.alert_rules import CheckOutcome, RunOutcome
from finpulse_assets.domain.monitoring.freshness import table_status
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.alerting.failures import sentence_of

FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
DECIDED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
MOST_RUNS = 2000


def finished_runs(
    instance: dg.DagsterInstance, *, since: datetime, job_assets: Mapping[str, frozenset[str]]
) -> list[RunOutcome]:
    """Return the runs that succeeded or failed after `since` (UTC).

    Args:
        job_assets: the keys of each job's assets, for a run of the whole job.
    """
    records = instance.get_run_records(
        dg.RunsFilter(statuses=list(FINISHED), updated_after=since), limit=MOST_RUNS
    )
    return [_outcome(instance, record, job_assets) for record in records]


def _outcome(
    instance: dg.DagsterInstance, record: dg.RunRecord, job_assets: Mapping[str, frozenset[str]]
) -> RunOutcome:
    run = record.dagster_run
    chosen = run.asset_selection
    assets = frozenset(key.to_user_string() for key in chosen) if chosen else None
    ended = record.end_time
    is_failure = run.status is dg.DagsterRunStatus.FAILURE
    return RunOutcome(
        run_id=run.run_id,
        job=run.job_name,
        assets=job_assets.get(run.job_name, frozenset()) if assets is None else assets,
        months=_months(run.tags),
        ended_at=datetime.fromtimestamp(ended, UTC) if ended else record.update_timestamp,
        reason=failure_reason(instance, run.run_id) if is_failure else None,
    )


def _months(tags: Mapping[str, str]) -> tuple[str, str] | None:
    one = tags.get(PARTITION_NAME_TAG)
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG, one)
    last = tags.get(ASSET_PARTITION_RANGE_END_TAG, one)
    return (first, last) if first and last else None


def failure_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return the sentence of the first failed step of a run, or of the run itself."""
    kinds = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    found = instance.get_records_for_run(run_id, of_type=kinds, limit=20).records
    events = [record.event_log_entry.dagster_event for record in found]
    for event in events:
        if event.is_step_failure:
            return f"step {event.step_key.replace('__', '/')}: {sentence_of(event)}"
    return next((event.message for event in events if event.message), "no reason was given")


def decided_checks(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]
) -> list[CheckOutcome]:
    """Return the last evaluation of each check that was decided, also while a newer one runs."""
    storage = instance.event_log_storage
    outcomes = []
    for key, latest in storage.get_latest_asset_check_execution_by_key(list(keys)).items():
        record = latest
        if latest.status not in DECIDED:
            history = storage.get_asset_check_execution_history(key, limit=1, status=DECIDED)
            record = history[0] if history else None
        if record is None or record.evaluation is None:
            continue
        found = record.evaluation
        outcomes.append(
            CheckOutcome(
                asset=key.asset_key.to_user_string(),
                check=key.name,
                passed=found.passed,
                is_blocking=bool(found.blocking) and found.severity is dg.AssetCheckSeverity.ERROR,
                evaluated_at=datetime.fromtimestamp(record.create_timestamp, UTC),
                description=found.description or "",
            )
        )
    return outcomes


def failing_policies(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey]
) -> list[tuple[str, datetime]]:
    """Return the assets whose freshness policy fails, and since when (UTC)."""
    records = instance.get_freshness_state_records(list(keys))
    return [
        (key.to_user_string(), record.updated_at)
        for key, record in sorted(records.items())
        if record.freshness_state is FreshnessState.FAIL
    ]


def reached_sessions(
    lake: Lake, tables: Iterable[Table], sessions: pl.DataFrame
) -> dict[str, date | None]:
    """Return the last session of each table, None for one without rows."""
    last = sessions["session_date"].max()
    return {
        table.name: table_status(
            table, lake.scan(table) if lake.partitions(table) else None, sessions, last
        ).last_session
        for table in tables
    }


def window_start(open_since: Iterable[datetime], now: datetime) -> datetime:
    """Return from when runs are looked at: two days back, and every failure that is still open."""
    return min([now - timedelta(days=2), *open_since]) - timedelta(minutes=1)
