"""How much of a good result is the choice of the best among many.

The deflated Sharpe ratio asks whether a Sharpe ratio is above what the best of so many tries
reaches by luck (Bailey, Lopez de Prado 2014, "The deflated Sharpe ratio"). The probability of
backtest overfitting asks how often the best of one half of the time is below the middle in the
other half (Bailey, Borwein, Lopez de Prado, Zhu 2017, "The probability of backtest overfitting").
"""

from __future__ import annotations

from itertools import combinations, pairwise
from statistics import NormalDist

import numpy as np

from finpulse_assets.domain.evaluation.bootstrap import draw_sessions
from finpulse_assets.errors import EvaluationError

EULER = 0.5772156649015329
RUNS = 10  # that the sessions are cut into; 252 ways to take half of them
NORMAL = NormalDist()
LEAST_VALUES = 3  # below it no deviation can be told
TINY = 1e-12  # of a deviation, so that equal returns have a ratio


def best_by_luck(trials: int, *, deviation: float) -> float:
    """Return the Sharpe ratio that the best of so many tries without skill is expected to have.

    Args:
        trials: how many were tried, 1 or more.
        deviation: of the Sharpe ratios of the tries.

    Raises:
        EvaluationError: fewer than one trial.

    >>> best_by_luck(1, deviation=0.1)
    0.0
    >>> round(best_by_luck(10, deviation=1.0), 3), round(best_by_luck(100, deviation=1.0), 3)
    (1.575, 2.531)
    """
    if trials < 1:
        raise EvaluationError(f"trials is {trials}, it should be 1 or more")
    if trials == 1:
        return 0.0
    quantile = NORMAL.inv_cdf
    return deviation * (
        (1 - EULER) * quantile(1 - 1 / trials) + EULER * quantile(1 - 1 / (trials * np.e))
    )


def deflated_sharpe(returns: np.ndarray, *, trials: int) -> float:
    """Return the probability that the true Sharpe ratio is above that of the best by luck.

    The tries are taken to be as uncertain as a Sharpe ratio of so many returns without skill is:
    those that were thrown away are rarely kept. Skewness and fat tails make it less sure.

    Args:
        returns: float64 of shape (sessions,).
        trials: how many were tried, this one included.

    Returns:
        0 to 1; NaN where the returns are fewer than three or all equal.

    Raises:
        EvaluationError: fewer than one trial.

    >>> returns = np.tile([0.01, -0.008], 500)
    >>> [round(deflated_sharpe(returns, trials=trials), 3) for trials in (1, 10, 100)]
    [1.0, 0.974, 0.837]
    """
    return float(deflated_draws(returns, np.ones((1, len(returns))), trials=trials)[0])


def deflated_draws(returns: np.ndarray, counts: np.ndarray, *, trials: int) -> np.ndarray:
    """Return `deflated_sharpe` of each resample, float64 of shape (resamples,).

    Args:
        returns: float64 of shape (sessions,).
        counts: how often each resample draws each session, shape (resamples, sessions).
        trials: as for `deflated_sharpe`.
    """
    from scipy.special import ndtr

    by_luck = best_by_luck(trials, deviation=1.0)
    if not len(returns):
        return np.full(len(counts), np.nan)
    count = counts.sum(axis=1, dtype=np.float64)
    centre = returns.mean()
    powers = np.stack([(returns - centre) ** power for power in (1, 2, 3, 4)], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second, third, fourth = (counts.astype(np.float64) @ powers / count[:, None]).T
        spread = np.sqrt(np.maximum(second - first**2, 0.0))
        enough = (count >= LEAST_VALUES) & (spread > TINY * np.abs(returns).max())
        sharpe = np.where(enough, (centre + first) / spread, np.nan)
        skewness = (third - 3 * first * second + 2 * first**3) / spread**3
        kurtosis = (fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4) / spread**4
        variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
        expected = by_luck / np.sqrt(count - 1)
        return ndtr((sharpe - expected) * np.sqrt((count - 1) / variance))


def overfitting_probability(returns: np.ndarray, *, runs: int = RUNS) -> float:
    """Return how often the best of one half of the time is in the lower half in the other.

    The sessions are cut into runs of consecutive ones. Each choice of half the runs says which try
    has the best Sharpe ratio; the rest of the sessions say where it stands among all
    (combinatorially symmetric cross-validation). The very middle counts half, so that tries of
    equal skill have one half.

    Args:
        returns: float64 of shape (sessions, tries), what each try earned; or any other figure of
            a session of which more is better, such as its rank IC. NaN counts as 0.
        runs: even, 2 or more; at most as many as there are sessions.

    Returns:
        0 to 1; NaN where there are fewer than two tries.

    Raises:
        EvaluationError: `runs` is odd, below 2 or above the sessions.

    >>> steady, lucky = np.tile([0.02, -0.01], 20), np.repeat([0.05, -0.05], 20)
    >>> overfitting_probability(np.column_stack([steady, lucky]), runs=4)
    0.3333333333333333
    """
    return float(overfitting_draws(returns[None], runs=runs)[0])


def overfitting_draws(returns: np.ndarray, *, runs: int = RUNS) -> np.ndarray:
    """Return `overfitting_probability` of each resample, float64 of shape (resamples,).

    Args:
        returns: float64 of shape (resamples, sessions, tries).
        runs: as for `overfitting_probability`.
    """
    sessions, tries = returns.shape[1:]
    if runs < 2 or runs % 2 or runs > sessions:
        raise EvaluationError(
            f"runs is {runs}, it should be an even number of 2 to {sessions}, the sessions"
        )
    if tries < 2:
        return np.full(len(returns), np.nan)
    bounds = [sessions * step // runs for step in range(runs)]
    values = np.nan_to_num(returns)
    sizes = np.diff([*bounds, sessions])
    sums, squares = (np.add.reduceat(it, bounds, axis=1) for it in (values, values**2))
    chosen = np.array([np.isin(np.arange(runs), it) for it in combinations(range(runs), runs // 2)])
    inside = _sharpe(chosen, sums, squares, sizes)
    outside = _sharpe(~chosen, sums, squares, sizes)
    best = np.argmax(inside, axis=2)[:, :, None]
    of_best = np.take_along_axis(outside, best, axis=2)
    below, equal = (outside < of_best).sum(axis=2), (outside == of_best).sum(axis=2)
    place = (below + (equal + 1) / 2) / (tries + 1)  # 1 / (tries + 1) is the last
    return np.mean(place < 0.5, axis=1) + np.mean(place == 0.5, axis=1) / 2


def draws_within_runs(sessions: int, *, resamples: int, seed: int, runs: int = RUNS) -> np.ndarray:
    """Return the sessions that each resample draws, int of shape (resamples, sessions).

    Blocks are drawn within each run, so that no session stands on both sides of a choice of runs.

    Args:
        sessions: in the period, in order of time; at least `runs`.
        resamples: number of resamples.
        seed: of the draws.
        runs: that the sessions are cut into.
    """
    bounds = [sessions * step // runs for step in range(runs + 1)]
    parts = [
        first + draw_sessions(last - first, resamples=resamples, seed=seed + at)
        for at, (first, last) in enumerate(pairwise(bounds))
    ]
    return np.hstack(parts)


def _sharpe(
    chosen: np.ndarray, sums: np.ndarray, squares: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Return the Sharpe ratio of each choice of runs and try, shape (..., choices, tries)."""
    count = (chosen @ sizes)[:, None]
    mean = chosen @ sums / count
    variance = np.maximum(chosen @ squares / count - mean**2, 0.0)
    return mean / (np.sqrt(variance) + TINY)
