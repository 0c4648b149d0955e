"""Adjusted prices: one truth with the features, newest versions, one source a session."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.adjusted_prices import ADJUSTED_PRICES, adjusted_prices
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, SOURCES

SESSIONS = build_sessions(date(2018, 1, 2), date(2018, 12, 31))
END = datetime(2019, 1, 1, tzinfo=UTC)
KEY = ["ticker", "session_date"]


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    plan = MarketPlan(ticker_count=20, session_count=250)
    return simulate(plan, SESSIONS)


def adjusted(prices: pl.DataFrame, actions: pl.DataFrame, as_of: datetime = END) -> pl.DataFrame:
    return adjusted_prices(prices.lazy(), actions.lazy(), SESSIONS, as_of=as_of)


def test_the_adjusted_close_gives_the_returns_that_features_see(market):
    actions = market.corporate_actions
    assert set(actions["kind"]) == {"split", "dividend"}
    own = adjusted(market.prices, actions)
    assert ADJUSTED_PRICES.enforce(own).height == market.prices.height
    moved = own.select(*KEY, made=pl.col("adjusted_close").pct_change().over("ticker"))
    features = build_technical_features(
        market.prices.lazy(), actions.lazy(), SESSIONS, as_of=END
    ).select(*KEY, "return_1d")
    both = moved.join(features, on=KEY).drop_nulls()
    assert both.height > 4_500
    assert (both["made"] - both["return_1d"]).abs().max() < 1e-12
    assert own.filter(pl.col("adjustment_factor") > 1.9).height > 20, "a split is in it"


def test_the_first_bar_keeps_its_price_and_a_later_action_changes_no_earlier_row(market):
    actions = market.corporate_actions
    own = adjusted(market.prices, actions)
    first = own.group_by("ticker", maintain_order=True).first()
    assert first["adjusted_close"].equals(first["close"], check_names=False)
    until = date(2018, 9, 4)
    earlier = pl.col("session_date") < until
    fewer = actions.filter(pl.col("ex_date") < until)
    assert fewer.height < actions.height
    assert adjusted(market.prices, fewer).filter(earlier).equals(own.filter(earlier))


def test_a_correction_is_in_it_from_its_time_on(market):
    fixed = market.corrections.sort("knowledge_time")[:1]
    came = fixed["knowledge_time"][0]
    versions = market.price_versions
    before, after = (
        adjusted(versions, market.corporate_actions, as_of)
        for as_of in (came - timedelta(seconds=1), came)
    )
    changed = before.join(after, on=KEY, suffix="_after").filter(
        pl.col("close") != pl.col("close_after")
    )
    assert changed.select(KEY).equals(fixed.select(KEY))
    assert changed["close_after"].to_list() == fixed["close"].to_list()


def test_of_two_sources_the_declared_one_counts():
    bar = {
        "ticker": "T", "session_date": SESSIONS["session_date"][0], "price_basis": "unadjusted",
        "event_time": SESSIONS["close_at"][0], "knowledge_time": SESSIONS["close_at"][0],
        "volume_shares": 10, **dict.fromkeys(("open", "high", "low"), 8.0),
    }  # fmt: skip
    rows = [{**bar, "close": 8.0, "source": "best"}, {**bar, "close": 7.0, "source": "archive"}]
    declared = SOURCES.enforce(pl.DataFrame({"kind": ["prices"], "source": ["best"], "rank": [1]}))
    prices = PRICES.enforce(pl.DataFrame(rows)).lazy()
    none = CORPORATE_ACTIONS.empty().lazy()
    found = adjusted_prices(prices, none, SESSIONS, as_of=END, sources=declared)
    assert found.select("close", "source").rows() == [(8.0, "best")]
    unknown = datetime(2018, 1, 1, tzinfo=UTC)
    assert adjusted_prices(prices, none, SESSIONS, as_of=unknown).is_empty()
