"""Simulated prices keep their identities; halts, listings, splits and dividends happen."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.adjustment import adjust_bars
from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.domain.simulator.companies import company, popularity, stay_at
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, TICKERS
from tests.unit.domain.simulator.simulated_markets import (
    EPOCH,
    PLAN,
    SESSIONS,
    shared_market,
)


@pytest.fixture
def market() -> SimulatedMarket:
    return shared_market()


class TestPrices:
    def test_bars_keep_the_contract_and_the_ohlc_identities(self, market: SimulatedMarket) -> None:
        bars = PRICES.enforce(market.prices)
        top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        assert bars.filter((pl.col("high") < top) | (pl.col("low") > bottom)).is_empty()
        assert bars["low"].min() > 0
        assert bars["volume_shares"].min() > 0
        prices = bars.select("open", "high", "low", "close").to_numpy()
        assert np.abs(prices * 100 - np.round(prices * 100)).max() < 1e-6
        closes = bars.join(SESSIONS, on="session_date")
        assert (closes["event_time"] == closes["close_at"]).all()
        assert (closes["knowledge_time"] == closes["close_at"]).all()
        assert set(bars["price_basis"]) == {"unadjusted"}

    def test_moves_and_volumes_cluster(self, market: SimulatedMarket) -> None:
        centred = market.prices.select(
            "ticker",
            move=(pl.col("close") / pl.col("open")).log().abs(),
            volume=pl.col("volume_shares").log(),
        ).with_columns(pl.col("move", "volume") - pl.col("move", "volume").mean().over("ticker"))
        lagged = centred.with_columns(
            pl.col("move", "volume").shift(1).over("ticker").name.suffix("_before")
        ).drop_nulls()
        correlation = lagged.select(
            move=pl.corr("move", "move_before"),
            volume=pl.corr("volume", "volume_before"),
            both=pl.corr("move", "volume"),
        ).row(0, named=True)
        assert correlation["move"] > 0.05
        assert correlation["volume"] > 0.5
        assert correlation["both"] > 0.2

    def test_halts_leave_holes_of_one_to_three_sessions(self, market: SimulatedMarket) -> None:
        truth = market.truth
        halted = truth.filter("is_halted").select("ticker", "session_date")
        assert halted.height > 5
        assert halted.join(market.prices, on=["ticker", "session_date"], how="semi").is_empty()
        assert truth.height == halted.height + market.prices.height
        runs = truth.select(
            "ticker", "is_halted", run=pl.col("is_halted").rle_id().over("ticker")
        ).filter("is_halted")
        assert set(runs.group_by("ticker", "run").len()["len"]) <= {1, 2, 3}

    def test_companies_come_and_go(self, market: SimulatedMarket) -> None:
        tickers = TICKERS.enforce(market.tickers)
        spans = market.truth.group_by("ticker").agg(
            first=pl.col("session_date").min(), last=pl.col("session_date").max()
        )
        rows = tickers.join(spans, on="ticker", validate="1:1")
        assert rows.height == spans.height > PLAN.ticker_count
        begin, end = market.truth["session_date"].min(), market.truth["session_date"].max()
        late = rows.filter(pl.col("valid_from") > begin)
        assert late.height >= 4
        assert (late["valid_from"] == late["first"]).all()
        gone = rows.filter(pl.col("valid_to").is_not_null())
        assert gone.height >= 4
        assert (gone["valid_to"] == gone["last"]).all()
        assert (rows.filter(pl.col("valid_to").is_null())["last"] == end).all()
        listed = market.truth.group_by("session_date").len()["len"]
        assert PLAN.ticker_count - 4 <= listed.min() <= listed.max() == PLAN.ticker_count


class TestCorporateActions:
    def test_both_kinds_happen_and_keep_the_contract(self, market: SimulatedMarket) -> None:
        actions = CORPORATE_ACTIONS.enforce(market.corporate_actions)
        splits = actions.filter(pl.col("kind") == "split")["value"]
        dividends = actions.filter(pl.col("kind") == "dividend")["value"]
        assert set(splits) <= {2.0, 3.0, 4.0, 0.1}
        assert len(splits) >= 4
        assert len(dividends) > 50
        assert dividends.min() >= 0.01
        opens = actions.join(SESSIONS, left_on="ex_date", right_on="session_date")
        assert (opens["knowledge_time"] == opens["open_at"]).all()

    def test_adjusted_prices_run_through_splits(self, market: SimulatedMarket) -> None:
        def steps(bars: pl.DataFrame) -> pl.DataFrame:
            return bars.sort("ticker", "session_date").with_columns(
                step=pl.col("close").log().diff().over("ticker")
            )

        splits = market.corporate_actions.filter(pl.col("kind") == "split").select(
            "ticker", "value", session_date="ex_date"
        )
        raw = steps(market.prices).join(splits, on=["ticker", "session_date"]).drop_nulls("step")
        assert raw.height >= 4
        assert ((raw["step"] + raw["value"].log()).abs() < 0.12).all()
        adjusted = steps(adjust_bars(market.prices, market.corporate_actions))
        assert adjusted["step"].abs().max() < 0.2

    def test_a_reverse_split_lifts_a_price_that_got_low(self) -> None:
        plan = MarketPlan(
            ticker_count=30, session_count=2000, effect=3, texts_per_session=0,
            headlines_per_session=0,
        )  # fmt: skip
        market = simulate(plan, build_sessions(EPOCH, date(2026, 3, 31)))
        ratios = set(market.corporate_actions.filter(pl.col("kind") == "split")["value"])
        assert ratios == {0.1, 2.0, 3.0, 4.0}

    def test_a_dividend_lowers_the_open(self, market: SimulatedMarket) -> None:
        dividends = market.corporate_actions.filter(pl.col("kind") == "dividend").select(
            "ticker", "value", session_date="ex_date"
        )
        bars = market.prices.with_columns(before=pl.col("close").shift(1).over("ticker"))
        rows = bars.join(dividends, on=["ticker", "session_date"]).drop_nulls("before")
        shares = rows["value"] / rows["before"]
        assert shares.is_between(0.0, 0.01).all()
        paid_back = (rows["open"] + rows["value"]) / rows["before"] - 1
        assert abs(paid_back.mean()) < 3 * paid_back.std() / math.sqrt(len(paid_back)) + 0.0004


class TestCompanies:
    def test_symbols_and_names_are_distinct_for_decades(self) -> None:
        companies = [company(7, ordinal) for ordinal in range(2000)]
        assert len({c.ticker for c in companies}) == len({c.name for c in companies}) == 2000
        assert all(4 <= len(c.ticker) <= 6 for c in companies)
        assert [c.ticker for c in companies if "-" in c.ticker] == ["ESKS-B"]

    def test_popularity_has_a_mean_of_one(self) -> None:
        for count in (12, 100, 500):
            mean = sum(popularity(slot) for slot in range(count)) / count
            assert mean == pytest.approx(1, abs=0.05)

    def test_a_renewed_slot_never_seats_a_company_twice(self) -> None:
        stays = {stay_at(slot, session) for slot in (9, 19, 499) for session in range(6000)}
        ordinals = [stay.ordinal for stay in stays]
        assert len(set(ordinals)) == len(ordinals) == 47
        assert all(stay.last > stay.first for stay in stays)
