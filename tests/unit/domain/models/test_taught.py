"""What a ranking is taught: own moves, freed of what a session's order owes to exposures."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.taught import EXPOSURES, LEAST_TICKERS, own_moves, taught_places


def panel(tickers: int, sessions: int = 12, *, seed: int = 0, size: float = 3.0) -> pl.DataFrame:
    """Return returns of which much is exposure times what it was worth that session."""
    random = np.random.default_rng(seed)
    rows = tickers * sessions
    days = [date(2024, 1, 1) + timedelta(days=at) for at in range(sessions)]
    exposures = {name: random.standard_normal(rows) for name in EXPOSURES}
    own = 0.01 * random.standard_normal(rows)
    of_rows = pl.Series(days).gather(np.arange(rows) // tickers)
    frame = pl.DataFrame({"session_date": of_rows, **exposures, "own": own})
    placed = places(frame, EXPOSURES)
    worth = np.repeat(random.standard_normal((sessions, 2)), tickers, axis=0) * 0.01 * size
    moved = (placed.select(EXPOSURES).to_numpy() * worth).sum(axis=1)
    return placed.with_columns(return_next_session=pl.Series(own + moved))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return np.corrcoef(one, other)[0, 1]


def test_the_own_move_is_found_under_what_the_exposures_were_worth():
    frame = panel(200)
    own, whole = frame["own"].to_numpy(), frame["return_next_session"].to_numpy()
    assert correlation(own, whole) < 0.9
    assert correlation(own, own_moves(frame)) > 0.99


@pytest.mark.parametrize("tickers", [2, LEAST_TICKERS - 1])
def test_a_session_of_few_tickers_keeps_its_returns(tickers):
    frame = panel(tickers)
    assert own_moves(frame).tolist() == frame["return_next_session"].to_list()


def test_without_exposures_the_returns_are_ranked_as_they_are():
    frame = panel(50).drop(EXPOSURES)
    place = taught_places(frame)
    rank = frame.select(
        ((pl.col("return_next_session").rank() - 0.5) / pl.len() - 0.5).over("session_date")
    )
    assert place.tolist() == rank["return_next_session"].to_list()


def test_an_exposure_that_is_equal_for_all_is_worth_nothing():
    frame = panel(50).with_columns(pl.lit(0.0).alias(name) for name in EXPOSURES)
    assert own_moves(frame) == pytest.approx(frame["return_next_session"].to_numpy())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.1, 0.1), st.floats(0.1, 10.0))
def test_neither_the_level_nor_the_size_of_a_session_nor_the_order_of_rows_counts(seed, up, size):
    frame = panel(40, 3, seed=seed)
    moved = frame.with_columns(pl.col("return_next_session") * size + up).sample(
        fraction=1, shuffle=True, seed=seed
    )
    named = frame.with_columns(it=pl.Series(taught_places(frame)))
    other = moved.with_columns(other=pl.Series(taught_places(moved)))
    both = named.join(other, on=["own", "session_date"])
    assert both["it"].to_numpy() == pytest.approx(both["other"].to_numpy(), abs=0.03)


def test_the_ranking_learns_the_own_move():
    """Defect: beta's part of a day was noise in the label of all others."""
    frame = panel(60, 40, size=20.0).with_columns(
        signal=pl.col("own") + 0.02 * pl.Series(np.random.default_rng(1).standard_normal(2400)),
        is_up=pl.col("return_next_session") > 0,
        decision_at=pl.col("session_date").cast(pl.Datetime("us", "UTC")),
        exit_at=pl.col("session_date").cast(pl.Datetime("us", "UTC")) + timedelta(hours=20),
    )
    weight = {}
    for name, features in {"with": ("signal", *EXPOSURES), "without": ("signal",)}.items():
        plan = RankingPlan().with_threads(1)
        model = Ranking("ranking", features, plan).fit(places(frame, ["signal"]))
        weight[name] = model.coefficients[0]
    assert weight["with"] > 1.5 * weight["without"] > 0
