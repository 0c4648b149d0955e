"""How much of a good result is the choice of the best among many.

The deflated Sharpe ratio asks whether a Sharpe ratio is above what the best of so many tries
reaches by luck (Bailey, Lopez de Prado 2014, "The deflated Sharpe ratio"). The probability of
backtest overfitting asks how often the best of one half of the time is below the middle in the
other half (Bailey, Borwein, Lopez de Prado, Zhu 2017, "The probability of backtest overfitting").
"""

from __future__ import annotations

from itertools import combinations
from statistics import NormalDist

import numpy as np

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
    count = len(returns)
    expected = best_by_luck(trials, deviation=1 / np.sqrt(max(1, count - 1)))
    spread = np.std(returns) if count >= LEAST_VALUES else 0.0
    if not spread > 1e-12 * np.abs(returns).max(initial=0.0):
        return float("nan")
    z = (returns - returns.mean()) / spread
    sharpe = returns.mean() / spread
    skewness, kurtosis = (z**3).mean(), (z**4).mean()
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    return NORMAL.cdf(float((sharpe - expected) * np.sqrt((count - 1) / variance)))


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
    sessions, tries = returns.shape
    if runs < 2 or runs % 2 or runs > sessions:
        raise EvaluationError(
            f"runs is {runs}, it should be an even number of 2 to {sessions}, the sessions"
        )
    if tries < 2:
        return float("nan")
    bounds = [sessions * step // runs for step in range(runs)]
    values = np.nan_to_num(returns)
    sizes = np.diff([*bounds, sessions])
    sums, squares = (np.add.reduceat(it, bounds, axis=0) for it in (values, values**2))
    chosen = np.array([np.isin(np.arange(runs), it) for it in combinations(range(runs), runs // 2)])
    inside = _sharpe(chosen, sums, squares, sizes)
    outside = _sharpe(~chosen, sums, squares, sizes)
    best = np.argmax(inside, axis=1)
    of_best = outside[np.arange(len(best)), best][:, None]
    below, equal = (outside < of_best).sum(axis=1), (outside == of_best).sum(axis=1)
    place = (below + (equal + 1) / 2) / (tries + 1)  # 1 / (tries + 1) is the last
    return float(np.mean(place < 0.5) + np.mean(place == 0.5) / 2)


def _sharpe(
    chosen: np.ndarray, sums: np.ndarray, squares: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Return the Sharpe ratio of each choice of runs and try, shape (choices, tries)."""
    count = (chosen @ sizes)[:, None]
    mean = chosen @ sums / count
    variance = np.maximum(chosen @ squares / count - mean**2, 0.0)
    return mean / (np.sqrt(variance) + TINY)
