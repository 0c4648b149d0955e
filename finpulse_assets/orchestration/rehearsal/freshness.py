"""The freshness policies at a given time, as Dagster's freshness daemon notes them."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from finpulse_assets.orchestration.run.dagster_internals import (
    FreshnessState,
    FreshnessStateChange,
    TimeWindowFreshnessPolicy,
)


def note_freshness(instance: dg.DagsterInstance, graph: dg.AssetGraph, now: datetime) -> int:
    """Note every asset whose freshness policy changed its state; return how many did.

    Args:
        instance: where materializations and states are kept.
        graph: the assets.
        now: UTC.
    """
    policies = {
        node.key: node.freshness_policy
        for node in graph.asset_nodes
        if isinstance(node.freshness_policy, TimeWindowFreshnessPolicy)
    }
    keys = list(policies)
    held = {r.asset_entry.asset_key: r.asset_entry for r in instance.get_asset_records(keys)}
    noted = instance.get_freshness_state_records(keys)
    changed = 0
    for key, policy in policies.items():
        last = held[key].last_materialization if key in held else None
        state = _state(policy, last.timestamp if last else None, now)
        before = noted[key].freshness_state if key in noted else FreshnessState.UNKNOWN
        if state is not before:
            instance.report_runless_asset_event(
                FreshnessStateChange(
                    key=key,
                    new_state=state,
                    previous_state=before,
                    state_change_timestamp=now.timestamp(),
                )
            )
            changed += 1
    return changed


def _state(
    policy: TimeWindowFreshnessPolicy, materialized: float | None, now: datetime
) -> FreshnessState:
    if materialized is None:
        return FreshnessState.UNKNOWN
    age = now - datetime.fromtimestamp(materialized, UTC)
    if age > policy.fail_window.to_timedelta():
        return FreshnessState.FAIL
    warns = policy.warn_window is not None and age > policy.warn_window.to_timedelta()
    return FreshnessState.WARN if warns else FreshnessState.PASS
