"""Minute bars in memory, and a few of them that every source can tell.

The minutes lie around a change of the clocks, a half-day and the end of a month, so that windows
and sessions have something to get wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from finpulse_assets.gateways.sources.minute_source import DELIVERED_BARS_1M, MonthOfBars, by_month
from finpulse_assets.gateways.sources.protocols import delivered_as

MINUTES_START, MINUTES_END = datetime(2024, 10, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
MINUTES = {
    "AAA": ["2024-10-31 23:59", "2024-11-01 03:59", "2024-11-01 04:00", "2024-11-04 14:30",
            "2024-11-29 18:00", "2024-12-02 14:30"],
    "SPX500_USD": ["2024-11-03 23:00", "2024-11-04 14:30", "2024-11-29 18:14"],
}  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def small_minutes() -> pl.DataFrame:
    """Nine bars with quotes, but for the last of each ticker; one trades nothing."""
    rows = [
        {
            "ticker": ticker,
            "bar_at": utc(at),
            "open": 10.0 + i,
            "high": 11.25 + i,
            "low": 9.5 + i,
            "close": 10.5 + i,
            "volume": 100.0 * i,
            "bid": 10.25 + i if i < len(times) - 1 else None,
            "ask": 10.75 + i if i < len(times) - 1 else None,
            "bid_size": 300.0 if i < len(times) - 1 else None,
            "ask_size": 200.5 if i < len(times) - 1 else None,
        }
        for ticker, times in MINUTES.items()
        for i, at in enumerate(times)
    ]
    return pl.DataFrame(rows, schema_overrides={"bar_at": pl.Datetime("us", "UTC")})


class FakeMinuteSource:
    """Frames handed over as if a source had delivered them."""

    name = "fake"

    def __init__(self, bars: pl.DataFrame) -> None:
        self._bars = delivered_as(bars, DELIVERED_BARS_1M)

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        yield from by_month(self._bars.lazy(), start, end)


def fake_minutes(bars: pl.DataFrame | None = None) -> FakeMinuteSource:
    """Return a source of the small bars, or of `bars`."""
    bars = small_minutes() if bars is None else bars
    return FakeMinuteSource(
        bars.with_columns(price_basis=pl.lit("unadjusted"), source=pl.lit("fake"))
    )
