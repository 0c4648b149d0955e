"""The planted effect is as large as it was chosen, and shows where it should and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from tests.unit.domain.simulator.simulated_markets import (
    SESSIONS,
    shared_market,
    slope,
    with_next_return,
)


@pytest.fixture
def market() -> SimulatedMarket:
    return shared_market()


class TestEffect:
    @pytest.mark.parametrize("effect", [0.0, 0.35, 1.5])
    def test_the_chosen_effect_is_what_the_next_session_shows(self, effect: float) -> None:
        plan = MarketPlan(
            ticker_count=20, effect=effect, texts_per_session=0, headlines_per_session=0
        )
        market = simulate(plan, SESSIONS)
        rows = with_next_return(market)
        estimate, error = slope(rows["opinion"], rows["z"])
        assert abs(estimate - effect) < 3 * error
        assert error < 0.02
        planted = market.truth["planted_return"]
        if effect == 0:
            assert (planted == 0.0).all()
            assert not np.signbit(planted.to_numpy()).any()
        else:
            assert estimate > 10 * error

    @pytest.mark.parametrize("effect", [0.0, 1.0])
    def test_the_mood_moves_all_companies_alike(self, effect: float) -> None:
        plan = MarketPlan(
            ticker_count=20, session_count=400, effect=0, market_effect=effect,
            texts_per_session=0, headlines_per_session=0,
        )  # fmt: skip
        rows = with_next_return(simulate(plan, SESSIONS))
        spread = rows.group_by("session_date").agg(pl.col("planted_return").n_unique())
        assert spread["planted_return"].max() == 1
        days = rows.group_by("session_date").agg(
            pl.col("opinion").sum() / pl.len().sqrt(), pl.col("log_return").mean()
        )
        estimate, error = slope(days["opinion"], days["log_return"] / 0.0055)
        assert abs(estimate - effect) < 3 * error
        assert error < 0.1

    def test_it_shows_nowhere_else(self, market: SimulatedMarket) -> None:
        bars = market.prices.sort("ticker", "session_date").with_columns(
            own=pl.col("close").log() - pl.col("open").log(),
            gap=pl.col("open").log() - pl.col("close").log().shift(1).over("ticker"),
            after=pl.col("close").log().shift(-2).over("ticker")
            - pl.col("open").log().shift(-2).over("ticker"),
        )
        rows = market.truth.join(bars, on=["ticker", "session_date"])
        rows = rows.filter(pl.col("gap").abs() < 0.2)  # leaves out splits
        for name in ("own", "gap", "after"):
            known = rows.drop_nulls(name)
            estimate, error = slope(known["opinion"], known[name] / known["idio_sigma"])
            assert abs(estimate) < 3 * error, name

    def test_opinions_are_standard_normal_and_keep_no_memory(self, market: SimulatedMarket) -> None:
        truth = market.truth.with_columns(before=pl.col("opinion").shift(1).over("ticker"))
        count = truth.height
        assert abs(truth["opinion"].mean()) < 3 / math.sqrt(count)
        assert truth["opinion"].std() == pytest.approx(1, abs=0.02)
        pairs = truth.drop_nulls()
        assert abs(slope(pairs["before"], pairs["opinion"])[0]) < 3 / math.sqrt(count)

    def test_no_naive_baseline_has_an_edge(self, market: SimulatedMarket) -> None:
        moves = market.prices.select("session_date", up=(pl.col("close") > pl.col("open")))
        by_session = moves.group_by("session_date").agg(pl.col("up").mean())["up"]
        error = by_session.std() / math.sqrt(len(by_session))
        assert abs(by_session.mean() - 0.5) < 3 * error
