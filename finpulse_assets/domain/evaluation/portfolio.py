"""What the top third bought and the bottom third sold would have earned, and how much was luck.

Returns are fractions of one side. Each session opens and closes both sides, so that the turnover
of a session with trades is 4 sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import counts_of
from finpulse_assets.domain.evaluation.metrics import (
    TRADED_SIDES,
    YEAR_SESSIONS,
    Sums,
    ratio_of,
)
from finpulse_assets.domain.evaluation.overfitting import (
    RUNS,
    deflated_draws,
    draws_within_runs,
    overfitting_draws,
    overfitting_probability,
)
from finpulse_assets.domain.evaluation.skill import cost_of_a_session

RETURN, TRADED = "long_short_return", "long_short_return_sessions"
OVERFITTING = "overfitting_probability"
AT_ONCE = 100  # resamples whose sessions of all predictors are held at once


def portfolio_metrics(cost_bps: float) -> dict[str, Callable[[Sums], np.ndarray]]:
    """Return the metrics of the trades, each a formula over sums as in `metrics.METRICS`.

    - turnover: sides traded in a session, on average;
    - break_even_bps: the cost of a trade, in basis points of its size, at which nothing is left;
    - net_return and net_sharpe: `long_short_return` and its Sharpe ratio a year after costs.

    Args:
        cost_bps: what a trade costs, in basis points of its size.
    """
    cost = cost_of_a_session(cost_bps)

    def net_sums(sums: Sums) -> Sums:
        gross, count = sums[RETURN], sums[TRADED]
        return {
            "net": gross - cost * count,
            "net_squares": sums[f"{RETURN}_squares"] - 2 * cost * gross + cost**2 * count,
            "net_sessions": count,
        }

    return {
        "turnover": lambda sums: TRADED_SIDES * _ratio(sums[TRADED], sums["sessions"]),
        "break_even_bps": lambda sums: 1e4 * _ratio(sums[RETURN], sums[TRADED]) / TRADED_SIDES,
        "net_return": lambda sums: _ratio(sums[RETURN], sums[TRADED]) - cost,
        "net_sharpe": lambda sums: ratio_of("net", YEAR_SESSIONS)(net_sums(sums)),
    }


def path_metrics(sums: pl.DataFrame, *, cost_bps: float, trials: int) -> dict[str, float]:
    """Return what depends on the order of the sessions, or on all of them at once.

    - drawdown: of the net returns, see `drawdown`;
    - deflated_sharpe, deflated_net_sharpe: see `overfitting.deflated_sharpe`.

    Args:
        sums: of one predictor, a row a session in order of time, from `session_sums`.
        cost_bps: what a trade costs, in basis points of its size.
        trials: how many candidates were tried, this one included.
    """
    once = np.arange(sums.height)[None]
    return {
        name: float(it[0])
        for name, it in path_draws(sums, once, cost_bps=cost_bps, trials=trials).items()
    }


def path_draws(
    sums: pl.DataFrame, drawn: np.ndarray, *, cost_bps: float, trials: int
) -> dict[str, np.ndarray]:
    """Return the metrics of `path_metrics` in each resample, shape (resamples,) each.

    Args:
        sums: as for `path_metrics`.
        drawn: the sessions of each resample in their order, from `bootstrap.draw_sessions`.
        cost_bps: as for `path_metrics`.
        trials: as for `path_metrics`.
    """
    has_trades = sums[TRADED].to_numpy() > 0
    gross = sums[RETURN].to_numpy()
    net = np.where(has_trades, gross - cost_of_a_session(cost_bps), 0.0)
    counts = counts_of(drawn, len(gross))[:, has_trades]
    return {
        "drawdown": drawdowns(net[drawn]),
        "deflated_sharpe": deflated_draws(gross[has_trades], counts, trials=trials),
        "deflated_net_sharpe": deflated_draws(net[has_trades], counts, trials=trials),
    }


def drawdown(returns: np.ndarray) -> float:
    """Return the deepest fall of the sum of returns below its highest point before.

    >>> round(drawdown(np.array([0.02, -0.01, -0.02, 0.05])), 6)
    0.03
    """
    return float(drawdowns(returns[None])[0])


def drawdowns(returns: np.ndarray) -> np.ndarray:
    """Return `drawdown` of each row, shape (rows,); returns of shape (rows, sessions)."""
    path = np.cumsum(returns, axis=1)
    highest = np.maximum(np.maximum.accumulate(path, axis=1), 0.0)
    return (highest - path).max(axis=1, initial=0.0)


def overfitting_of(
    sums: Mapping[str, pl.DataFrame], *, resamples: int, seed: int
) -> tuple[float, np.ndarray]:
    """Return the probability of overfitting where the best of these predictors is chosen, and in
    each resample.

    By the Sharpe ratio of the trades before costs; those that never trade are left out. NaN with
    fewer than two, or fewer sessions than the runs that they are cut into.

    Args:
        sums: of each predictor, a row a session, all of the same sessions in order of time.
        resamples: bootstrap resamples of blocks of sessions within the runs.
        seed: of the resampling.
    """
    earned = [it[RETURN].to_numpy() for it in sums.values() if it[TRADED].sum()]
    if not earned or len(earned[0]) < RUNS:
        return float("nan"), np.full(resamples, np.nan)
    returns = np.column_stack(earned)
    drawn = draws_within_runs(len(returns), resamples=resamples, seed=seed)
    parts = (overfitting_draws(returns[drawn[at : at + AT_ONCE]])
             for at in range(0, resamples, AT_ONCE))  # fmt: skip
    return overfitting_probability(returns), np.concatenate(list(parts))


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    total, count = np.asarray(total, float), np.asarray(count, float)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
