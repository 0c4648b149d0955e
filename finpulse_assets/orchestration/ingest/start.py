"""Where a run starts: the month in which the coverage of the sources ends."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.domain.ingestion.coverage import month_to_start
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.ingest.request import ANSWERED
from finpulse_assets.orchestration.run.clock import LIVE_HISTORY, RunClock
from finpulse_assets.orchestration.run.sources import configured_sources
from finpulse_assets.schemas import Kind, requests_table, source_table
from finpulse_assets.settings import Settings


def months_to_run(settings: Settings, lake: Lake, as_of: datetime) -> list[str]:
    """Return the months of a run at `as_of`: from where the coverage of a source ends to now.

    A run that failed, on the first session of a month or any other, leaves its months to the next
    one; so does a source that was down, and a ticker that was added. No source is read for this.
    A source that never answered counts from its first answer on; a home that was never run gets
    FINPULSE_START_DATE or two years, `finpulse run` all that its sources have.
    """
    now = RunClock(as_of, as_of.date())
    starts = []
    for source in configured_sources(settings):
        for kind in source.kinds(settings):
            if kind == "bars_1m":  # no versions: the source is asked for whole months
                continue
            coverage = lake.coverage(source_table(source.name, kind))
            if coverage.is_empty():
                continue
            first = date.fromisoformat(coverage["month"].min())
            clock = RunClock(as_of, first)
            complete = [month for month in clock.months if month < now.month]
            ends = {month: clock.window([month])[1] for month in complete}
            starts.append(month_to_start(coverage, ends) or now.month)
            starts += _unanswered(lake, source.name, kind)
    if not starts:
        return RunClock(as_of, settings.start_date or (as_of - LIVE_HISTORY).date()).months
    return RunClock(as_of, date.fromisoformat(min(starts))).months


def _unanswered(lake: Lake, source: str, kind: Kind) -> list[str]:
    """Return the months in which the requests begin that were not answered since one that was.

    Of a partial answer some tickers are covered, so that coverage alone would not say so.
    """
    requests = lake.read_or_empty(requests_table(source)).filter(kind=kind).collect()
    answered = requests.filter(status=ANSWERED)["requested_at"].max()
    since = requests if answered is None else requests.filter(pl.col("requested_at") > answered)
    return since.select(month_of("asked_from")).to_series().unique().to_list()
