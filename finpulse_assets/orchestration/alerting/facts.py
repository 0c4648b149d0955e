"""The facts behind alerts on assets: decided checks, failing policies, how far tables reach."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.monitoring.freshness import UNREADABLE, TableStatus, table_status
from finpulse_assets.domain.monitoring.run_rules import CheckOutcome
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.dagster_internals import (
    DECIDED,
    FreshnessState,
)


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
                is_error=found.severity is dg.AssetCheckSeverity.ERROR,
                is_blocking=bool(found.blocking),
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


def table_statuses(
    lake: Lake, tables: Iterable[Table], sessions: pl.DataFrame, last: date
) -> tuple[list[TableStatus], dict[str, str]]:
    """Return how far each table reaches against the session `last`, and what cannot be read.

    Args:
        sessions: every session that a table may lack, up to `last`.

    Returns:
        The status of each table, and the sentence of each that cannot be read, by name.
    """
    found, unreadable = [], {}
    for table in tables:
        keys = lake.partitions(table)
        try:
            rows = lake.scan(table) if keys else None
            found.append(table_status(table, rows, sessions, last))
        except FinPulseError as error:
            unreadable[table.name] = str(error)
        except (OSError, pl.exceptions.PolarsError) as error:  # sound at its head, broken below
            path = next((lake.path(table, key) for key in keys if _is_broken(lake, table, key)), "")
            unreadable[table.name] = f"{path or table.name} cannot be read: {error}"
        if table.name in unreadable:
            found.append(TableStatus(table.name, UNREADABLE, 0, None, None))
    return found, unreadable


def _is_broken(lake: Lake, table: Table, key: str) -> bool:
    try:
        lake.scan(table, [key]).collect()
    except (OSError, pl.exceptions.PolarsError):
        return True
    return False
