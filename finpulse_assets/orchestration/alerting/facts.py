"""What Dagster knows of assets for the alerts: decided checks and failing policies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg

from finpulse_assets.domain.monitoring.run_rules import CheckOutcome
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
