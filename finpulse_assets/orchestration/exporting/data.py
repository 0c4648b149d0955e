"""Numbers of tables, sources and the snapshot: how far they reach, what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.monitoring import measures
from finpulse_assets.domain.monitoring.freshness import UNREADABLE
from finpulse_assets.domain.monitoring.measures import Sample
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from finpulse_assets.orchestration.alerting import tables as watched
from finpulse_assets.orchestration.run.home import with_remembered_files
from finpulse_assets.orchestration.run.sources import configured_sources
from finpulse_assets.schemas import requests_table, source_table
from finpulse_assets.settings import Settings

Samples = Iterator[Sample | None]
ANSWERED = "answered"


def tables(settings: Settings, due: datetime) -> Samples:
    """Yield how far each watched table reaches up to `due` (UTC)."""
    lake, sessions = Lake(settings.lake), _sessions(settings, due)
    last = last_completed_session(sessions, due)["session_date"]
    found, _ = watched.table_statuses(lake, watched.WATCHED, sessions, last)
    for status in found:
        is_readable = status.state != UNREADABLE
        yield measures.TABLE_READABLE(is_readable, status.table)
        yield measures.TABLE_BEHIND(status.sessions_behind, status.table)
        yield measures.TABLE_ROWS(status.rows if is_readable else None, status.table)


def sources(settings: Settings, due: datetime) -> Samples:
    """Yield what each configured source was asked for up to `due` (UTC), and what came."""
    lake, sessions = Lake(settings.lake), _sessions(settings, due)
    settings = with_remembered_files(settings)
    for source in configured_sources(settings):
        asked = lake.read_or_empty(requests_table(source.name)).collect().sort("requested_at")
        for kind in source.kinds(settings):
            yield from _source(source.name, kind, asked.filter(kind=kind))
            reached = lake.coverage(source_table(source.name, kind))["last_at"].max()
            yield measures.SOURCE_BEHIND(
                reached and _decided_after(reached, sessions, due), source.name, kind
            )


def _source(name: str, kind: str, asked: pl.DataFrame) -> Samples:
    if asked.is_empty():
        return
    last = asked.row(-1, named=True)
    yield measures.SOURCE_ANSWERED(last["status"] == ANSWERED, name, kind)
    yield measures.SOURCE_REQUESTED(last["requested_at"], name, kind)
    delivered = last["delivered_rows"]
    share = last["refused_rows"] / delivered if delivered else 0.0
    yield measures.SOURCE_REFUSED_SHARE(share, name, kind)
    yield measures.SOURCE_ROWS(asked["delivered_rows"].sum(), name, kind)
    yield measures.SOURCE_REFUSED(asked["refused_rows"].sum(), name, kind)
    yield measures.SOURCE_LATE(asked["late_rows"].sum(), name, kind)


def snapshot(settings: Settings, due: datetime) -> Samples:
    """Yield the as-of time of the newest snapshot, and the sessions decided since, to `due`."""
    as_of = SnapshotStore(settings.root).newest_as_of()
    yield measures.SNAPSHOT_AS_OF(as_of)
    if as_of is not None:
        behind = _decided_after(as_of, _sessions(settings, due), due)
        yield measures.SNAPSHOT_BEHIND(behind)


def _sessions(settings: Settings, due: datetime) -> pl.DataFrame:
    delay = timedelta(minutes=settings.decision_delay_minutes)
    return watched.sessions_until(Lake(settings.lake), due, delay)


def _decided_after(at: datetime, sessions: pl.DataFrame, due: datetime) -> int:
    decision = pl.col("decision_at")
    return sessions.filter(decision > at, decision <= due).height
