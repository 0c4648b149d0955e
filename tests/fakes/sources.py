"""Sources in memory, and a small market of six sessions that every source can tell.

The market spans a half-day (2024-11-29), a holiday, a dividend and a split, so that windows and
adjustments have something to get wrong.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Extent,
    TextKind,
    action_window,
    check_kind,
    delivered_as,
    price_window,
    text_window,
    time_on,
)
from finpulse_assets.schemas import TICKERS

DAYS = [date(2024, 11, d) for d in (25, 26, 27, 29)] + [date(2024, 12, d) for d in (2, 3)]
START, END = datetime(2024, 11, 25, tzinfo=UTC), datetime(2024, 12, 4, tzinfo=UTC)
SPLIT_DAY, DIVIDEND_DAY = date(2024, 12, 2), date(2024, 11, 26)
COMPANIES = {"AAA": "Aardvark Mining", "BRK-B": "Brook Holdings"}


def small_prices() -> pl.DataFrame:
    """Unadjusted bars: AAA splits four for one on 2024-12-02, BRK-B only moves."""
    closes = {"AAA": [100.0, 104.0, 108.0, 112.0, 28.0, 29.0], "BRK-B": [50.0, 51, 50, 52, 53, 54]}
    rows = [
        {
            "ticker": ticker,
            "session_date": day,
            "open": close - 0.25,
            "high": close + 1.0,
            "low": close - 1.0,
            "close": float(close),
            "volume_shares": 4_000 + 400 * i,
            "price_basis": "unadjusted",
        }
        for ticker, series in closes.items()
        for i, (day, close) in enumerate(zip(DAYS, series, strict=True))
    ]
    return pl.DataFrame(rows)


def small_actions() -> pl.DataFrame:
    """AAA pays 0.80 USD and later splits."""
    return pl.DataFrame(
        {
            "ticker": ["AAA", "AAA"],
            "ex_date": [DIVIDEND_DAY, SPLIT_DAY],
            "kind": ["dividend", "split"],
            "value": [0.8, 4.0],
        }
    )


def small_texts(prefix: str) -> pl.DataFrame:
    """Four texts; the ids are too long for a float."""
    at = [datetime(2024, 11, 25, 9, 30), datetime(2024, 11, 26), datetime(2024, 11, 29, 18, 0, 1)]
    at.append(datetime(2024, 12, 3, 23, 59, 59))
    return pl.DataFrame(
        {
            "text_id": [f"{prefix}94761837456935321{i}" for i in range(4)],
            "ticker": ["AAA", "BRK-B", "AAA", "BRK-B"],
            "event_time": [moment.replace(tzinfo=UTC) for moment in at],
            "text": ['$AAA "up", they say', "two\nlines", "RT @ann: naïve 📈", "flat"],
            "author": ["ann", "bob", "cy", "ann"],
        }
    )


class FakeTextSource:
    """Frames handed over as if a source had delivered them."""

    name = "fake"

    def __init__(self, *, tweets: pl.DataFrame, headlines: pl.DataFrame) -> None:
        frames = {"tweets": tweets, "headlines": headlines}
        self._frames = {kind: delivered_as(f, DELIVERED_TEXTS) for kind, f in frames.items()}

    def extent(self) -> Extent | None:
        times = pl.concat(self._frames.values()).select(
            pl.coalesce("knowledge_time", "event_time").alias("at")
        )["at"]
        return Extent(times.min(), times.max()) if times.count() else None

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        check_kind(kind)
        return self._frames[kind].filter(text_window(start, end))


class FakePriceSource:
    """Frames handed over as if a source had delivered them."""

    name = "fake"

    def __init__(
        self,
        *,
        prices: pl.DataFrame,
        corporate_actions: pl.DataFrame | None = None,
        companies: dict[str, str] | None = None,
    ) -> None:
        actions = pl.DataFrame() if corporate_actions is None else corporate_actions
        self._prices = delivered_as(prices, DELIVERED_PRICES)
        self._actions = delivered_as(actions, DELIVERED_ACTIONS)
        self._companies = companies or {}

    def extent(self) -> Extent | None:
        days = self._prices["session_date"]
        if not days.count():
            return None
        return Extent(time_on(days.min(), "open_at"), time_on(days.max(), "close_at"))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        return self._prices.filter(price_window(start, end))

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        return self._actions.filter(action_window(start, end))

    def tickers(self) -> pl.DataFrame:
        spans = self._prices.group_by("ticker").agg(valid_from=pl.min("session_date"))
        company = pl.col("ticker").replace_strict(
            self._companies, default=None, return_dtype=pl.String
        )
        unknown = pl.lit(None, pl.String)
        listed = pl.lit(None, pl.Date)
        return TICKERS.enforce(
            spans.with_columns(company=company, sector=unknown, exchange=unknown, valid_to=listed)
        )


def small_fakes() -> tuple[FakeTextSource, FakePriceSource]:
    """Return the small market as sources in memory."""
    is_retweet = pl.col("text").str.starts_with("RT @")
    texts = [
        small_texts(prefix).with_columns(is_retweet=is_retweet, source=pl.lit("fake"))
        for prefix in ("1", "2")
    ]
    return (
        FakeTextSource(tweets=texts[0], headlines=texts[1]),
        FakePriceSource(
            prices=small_prices().with_columns(source=pl.lit("fake")),
            corporate_actions=small_actions().with_columns(source=pl.lit("fake")),
            companies=COMPANIES,
        ),
    )
