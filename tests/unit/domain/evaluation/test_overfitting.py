"""The best of many tries: what luck reaches, and how often the choice fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.evaluation.overfitting import (
    best_by_luck,
    deflated_sharpe,
    overfitting_probability,
)
from finpulse_assets.errors import EvaluationError


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("trials", [5, 10, 100])
def test_the_best_by_luck_is_the_mean_maximum_of_so_many_draws(trials):
    drawn = noise(1, 20_000, trials).max(axis=1).mean()
    assert best_by_luck(trials, deviation=1.0) == pytest.approx(drawn, rel=0.06)


def test_of_one_try_the_deflated_ratio_is_a_p_value():
    """Of returns without skill, with fat tails, a share of 5 % is above 0.95."""
    found = []
    for seed in range(2_000):
        returns = np.random.default_rng(seed).standard_t(5, 500)
        found.append(deflated_sharpe(returns, trials=1))
    assert np.mean(np.array(found) > 0.95) == pytest.approx(0.05, abs=0.015)


def test_the_best_of_many_without_skill_is_seldom_called_skill():
    best = []
    for seed in range(300):
        tries = noise(seed, 20, 250)
        chosen = tries[np.argmax(tries.mean(axis=1) / tries.std(axis=1))]
        best.append((deflated_sharpe(chosen, trials=1), deflated_sharpe(chosen, trials=20)))
    alone, deflated = np.mean(np.array(best) > 0.95, axis=0)
    assert alone > 0.5  # the defect that the correction is there for
    assert deflated <= 0.05


@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(1, 200))
def test_more_tries_make_a_ratio_less_sure(seed, trials, more):
    returns = noise(seed, 60) + 0.1
    few = deflated_sharpe(returns, trials=trials)
    assert 0 <= deflated_sharpe(returns, trials=trials + more) <= few <= 1


@pytest.mark.parametrize("returns", [[], [0.1, 0.2], [0.01] * 50])
def test_what_has_no_deviation_has_no_ratio(returns):
    assert np.isnan(deflated_sharpe(np.array(returns), trials=3))


def test_without_a_try_there_is_nothing_to_deflate():
    with pytest.raises(EvaluationError, match="trials is 0, it should be 1 or more"):
        deflated_sharpe(noise(1, 50), trials=0)


def test_choosing_among_noise_fails_half_of_the_time():
    found = [overfitting_probability(noise(seed, 120, 12)) for seed in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_choosing_one_with_skill_does_not_fail():
    returns = noise(3, 400, 12)
    returns[:, 4] += 0.5
    assert overfitting_probability(returns) == 0.0


def test_equal_tries_have_one_half():
    assert overfitting_probability(np.tile(noise(5, 60, 1), 6)) == 0.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 4, 6]), st.floats(0.01, 100))
def test_neither_the_order_of_the_tries_nor_their_size_counts(seed, runs, size):
    returns = noise(seed, 31, 5)
    found = overfitting_probability(returns, runs=runs)
    assert 0 <= found <= 1
    turned = size * returns[:, ::-1]
    assert overfitting_probability(turned, runs=runs) == pytest.approx(found)


@pytest.mark.parametrize("runs", [0, 3, 32])
def test_runs_that_cannot_be_halved_are_refused(runs):
    with pytest.raises(EvaluationError, match=f"runs is {runs}, it should be an even number of 2"):
        overfitting_probability(noise(1, 31, 5), runs=runs)


def test_of_one_try_there_is_no_choice():
    assert np.isnan(overfitting_probability(noise(1, 31, 1)))
