"""The state of each source of the list: what it holds, when it last answered, what it has left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.ingest.request import ANSWERED
from finpulse_assets.orchestration.run.source_kind import SourceKind
from finpulse_assets.orchestration.run.sources import listed_sources
from finpulse_assets.orchestration.run.vendors import VENDORS, answers_of, vendor_of
from finpulse_assets.schemas import requests_table, source_table
from finpulse_assets.settings import Settings

NOT_CONFIGURED, NEVER_ASKED = "not configured", "never asked"
_DAY, _MONTH = timedelta(days=1), timedelta(days=30)
_VENDORS = {vendor.name for vendor in VENDORS}


@dataclass(frozen=True)
class SourceState:
    """What `finpulse sources` shows of a source.

    Args:
        state: not configured, never asked, or the status of its last request for some kind that
            was not answered, else answered.
        rows: that its tables hold, of all kinds.
        last_success: as-of time of the last run whose every request it answered.
        problem: why it is not configured, or what failed last.
        requests: in the last 24 hours; None for a source that keeps no answers.
        requests_left: of its plan in these 24 hours, None where it has no such limit.
        rate_left: what the vendor said last that may be asked in its window.
        billed: in the last 30 days, None where nothing is billed.
        billed_left: of FINPULSE_<X>_POSTS_A_MONTH.
    """

    name: str
    state: str
    rows: int = 0
    last_success: datetime | None = None
    problem: str | None = None
    requests: int | None = None
    requests_left: int | None = None
    rate_left: int | None = None
    billed: int | None = None
    billed_left: int | None = None


def source_states(settings: Settings, lake: Lake, now: datetime) -> list[SourceState]:
    """Return the state of each source of the list, in its order; no source is asked."""
    return [_state(source, settings, lake, now) for source in listed_sources(settings)]


def _state(source: SourceKind, settings: Settings, lake: Lake, now: datetime) -> SourceState:
    absence = source.absence(settings)
    if absence is not None:
        return SourceState(source.name, NOT_CONFIGURED, problem=absence)
    tables = [source_table(source.name, kind) for kind in source.kinds(settings)]
    rows = sum(lake.read_or_empty(it).select(pl.len()).collect().item() for it in tables)
    asked = lake.read_or_empty(requests_table(source.name)).collect().sort("requested_at")
    newest = asked.unique("kind", keep="last", maintain_order=True)
    bad = newest.filter(pl.col("status") != ANSWERED)
    whole = asked.group_by("requested_at").agg(ok=(pl.col("status") == ANSWERED).all())
    state = NEVER_ASKED if asked.is_empty() else bad["status"][0] if bad.height else ANSWERED
    return SourceState(
        source.name,
        state,
        rows,
        last_success=whole.filter("ok")["requested_at"].max(),
        problem=bad["problem"][0] if bad.height else None,
        **(_spent(source.name, settings, now) if source.name in _VENDORS else {}),
    )


def _spent(name: str, settings: Settings, now: datetime) -> dict[str, int | None]:
    """Return what a vendor was asked and has billed, by the answers that are kept."""
    from finpulse_assets.gateways.sources.asking import cost_of

    vendor = vendor_of(name, settings)
    a_day, a_month = vendor.reach.a_day, vendor.reach.billed_a_month
    requests, billed, rate_left = 0, 0, None
    for answer in answers_of(settings, name).read((now - _MONTH).date()):
        at = answer.reply.fetched_at
        requests += at > now - _DAY
        rate_left = answer.reply.requests_left
        if a_month is not None and at > now - _MONTH:
            billed += cost_of(vendor, answer)
    return {
        "requests": requests,
        "requests_left": None if a_day is None else max(0, a_day - requests),
        "rate_left": rate_left,
        "billed": None if a_month is None else billed,
        "billed_left": None if a_month is None else max(0, a_month - billed),
    }
