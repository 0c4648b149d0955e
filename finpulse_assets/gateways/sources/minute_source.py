"""What a source of one-minute bars is, and the columns in which it delivers.

The protocol, the delivered columns, and how bars are handed over month by month.

As every source, it drops no row and refuses none; see `sources`. Minute bars are many, so they come
a month at a time, and no more than a month need be in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.protocols import Schema, check_window

DELIVERED_BARS_1M: Schema = {
    "ticker": pl.String,
    "bar_at": schemas.UTC,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
    "bid": pl.Float64,
    "ask": pl.Float64,
    "bid_size": pl.Float64,
    "ask_size": pl.Float64,
    "price_basis": pl.String,
    "source": pl.String,
    "problem": pl.String,
}
# Where no time of a file can be read, all its bars are untimed: more than one month ever holds.
_UNTIMED_AT_A_TIME = 100_000


@dataclass(frozen=True)
class MonthOfBars:
    """Bars as delivered, in the columns of DELIVERED_BARS_1M and the order of the source.

    `month` is the New York month of their bar_at ("2024-03-01"), or None for bars whose time is
    missing, unreadable or still to come.
    """

    month: str | None
    bars: pl.DataFrame


class MinuteSource(Protocol):
    """Something that hands over one-minute bars."""

    name: str

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        """Yield the bars that begin in [start, end), a month at a time, ascending.

        Months without a bar are left out. Bars without a usable time are part of every window, and
        come first, in as many parts as they need.

        Raises:
            SettingError: the window is naive or backwards.
            SourceError: the source cannot be read.
        """


def minute_window(start: datetime, end: datetime, *, now: Now = system_now) -> pl.Expr:
    """Return the filter of bars delivered in [start, end); see `MinuteSource.bars_1m`."""
    check_window(start, end)
    return _within(start, end) | ~_is_past(now())


def by_month(
    delivered: pl.LazyFrame, start: datetime, end: datetime, *, now: Now = system_now
) -> Iterator[MonthOfBars]:
    """Yield the bars of the window month by month, from bars that are cheap to scan repeatedly."""
    check_window(start, end)
    is_past = _is_past(now())
    for untimed in delivered.filter(~is_past).collect().iter_slices(_UNTIMED_AT_A_TIME):
        yield MonthOfBars(None, untimed)
    timed = delivered.filter(is_past & _within(start, end))
    ends = timed.select(first=pl.min("bar_at"), last=pl.max("bar_at"))
    first, last = ends.collect(engine="streaming").row(0)
    month = first.astimezone(NEW_YORK).date().replace(day=1) if first else None
    while month is not None and _midnight(month) <= last:
        following = (month + timedelta(days=32)).replace(day=1)
        bars = timed.filter(_within(_midnight(month), _midnight(following))).collect()
        if bars.height:
            yield MonthOfBars(month.isoformat(), bars)
        month = following


def _is_past(now: datetime) -> pl.Expr:
    return (pl.col("bar_at") <= pl.lit(now, schemas.UTC)).fill_null(False)


def _within(start: datetime, end: datetime) -> pl.Expr:
    edges = (pl.lit(moment, schemas.UTC) for moment in (start, end))
    return pl.col("bar_at").is_between(*edges, closed="left")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
