"""Freshness: how long an asset may go without a run, and checks that count in sessions.

The freshness policies and the factory of the checks `is_fresh`.
https://docs.dagster.io/guides/observe/asset-freshness-policies

A policy knows hours, not sessions: its window must be longer than the longest pause of the market,
which is four days from close to close (a long weekend), or every holiday cries wolf. What a day is
late within that window, the check says, in sessions.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.monitoring.freshness import FRESH, STALE, sessions_between, table_status
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import SESSIONS

LONG_WEEKEND = timedelta(days=4)
DATA_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=LONG_WEEKEND + timedelta(hours=6), fail_window=LONG_WEEKEND + timedelta(days=1)
)
MODEL_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=7), fail_window=timedelta(days=10)
)
MODEL_SESSIONS = 21  # a month of sessions


def is_fresh(table: Table, *, allowed: int = 0) -> dg.AssetChecksDefinition:
    """Return the check that a lake table reaches the last completed session of the run's clock.

    Args:
        table: a table of the lake that follows the sessions.
        allowed: sessions that it may lack.
    """

    @dg.asset_check(
        asset=table.name.split("/"),
        name="is_fresh",
        description=f"The rows reach the last completed session, but for {allowed} at most. "
        "Counted in sessions: a weekend or a holiday makes nothing stale. A warning only.",
    )
    def check(
        lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[RunClock]
    ) -> dg.AssetCheckResult:
        sessions = lake.scan(SESSIONS).collect()
        last = last_completed_session(sessions, clock.as_of)["session_date"]
        rows = lake.scan(table) if lake.partitions(table) else None
        status = table_status(table, rows, sessions, last)
        behind = status.sessions_behind
        return dg.AssetCheckResult(
            passed=status.state == FRESH or (status.state == STALE and behind <= allowed),
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{table.name} is {status.state}"
            + (f", {behind} session{'s' * (behind > 1)} behind {last}" if behind else ""),
            metadata={"last_session": str(status.last_session), "expected": str(last)},
        )

    return check


def champion_is_fresh(table: Table, *, allowed: int = MODEL_SESSIONS) -> dg.AssetChecksDefinition:
    """Return the check that the champion learnt from labels of the last `allowed` sessions.

    Args:
        table: what the champion predicts; the daily run makes it, unlike the model itself.
        allowed: sessions since the last one that it was trained on.
    """

    @dg.asset_check(
        asset=table.name.split("/"),
        name="champion_is_fresh",
        description=f"The champion has learnt from labels of the last {allowed} sessions. A "
        "warning only: an overdue model is retrained as soon as its inputs are newer than it; a "
        "champion stays old where its challengers are refused.",
    )
    def check(
        lake: dg.ResourceParam[Lake],
        models: dg.ResourceParam[ModelStore],
        clock: dg.ResourceParam[RunClock],
    ) -> dg.AssetCheckResult:
        decision = models.in_force()
        sessions = lake.scan(SESSIONS).filter(pl.col("decision_at") <= clock.as_of).collect()
        last = last_completed_session(sessions, clock.as_of)["session_date"]
        trained_to = models.load(decision.champion.candidate_id).trained_to
        behind = sessions_between(sessions, trained_to, last)
        return dg.AssetCheckResult(
            passed=behind <= allowed,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"the champion is trained to {trained_to}, {behind} sessions before "
            f"{last}, {allowed} are allowed",
            metadata={"trained_to": str(trained_to), "sessions_behind": behind},
        )

    return check
