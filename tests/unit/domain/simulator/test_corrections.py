"""Corrections of the simulated market: few, small, later than their bar, and never rewritten."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.domain.ingestion.deliveries import accept
from finpulse_assets.domain.simulator import MarketPlan, MarketScript, simulate
from finpulse_assets.domain.simulator.corrections import CHANCE, LATEST
from finpulse_assets.domain.simulator.script import played
from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource
from finpulse_assets.schemas import COVERAGE, PRICES, source_table
from tests.unit.domain.simulator.simulated_markets import SESSIONS, shared_market, until

KEY = ["ticker", "session_date"]


@pytest.fixture
def pairs() -> pl.DataFrame:
    """Each correction beside the first version of its bar, with the places of both sessions."""
    market = shared_market()
    places = SESSIONS.with_row_index("place").select("place", "session_date", "open_at")
    return (
        market.corrections.join(market.prices, on=KEY, suffix="_first")
        .join(places, on="session_date")
        .join(places, left_on="knowledge_time", right_on="open_at", suffix="_corrected")
    )


def test_few_bars_are_corrected_and_both_versions_keep_the_contract(pairs):
    market = shared_market()
    assert PRICES.enforce(market.price_versions).height == (
        market.prices.height + market.corrections.height
    )
    assert pairs.height == market.corrections.height, "each corrects a bar, at an opening"
    assert 0.5 < market.corrections.height / (market.prices.height * CHANCE) < 2


def test_a_correction_is_small_later_and_turns_no_direction(pairs):
    later = pairs["place_corrected"].cast(pl.Int64) - pairs["place"].cast(pl.Int64)
    assert set(later) == set(range(1, LATEST + 1))
    moved = pairs["close"] / pairs["close_first"] - 1
    assert moved.abs().is_between(0.0005, 0.006).all()
    up, up_first = (pairs[close] > pairs["open"] for close in ("close", "close_first"))
    assert up.equals(up_first)
    assert set(up) == {True, False}
    assert (pairs["high"] >= pairs["close"]).all()
    assert (pairs["low"] <= pairs["close"]).all()
    same = ("open", "volume_shares", "price_basis", "source", "event_time")
    for name in same:
        assert pairs[name].equals(pairs[f"{name}_first"], check_names=False), name


def test_a_later_end_adds_corrections_and_changes_none():
    plan = MarketPlan(ticker_count=40, session_count=200)
    before = simulate(plan, until(date(2019, 9, 3)))
    after = simulate(plan, until(date(2019, 10, 1)))
    since, known_by = after.prices["session_date"].min(), before.prices["knowledge_time"].max()
    old = before.corrections.filter(pl.col("session_date") >= since)
    assert old.height > 5
    assert after.corrections.filter(pl.col("knowledge_time") <= known_by).equals(old)
    assert after.corrections.height > old.height
    assert before.corrections["knowledge_time"].max() <= known_by


def test_a_scripted_market_has_the_corrections_of_its_script_alone():
    assert played(shared_market(), MarketScript()).corrections.is_empty()


def test_no_feature_knows_of_a_correction():
    market = simulate(MarketPlan(ticker_count=12, session_count=200), until(date(2019, 9, 3)))
    assert market.corrections.height > 0
    first, all_versions = (
        build_technical_features(
            prices.lazy(), market.corporate_actions.lazy(), SESSIONS,
            as_of=datetime(2019, 9, 4, tzinfo=UTC),
        )
        for prices in (market.prices, market.price_versions)
    )  # fmt: skip
    assert all_versions.equals(first)


def test_a_source_delivers_them_and_none_is_refused():
    plan = MarketPlan(ticker_count=12, session_count=200)
    source = SimulatedSource(plan, until(date(2019, 9, 3)))
    window = datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 9, 4, tzinfo=UTC)
    delivered = source.prices(*window)
    table = source_table("simulator", "prices")
    delivery = accept(
        "simulator", "prices", delivered, held=table.empty().lazy(), coverage=COVERAGE.empty(),
        sessions=SESSIONS, as_of=window[1], window=window,
    )  # fmt: skip
    assert (delivery.refused, delivery.late) == (0, 0)
    versions = delivery.rows.group_by(KEY).len().filter(pl.col("len") > 1)
    assert versions.height == source.market.corrections.height > 0
