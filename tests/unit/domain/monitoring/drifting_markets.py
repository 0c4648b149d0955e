"""A simulated market with a planted change of regime, and the drift report of each of its days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.domain.monitoring.drift import measure_drift, split_recent, verdicts
from finpulse_assets.domain.simulator import MarketPlan, simulate
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES

END, YEAR, HISTORY = date(2024, 6, 28), 252, 300  # sessions reported on, and before them
SESSIONS = build_sessions(date(2018, 1, 2), END + timedelta(days=7))
REPORTED = SESSIONS.filter(pl.col("session_date") <= END)["session_date"].tail(YEAR).to_list()
KINDS = {it.name: "technical" for it in TECHNICAL}


@cache
def features(seed: int, change: date | None = None, times: float = 2.5) -> pl.DataFrame:
    """Return technical features of a market whose moves are `times` larger from `change` on."""
    plan = MarketPlan(
        ticker_count=10, session_count=YEAR + HISTORY, seed=seed, texts_per_session=0,
        headlines_per_session=0,
    )  # fmt: skip
    market = simulate(plan, SESSIONS.filter(pl.col("session_date") <= END))
    prices = market.prices.join(
        market.corporate_actions.filter(pl.col("kind") == "split"), on="ticker", how="anti"
    )
    prices = prices if change is None else _wilder(prices, change, times)
    return build_technical_features(
        PRICES.enforce(prices).lazy(),
        CORPORATE_ACTIONS.empty().lazy(),
        SESSIONS,
        as_of=datetime.combine(END, time(23), UTC),
    )


def _wilder(prices: pl.DataFrame, change: date, times: float) -> pl.DataFrame:
    before = prices.filter(pl.col("session_date") < change).sort("session_date")
    base = before.group_by("ticker").agg(pl.col("close").last().alias("base"))
    bars = ["open", "high", "low", "close"]
    later = pl.col("session_date") >= change
    stretched = [
        pl.when(later).then(pl.col("base") * (pl.col(n) / pl.col("base")) ** times).otherwise(n)
        for n in bars
    ]
    joined = prices.join(base, on="ticker")
    return joined.with_columns(*[s.alias(n) for s, n in zip(stretched, bars, strict=True)]).drop(
        "base"
    )


def reports(frame: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Return the verdict of each of `sessions`, for a model that was retrained on that day."""
    first = frame["session_date"].min()
    days = []
    for day in sessions:
        known = frame.filter(pl.col("session_date") <= day)
        recent, reference = split_recent(known, trained_from=first, trained_to=day)
        days.append(verdicts(measure_drift(recent, reference, KINDS, model_version="x")))
    return pl.concat(days)
