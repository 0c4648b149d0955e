"""Reliability bins: right counts, honest widths."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.models.calibration import (
    Calibration,
    calibrate,
    effective_rows,
    wilson,
)
from finpulse_assets.errors import EvaluationError


def predictions(probability: np.ndarray, is_up: np.ndarray, *, tickers: int) -> pl.DataFrame:
    days = [date(2024, 1, 1) + timedelta(days=at // tickers) for at in range(len(is_up))]
    return pl.DataFrame(
        {"session_date": days, "probability_up": probability, "is_up": is_up.astype(bool)}
    )


def test_bins_hold_every_row_and_bracket_their_rate():
    random = np.random.default_rng(0)
    probability = random.uniform(0.3, 0.7, 2_000)
    calibration = calibrate(predictions(probability, random.random(2_000) < probability, tickers=4))
    assert len(calibration.bins) == 10
    assert sum(bin_.row_count for bin_ in calibration.bins) == 2_000
    assert {bin_.row_count for bin_ in calibration.bins} == {200}
    for bin_ in calibration.bins:
        assert bin_.lower < bin_.up_rate < bin_.upper
        assert bin_.low <= bin_.mean_probability <= bin_.high
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_equal_predictions_make_one_bin():
    calibration = calibrate(predictions(np.full(300, 0.52), np.arange(300) % 2, tickers=3))
    assert [bin_.row_count for bin_ in calibration.bins] == [300]
    assert calibration.bins[0].up_rate == 0.5


def test_few_rows_make_few_bins():
    probability = np.linspace(0, 1, 120)
    assert len(calibrate(predictions(probability, probability > 0.5, tickers=2)).bins) == 2


def test_lookups_take_the_bin_of_the_prediction_and_the_nearest_outside():
    probability = np.repeat([0.2, 0.8], 100)
    is_up = np.concatenate([np.arange(100) < 20, np.arange(100) < 90])
    calibration = calibrate(predictions(probability, is_up, tickers=1), bins=2)
    lower, upper = calibration.interval(np.array([-1.0, 0.2, 0.79, 0.8, 2.0]))
    assert (lower[:3] < 0.2).all() and (upper[:3] > 0.2).all() and (upper[:3] < 0.4).all()
    assert (lower[3:] > 0.8).all() and (upper[3:] > 0.9).all()


def test_sessions_that_move_as_one_count_as_one_row_each():
    session_up = np.arange(40) % 2
    together = predictions(np.full(400, 0.5), np.repeat(session_up, 10), tickers=10)
    assert effective_rows(together) == pytest.approx(39)
    spread = predictions(np.full(400, 0.5), np.tile([0, 1], 200), tickers=10)
    assert effective_rows(spread) == 400
    certain = predictions(np.full(400, 0.5), np.ones(400), tickers=10)
    assert effective_rows(certain) == 40


def test_the_interval_covers_the_true_rate_when_days_move_together():
    """With rows taken as independent this coverage would be about 0.6 instead of 0.9."""
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        rate = np.clip(0.5 + 0.2 * random.standard_normal(60), 0, 1)
        is_up = random.random((60, 20)) < rate[:, None]
        (bin_,) = calibrate(
            predictions(np.full(1_200, 0.5), is_up.ravel(), tickers=20), level=0.9
        ).bins
        hits += bin_.lower <= 0.5 <= bin_.upper
    assert 0.84 <= hits / 200 <= 0.96


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(1, 1e6), st.floats(0.5, 4))
def test_wilson_contains_the_rate_and_stays_a_probability(rate, rows, z):
    lower, upper = wilson(rate, rows, z=z)
    assert 0 <= lower <= rate
    assert rate <= upper <= 1


def test_a_rate_of_one_is_its_own_bound():
    """A bin in which every row rose broke the plot: its whisker had a negative length."""
    assert wilson(1.0, 6, z=1.645)[1] == 1.0
    assert wilson(0.0, 47, z=1.645)[0] == 0.0


def test_no_predictions_is_an_error():
    with pytest.raises(EvaluationError, match="no out-of-sample predictions to calibrate on"):
        calibrate(predictions(np.empty(0), np.empty(0), tickers=1))
