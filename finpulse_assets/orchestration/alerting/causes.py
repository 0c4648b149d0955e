"""Which alerts follow from a source that failed: those about what is made of its rows alone."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from finpulse_assets.domain.monitoring.alert import Alert, Kind


def causes_of(alerts: Iterable[Alert], graph: dg.AssetGraph) -> dict[str, str]:
    """Return the key of the failed source's alert by the key of each alert that follows from it.

    An alert follows from a source when every asset that it is about is made of the source's rows.

    Args:
        alerts: everything that is wrong.
        graph: the assets of the code location.
    """
    alerts = list(alerts)
    found = {}
    for source in (it for it in alerts if it.kind is Kind.SOURCE_FAILED):
        below = _below(dg.AssetKey.from_user_string(source.subject), graph)
        for alert in alerts:
            assets = _assets(alert)
            if alert is not source and assets and assets <= below:
                found.setdefault(alert.key, source.key)
    return found


def _assets(alert: Alert) -> set[str]:
    if alert.kind is Kind.RUN_FAILED:
        return set(alert.assets)
    if alert.kind in (Kind.ASSET_STALE, Kind.ASSET_OVERDUE, Kind.CHECK_FAILED):
        return {alert.subject.split()[0]}
    return set()


def _below(key: dg.AssetKey, graph: dg.AssetGraph) -> set[str]:
    """Return the asset and everything that is made of it."""
    found, waiting = set(), [key]
    while waiting:
        one = waiting.pop()
        if one not in found and graph.has(one):
            found.add(one)
            waiting.extend(graph.get(one).child_keys)
    return {one.to_user_string() for one in found}
