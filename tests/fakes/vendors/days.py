"""Days of a source on loopback: each asks as a run would, and the lake holds what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.orchestration.ingest.request import Answer, Request, collect
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.vendors import vendor_source
from finpulse_assets.schemas import SESSIONS, TICKERS, Kind, source_table
from tests.fakes.vendors.deployed import settings_of
from tests.fakes.vendors.server import Vendors


class Days:
    """The home of one source.

    Args:
        vendors: who is asked; the clock is theirs.
        name: of the source.
        home: where the lake lies.
        first: the first day that is loaded.
    """

    def __init__(self, vendors: Vendors, name: str, home: Path, first: date, **more: object):
        self.vendors, self.name, self.first = vendors, name, first
        self.settings = settings_of(vendors, home, **more)
        self.lake = Lake(self.settings.lake)
        self.sessions = build_sessions(date(2026, 1, 2), date(2027, 3, 1))
        self.lake.replace(SESSIONS, self.sessions, [WHOLE])
        tickers = pl.DataFrame({"ticker": self.settings.ticker_list})
        nothing = dict.fromkeys(("company", "sector", "exchange", "valid_to"), pl.lit(None))
        listed = tickers.with_columns(valid_from=pl.lit(first), **nothing)
        self.lake.replace(TICKERS, TICKERS.enforce(listed.select(
            pl.col(n).cast(d) for n, d in TICKERS.polars_schema.items())), [WHOLE])  # fmt: skip

    def run(self, at: datetime | None = None, months: Sequence[str] | None = None) -> list[Answer]:
        """Ask at a time, for the months from the first day on."""
        if at is not None:
            self.vendors.clock.at = at
        as_of = self.vendors.clock.now().replace(microsecond=0)
        clock = RunClock(as_of, self.first)
        request = Request(
            source=vendor_source(self.name, self.settings, self.vendors.clock.timer),
            lake=self.lake,
            clock=clock,
            months=months or clock.months,
            sessions=self.sessions,
            max_bad_row_share=self.settings.max_bad_row_share,
        )
        return collect(request, self.settings.ticker_list)

    def rows(self, kind: Kind) -> pl.DataFrame:
        """Return what the lake holds of a kind, in the order of its key."""
        table = source_table(self.name, kind)
        return self.lake.read_or_empty(table).collect().sort(table.key)

    def midday(self, day: int) -> datetime:
        """Return 21:30 UTC of a day of November 2026, after the close."""
        return datetime(2026, 11, day, 21, 30, tzinfo=UTC)
