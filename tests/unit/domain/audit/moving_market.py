"""A simulated market in which rows are corrected, come late, are edited, and a sector changes."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import polars as pl

from finpulse_assets.domain.calendar import assign_sessions, build_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate

SESSIONS = build_sessions(date(2018, 1, 2), date(2024, 6, 28))


@cache
def market() -> dict[str, pl.DataFrame]:
    """Return ten tickers over 180 sessions.

    Two bars are corrected, another comes late, a split is learnt late, every 20th text is edited.
    """
    seen = simulate(MarketPlan(ticker_count=10, session_count=180, seed=3, effect=0.5), SESSIONS)
    texts = assign_sessions(seen.tweets, SESSIONS).with_columns(
        score=pl.col("text").str.len_chars().cast(pl.Float64) / 100 - 0.5
    )
    edited = texts[::20].with_columns(
        score=pl.col("score") + 1, knowledge_time=pl.col("knowledge_time") + timedelta(days=2)
    )
    ticker = seen.prices["ticker"].mode()[0]
    bars = seen.prices.filter(pl.col("ticker") == ticker).sort("session_date")
    later = timedelta(days=3)
    wrong = bars[60:62].with_columns(
        close=pl.col("close") * 1.2, high=pl.col("high") * 1.3,
        knowledge_time=pl.col("knowledge_time") + later,
    )  # fmt: skip
    late_day = bars["session_date"][100]
    prices = seen.prices.with_columns(
        knowledge_time=pl.when(
            (pl.col("ticker") == ticker) & (pl.col("session_date") == late_day)
        ).then(pl.col("knowledge_time") + later).otherwise("knowledge_time")
    )  # fmt: skip
    split = seen.corporate_actions[:1].with_columns(
        ticker=pl.lit(ticker), ex_date=pl.lit(bars["session_date"][130]), kind=pl.lit("split"),
        value=pl.lit(2.0), event_time=bars["knowledge_time"][130],
        knowledge_time=bars["knowledge_time"][130] + later,
    )  # fmt: skip
    return {
        "raw/sessions": SESSIONS,
        "raw/tickers": with_new_sector(seen.tickers, bars["session_date"][90]),
        "raw/prices": pl.concat([prices, wrong]),
        "raw/corporate_actions": pl.concat([seen.corporate_actions, split]),
        "raw/tweets": pl.concat([texts, edited]),
    }


def with_new_sector(tickers: pl.DataFrame, day: date) -> pl.DataFrame:
    """Move the first ticker of the most common sector to another one on `day`."""
    sector = tickers["sector"].mode()[0]
    listed = tickers.filter((pl.col("valid_from") < day) & pl.col("valid_to").is_null())
    moved = listed.filter(sector=sector)[:1]
    ends = (pl.col("ticker") == moved["ticker"][0]) & pl.col("valid_to").is_null()
    until = tickers.with_columns(
        valid_to=pl.when(ends).then(pl.lit(day - timedelta(days=1))).otherwise("valid_to")
    )
    other = listed.filter(pl.col("sector") != sector)["sector"][0]
    return pl.concat([until, moved.with_columns(sector=pl.lit(other), valid_from=pl.lit(day))])
