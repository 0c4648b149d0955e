"""The day-block bootstrap: what it draws, and that its intervals mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.evaluation.bootstrap import (
    auc_draws,
    block_length,
    draw_counts,
    interval,
)
from finpulse_assets.domain.evaluation.metrics import auc


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 10))
def test_each_resample_draws_as_many_sessions_as_there_are(sessions, seed):
    counts = draw_counts(sessions, resamples=7, seed=seed)
    assert counts.shape == (7, sessions)
    assert (counts.sum(axis=1) == sessions).all()
    np.testing.assert_array_equal(counts, draw_counts(sessions, resamples=7, seed=seed))


def test_sessions_are_drawn_equally_often_and_in_blocks():
    counts = draw_counts(100, resamples=5_000, seed=1)
    assert counts.mean(axis=0) == pytest.approx(np.ones(100), abs=0.08)
    neighbours = np.corrcoef(counts[:, 10], counts[:, 11])[0, 1]
    strangers = np.corrcoef(counts[:, 10], counts[:, 60])[0, 1]
    assert neighbours == pytest.approx(1 - 1 / block_length(100), abs=0.06)
    # The number of draws is fixed: five spent on one block are missing among the other 95.
    assert strangers == pytest.approx(-5 / 95, abs=0.05)


def test_auc_draws_equal_the_auc_of_the_repeated_rows():
    random = np.random.default_rng(3)
    session = np.repeat(np.arange(12), 8)
    score, is_up = random.integers(0, 9, 96).astype(float), random.random(96) < 0.5
    counts = draw_counts(12, resamples=20, seed=0)
    for drawn, value in zip(counts, auc_draws(score, is_up, session, counts), strict=True):
        rows = np.repeat(np.arange(96), drawn[session].astype(int))
        assert value == pytest.approx(auc(score[rows], is_up[rows]))


def test_binned_auc_is_as_good_as_exact():
    random = np.random.default_rng(4)
    score = random.standard_normal(5_000)
    is_up = random.random(5_000) < 1 / (1 + np.exp(-score))
    (value,) = auc_draws(score, is_up, np.repeat(np.arange(100), 50), np.ones((1, 100), np.float32))
    assert value == pytest.approx(auc(score, is_up), abs=2e-3)


def test_a_resample_without_one_class_has_no_auc():
    (value,) = auc_draws(
        np.array([0.1, 0.2]), np.array([True, True]), np.array([0, 1]), np.ones((1, 2), np.float32)
    )
    assert np.isnan(value)


def test_an_interval_of_nothing_is_nothing():
    assert interval(np.array([np.nan, np.nan]), level=0.9) == (None, None)


@pytest.mark.parametrize(("persistence", "least"), [(0.0, 0.90), (0.3, 0.88)])
def test_coverage_with_day_effects_that_last(persistence, least):
    """20 tickers share a day effect that follows an AR(1): nominal is 0.95.

    Treating the rows as independent would cover about 0.75 of the time.
    """
    random = np.random.default_rng(11)
    sessions, tickers, truth, simulations = 250, 20, 0.52, 300
    shock = random.standard_normal((simulations, sessions + 50))
    effect = np.zeros_like(shock)
    for at in range(1, sessions + 50):
        effect[:, at] = persistence * effect[:, at - 1] + shock[:, at] * (1 - persistence**2) ** 0.5
    right = random.binomial(tickers, np.clip(truth + 0.1 * effect[:, 50:], 0, 1))
    counts = draw_counts(sessions, resamples=400, seed=2)
    draws = right @ counts.T / (sessions * tickers)
    bounds = [interval(row, level=0.95) for row in draws]
    covered = np.mean([lower <= truth <= upper for lower, upper in bounds])
    assert least <= covered <= 0.98
