"""The shapes of texts, daily bars, actions and listings that people download, and our own.

A new data set is a new entry here and nothing else. Each shape of bars states its price basis, and
its order of day and month where that needs saying.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from finpulse_assets.gateways.sources.files.cells import join_problems
from finpulse_assets.gateways.sources.files.shapes import Names, Shape
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Schema,
)
from finpulse_assets.schemas import OHLC

INCOMPLETE = "complete is false, the bar is not final"

_IS_RETWEET = pl.col("text").str.starts_with("RT @")
_BAR_EXTRAS: Schema = {"adj_close": pl.Float64, "complete": pl.Boolean}
_ADJUSTED: Names = ("adj_close", "adjusted_close")
_TICKERS = ("ticker", "symbol", "Name", "T")


def not_final(frame: pl.LazyFrame, has: Collection[str]) -> pl.LazyFrame:
    """Give a bar that says `complete: false` a problem: its prices are still to change."""
    if "complete" not in has:
        return frame
    is_open = pl.col("complete").eq(False).fill_null(False)
    sentence = pl.when(is_open).then(pl.lit(INCOMPLETE))
    return frame.with_columns(join_problems(pl.col("problem"), sentence))


def _finish_bars(frame: pl.LazyFrame, has: Collection[str]) -> pl.LazyFrame:
    frame = not_final(frame, has)
    return _as_total_return(frame) if "adj_close" in has else frame


def _as_total_return(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Scale whole bars by adj_close / close: splits and dividends are in them from then on.

    A bar whose file states its price_basis is left as it is.
    """
    is_ours = pl.col("price_basis").is_null()
    lacks = is_ours & pl.col("close").is_not_null() & pl.col("adj_close").is_null()
    missing = pl.when(lacks).then(pl.lit("adj_close is missing, the bar cannot be adjusted"))
    factor = pl.when(is_ours).then(pl.col("adj_close") / pl.col("close")).otherwise(1.0)
    basis = pl.when(is_ours).then(pl.lit("total_return")).otherwise("price_basis")
    return frame.with_columns(
        *(pl.col(name) * factor for name in OHLC),
        join_problems(pl.col("problem"), missing),
        price_basis=basis,
    )


def _finish_stooq(frame: pl.LazyFrame, has: Collection[str]) -> pl.LazyFrame:
    is_other = pl.col("per").str.strip_chars().str.to_uppercase().ne_missing("D")
    sentence = pl.format("per '{}' is no daily bar, that is D", pl.col("per").fill_null(""))
    return _finish_bars(frame, has).with_columns(
        join_problems(pl.col("problem"), pl.when(is_other).then(sentence)),
        ticker=pl.col("ticker").str.replace(r"-US$", ""),
    )


def _same(*names: str) -> dict[str, Names]:
    return {name: name for name in names}


def _bars(name: str, source: str, basis: str, columns: dict[str, Names], **more: object) -> Shape:
    """Return a shape of daily bars, whose prices are as `basis` says where the file does not."""
    return Shape(
        name=name,
        schema=DELIVERED_PRICES,
        columns=columns,
        defaults={"source": pl.lit(source), "price_basis": pl.lit(basis)},
        **{
            "extras": _BAR_EXTRAS,
            "optional": {"adj_close": _ADJUSTED, **more.pop("optional", {})},
            "finish": _finish_bars,
            **more,
        },
    )


_DAILY: dict[str, Names] = {
    "session_date": "date",
    **_same(*OHLC),
    "volume_shares": "volume",
}
# As vendors of one ticker a file write them, with capitals, and no column that names the ticker.
_ALONE = {"lacks": ("ticker", "symbol", "name", "T"), "named_after_ticker": True}

TEXT_SHAPES = (
    Shape(
        name="documented texts",
        schema=DELIVERED_TEXTS,
        columns=_same("text_id", "ticker", "event_time", "text"),
        defaults={"source": pl.lit("files"), "is_retweet": _IS_RETWEET},
    ),
    # Likes and retweets of the tweet itself are all 0 there, it was captured when it was posted;
    # the counts are those of the retweeted original at that time.
    Shape(
        name="StockNet tweets",
        schema=DELIVERED_TEXTS,
        columns={
            "text_id": "tweet_id",
            "ticker": "symbol",
            "event_time": "created_at",
            "text": "text",
        },
        optional={"author": "user", "retweet_count": "rt_retweets", "like_count": "rt_likes"},
        defaults={"source": pl.lit("stocknet"), "is_retweet": _IS_RETWEET},
    ),
    Shape(
        name="Kaggle tweets with their ticker",
        schema=DELIVERED_TEXTS,
        columns={
            "text_id": "tweet_id",
            "ticker": "ticker_symbol",
            "event_time": "post_date",
            "text": "body",
        },
        optional={"author": "writer", "retweet_count": "retweet_num", "like_count": "like_num"},
        defaults={"source": pl.lit("kaggle"), "is_retweet": _IS_RETWEET},
    ),
)

# The first that fits counts: those with more columns stand before those with fewer.
PRICE_SHAPES = (
    _bars(
        "documented prices", "files", "unadjusted",
        _same("ticker", "session_date", *OHLC, "volume_shares"),
    ),
    # Newest first, with dollar signs; the days are American.
    _bars(
        "history of Nasdaq.com", "nasdaq", "split_adjusted",
        {**_DAILY, "close": "close/last"},
        optional={"ticker": _TICKERS}, named_after_ticker=True, day_order="mdy",
    ),
    _bars(
        "StockNet prices", "stocknet", "total_return", {"ticker": "symbol", **_DAILY},
        needs=("adj_close",),
    ),
    # Before the shapes without an adjusted close, which such a file has as well.
    _bars(
        "history of Yahoo, with Adj Close", "yahoo", "total_return",
        {**_DAILY, "session_date": ("date", "datetime"), "adj_close": _ADJUSTED},
        optional={"ticker": _TICKERS}, named_after_ticker=True,
    ),
    _bars(
        "daily_adjusted of Alpha Vantage", "alpha_vantage", "total_return",
        {**_DAILY, "session_date": "timestamp", "adj_close": _ADJUSTED}, **_ALONE,
    ),
    _bars(
        "S&P 500 daily prices", "sp500", "split_adjusted", {"ticker": "symbol", **_DAILY},
    ),
    _bars(
        "Kaggle's five years of the S&P 500", "sp500", "split_adjusted",
        {**_DAILY, "ticker": "Name"},
    ),
    _bars(
        "bulk history of Stooq", "stooq", "total_return",
        {**_DAILY, "ticker": "ticker", "volume_shares": "vol"},
        extras={**_BAR_EXTRAS, "per": pl.String}, needs=("per",), finish=_finish_stooq,
    ),
    # What both adjust for splits and dividends, Stooq in a way that it does not document.
    _bars(
        "history of Stooq or yfinance", "stooq", "total_return",
        {
            "session_date": "Date", "open": "Open", "high": "High", "low": "Low",
            "close": "Close", "volume_shares": "Volume",
        }, **_ALONE,
    ),
    _bars(
        "daily history of Alpha Vantage", "alpha_vantage", "unadjusted",
        {**_DAILY, "session_date": "timestamp"}, **_ALONE,
    ),
    _bars(
        "aggregates of Polygon", "polygon", "split_adjusted",
        {
            "session_date": "t", "open": "o", "high": "h", "low": "l", "close": "c",
            "volume_shares": "v",
        },
        optional={"ticker": _TICKERS}, named_after_ticker=True,
    ),
)  # fmt: skip

ACTION_SHAPES = (
    Shape(
        name="documented corporate actions",
        schema=DELIVERED_ACTIONS,
        columns=_same("ticker", "ex_date", "kind", "value"),
        defaults={"source": pl.lit("files")},
    ),
)

_COMPANIES: Schema = {
    "ticker": pl.String,
    "company": pl.String,
    "sector": pl.String,
    "problem": pl.String,
}

SYMBOL_SHAPES = (
    Shape(name="documented tickers", schema=_COMPANIES, columns=_same("ticker")),
    Shape(name="symbols", schema=_COMPANIES, columns={"ticker": "symbol"}),
)
