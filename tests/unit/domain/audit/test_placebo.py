"""Shuffled outcomes: a sound evaluation finds nothing in them, a leaking one gives itself away."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.audit.placebo import judge, placebo, shuffle_outcomes

SESSIONS, TICKERS = 60, 12


def training_set(seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    days = [date(2024, 1, 1) + timedelta(days=at) for at in range(SESSIONS)]
    rows = SESSIONS * TICKERS
    # The whole market moves together: some sessions are up for nearly everyone.
    market = np.repeat(0.02 * random.standard_normal(SESSIONS), TICKERS)
    returns = market + 0.01 * random.standard_normal(rows)
    return pl.DataFrame(
        {
            "session_date": [day for day in days for _ in range(TICKERS)],
            "ticker": [f"T{at:02d}" for at in range(TICKERS)] * SESSIONS,
            "feature": random.standard_normal(rows),
            "market": market,
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    )


def nearest_neighbour(train: pl.DataFrame, test: pl.DataFrame) -> np.ndarray:
    """Predict the outcome of the training row whose feature is nearest."""
    away = np.abs(test["feature"].to_numpy()[:, None] - train["feature"].to_numpy()[None, :])
    return train["is_up"].to_numpy()[away.argmin(axis=1)].astype(float)


def split(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    middle = sorted(frame["session_date"].unique())[SESSIONS // 2]
    return (frame.filter(pl.col("session_date") < middle),
            frame.filter(pl.col("session_date") >= middle))  # fmt: skip


def sound(frame: pl.DataFrame) -> pl.DataFrame:
    train, test = split(frame)
    return test.with_columns(probability_up=pl.Series(nearest_neighbour(train, test)))


def trained_on_test_rows(frame: pl.DataFrame) -> pl.DataFrame:
    _, test = split(frame)
    return test.with_columns(probability_up=pl.Series(nearest_neighbour(frame, test)))


def feature_made_of_the_outcome(frame: pl.DataFrame) -> pl.DataFrame:
    """A mean outcome of ticker and two days, the row's own outcome among them."""
    pair = pl.col("session_date").dt.truncate("2d")
    encoded = pl.col("return_next_session").mean().over("ticker", pair)
    return split(frame.with_columns(probability_up=encoded))[1]


def test_a_sound_evaluation_has_no_skill_on_shuffled_outcomes():
    found = [placebo(sound, training_set(seed), seed=seed) for seed in range(30)]
    assert not any(result.has_skill for result in found)
    assert np.mean([result.z for result in found]) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("evaluate", [trained_on_test_rows, feature_made_of_the_outcome])
def test_a_leaking_evaluation_is_found(evaluate):
    found = placebo(evaluate, training_set())
    assert found.has_skill
    assert found.auc > 0.6
    assert "shuffled outcomes" in str(found)


def test_what_all_tickers_share_is_no_skill():
    """A feature that knows the session's market is right on most rows, and orders no pair."""
    known = lambda frame: split(frame)[1].with_columns(probability_up="market")  # noqa: E731
    found = placebo(known, training_set())
    assert found.auc == 0.5
    assert not found.has_skill


def test_shuffling_keeps_the_outcomes_of_each_session():
    frame = training_set()
    shuffled = shuffle_outcomes(frame, seed=1)
    by_day = ["session_date", "return_next_session"]
    assert shuffled.select(by_day).sort(by_day).equals(frame.select(by_day).sort(by_day))
    assert shuffled["feature"].equals(frame.sort("session_date", "ticker")["feature"])
    together = (pl.col("return_next_session") > 0) == pl.col("is_up")
    assert shuffled.select(together.all()).item()
    assert not shuffled["is_up"].equals(frame.sort("session_date", "ticker")["is_up"])
    assert shuffle_outcomes(frame.reverse(), seed=1).equals(shuffled)


def test_one_class_or_one_ticker_says_nothing():
    frame = training_set().with_columns(is_up=pl.lit(True), probability_up="feature")
    assert judge(frame).z == 0
    assert judge(frame.filter(pl.col("ticker") == "T00")).has_skill is False
