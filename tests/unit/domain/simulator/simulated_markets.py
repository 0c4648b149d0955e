"""Simulated markets that several tests share, built once a run, and how to measure an effect."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache

import polars as pl

from finpulse_assets.domain.calendar import assign_sessions, build_sessions
from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.domain.texts.normalise import with_text_hash

EPOCH = date(2018, 1, 2)
SESSIONS = build_sessions(date(2017, 12, 1), date(2020, 12, 31), decision_delay=timedelta(hours=1))
PLAN = MarketPlan(ticker_count=40, session_count=480, texts_per_session=1.0)


def until(end: date) -> pl.DataFrame:
    return SESSIONS.filter(pl.col("session_date") <= end)


@cache
def shared_market() -> SimulatedMarket:
    return simulate(PLAN, SESSIONS)


@cache
def shared_tweets() -> pl.DataFrame:
    """Return the shared market's tweets with the session and the hash that the platform gives."""
    return assign_sessions(with_text_hash(shared_market().tweets), SESSIONS)


def with_next_return(market: SimulatedMarket) -> pl.DataFrame:
    """Return the truth with the next session's log return, open to close, in own deviations."""
    bars = market.prices.with_columns(pl.col("close").log() - pl.col("open").log())
    following = SESSIONS.select("session_date", "next_session_date")
    return (
        market.truth.join(following, on="session_date")
        .join(
            bars.select("ticker", next_session_date="session_date", log_return="close"),
            on=["ticker", "next_session_date"],
        )
        .with_columns(z=pl.col("log_return") / pl.col("idio_sigma"))
    )


def slope(x: pl.Series, y: pl.Series) -> tuple[float, float]:
    """Return the least-squares slope through the origin and its standard error."""
    a, b = x.to_numpy(), y.to_numpy()
    estimate = (a @ b) / (a @ a)
    return estimate, math.sqrt(((b - estimate * a) ** 2).mean() / (a @ a))
