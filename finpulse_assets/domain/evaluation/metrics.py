"""The scores of a predictor, each a formula over the sums of sessions (`session_sums`).

One formula then serves the whole period, a fold and a bootstrap resample alike, and tickers of one
session can never be torn apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

Sums = Mapping[str, np.ndarray]
# What is bought and sold in a session, as a multiple of one side: both sides are opened at its open
# and closed at its close.
TRADED_SIDES = 4
TOO_FEW = 2  # sessions of which no deviation can be told
YEAR_SESSIONS = 252
FLAT = 1e-9  # of the squares of probabilities, below which they are taken as one


def accuracy(sums: Sums) -> np.ndarray:
    """Share of right directions.

    >>> float(accuracy({"true_up": np.array(2), "true_down": np.array(1),
    ...                 "false_up": np.array(1), "false_down": np.array(0)}))
    0.75
    """
    return _ratio(sums["true_up"] + sums["true_down"], rows(sums))


def balanced_accuracy(sums: Sums) -> np.ndarray:
    """Mean of the shares found among up moves and among down moves."""
    found_up = _ratio(sums["true_up"], sums["true_up"] + sums["false_down"])
    found_down = _ratio(sums["true_down"], sums["true_down"] + sums["false_up"])
    return (found_up + found_down) / 2


def mcc(sums: Sums, suffix: str = "") -> np.ndarray:
    """Matthews' correlation of predicted and actual direction; 0 where either never varies."""
    tp, tn, fp, fn = (
        sums[name + suffix].astype(float)
        for name in ("true_up", "true_down", "false_up", "false_down")
    )
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, spread, out=np.zeros_like(spread), where=spread > 0)


def rows(sums: Sums) -> np.ndarray:
    """Number of predictions scored."""
    return sums["true_up"] + sums["true_down"] + sums["false_up"] + sums["false_down"]


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    total, count = np.asarray(total, float), np.asarray(count, float)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def market_ic(sums: Sums) -> np.ndarray:
    """Correlation over the sessions of the market's expected and actual return, NaN without a view.

    The market is the mean of all tickers.
    """
    power = np.sqrt(sums["market_says_squares"] * sums["market_came_squares"])
    return _ratio(sums["market_product"], power)


def ratio_of(name: str, sessions: float = 1.0) -> Callable[[Sums], np.ndarray]:
    """Return the metric mean / standard deviation of a value of each session, times √sessions.

    For the rank IC that is the ICIR; for returns of 252 sessions a year, the Sharpe ratio.
    """

    def of(sums: Sums) -> np.ndarray:
        count = np.asarray(sums[f"{name}_sessions"], float)
        mean = _ratio(sums[name], count)
        variance = _ratio(sums[f"{name}_squares"], count) - mean**2
        # Of constant values the difference is rounding, not a variance.
        is_spread = (count > TOO_FEW) & (variance > 1e-12 * mean**2)
        spread = np.sqrt(np.where(is_spread, variance, np.nan))
        return mean / spread * np.sqrt(sessions)

    return of


def mae_skill(sums: Sums) -> np.ndarray:
    """Share of the mean absolute error that is saved beside expecting the last price to stay."""
    return 1 - _ratio(sums["error_sum"], sums["error_of_no_change_sum"])


def rmse_skill(sums: Sums) -> np.ndarray:
    """Share of the root mean squared error that is saved beside the last price staying."""
    return 1 - np.sqrt(_ratio(sums["squared_error_sum"], sums["squared_error_of_no_change_sum"]))


def mape_skill(sums: Sums) -> np.ndarray:
    """Share of the mean absolute percentage error that is saved beside the last price staying."""
    return 1 - _ratio(sums["relative_error_sum"], sums["relative_error_of_no_change_sum"])


def calibration_bias(sums: Sums) -> np.ndarray:
    """Mean probability of an up move less the share of up moves; 0 where they agree."""
    return _ratio(sums["stated_sum"] - sums["came_sum"], sums["probability_rows"])


def calibration_slope(sums: Sums) -> np.ndarray:
    """How far the share of up moves rises where the stated probability rises by 1: 1 is right.

    Below 1 the probabilities are too sure, above 1 not sure enough; NaN where they never vary.
    """
    count, stated = np.asarray(sums["probability_rows"], float), sums["stated_sum"]
    spread = sums["stated_squares"] - _ratio(stated**2, count)
    rises = sums["stated_product"] - _ratio(stated * sums["came_sum"], count)
    # Of one probability for all rows the difference is rounding.
    return _ratio(rises, np.where(spread > FLAT * sums["stated_squares"], spread, 0.0))


def _mean_of(total: str, count: str) -> Callable[[Sums], np.ndarray]:
    return lambda sums: _ratio(sums[total], sums[count])


# Every metric of the report but the AUC, which compares rows across sessions (`auc` below).
METRICS: dict[str, Callable[[Sums], np.ndarray]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "mcc": mcc,
    "mcc_of_median": lambda sums: mcc(sums, "_of_median"),
    "log_loss": _mean_of("log_loss_sum", "probability_rows"),
    "brier": _mean_of("brier_sum", "probability_rows"),
    "calibration_bias": calibration_bias,
    "calibration_slope": calibration_slope,
    "rank_ic": _mean_of("rank_ic", "rank_ic_sessions"),
    "icir": ratio_of("rank_ic"),
    "ic": _mean_of("ic", "ic_sessions"),
    "expected_return_rank_ic": _mean_of(
        "expected_return_rank_ic", "expected_return_rank_ic_sessions"
    ),
    "market_ic": market_ic,
    "long_short_return": _mean_of("long_short_return", "long_short_return_sessions"),
    "long_short_sharpe": ratio_of("long_short_return", YEAR_SESSIONS),
    "mae": _mean_of("error_sum", "expected_rows"),
    "rmse": lambda sums: np.sqrt(_ratio(sums["squared_error_sum"], sums["expected_rows"])),
    "mape": _mean_of("relative_error_sum", "expected_rows"),
    "mae_skill": mae_skill,
    "rmse_skill": rmse_skill,
    "mape_skill": mape_skill,
    "expected_direction": _mean_of("right_side_sum", "expected_rows"),
}


def break_even_bps(long_short_return: float) -> float:
    """Return the cost of a trade, in basis points of its size, at which nothing is left.

    >>> break_even_bps(0.0008)
    2.0
    """
    return 1e4 * long_short_return / TRADED_SIDES


def sum_names(sums: pl.DataFrame) -> list[str]:
    """Return the columns of `session_sums` that are sums."""
    return [name for name in sums.columns if name not in ("candidate", "session_date", "fold")]


def drawn(
    sums: pl.DataFrame,
    counts: np.ndarray,
    metrics: Mapping[str, Callable[[Sums], np.ndarray]] = METRICS,
) -> dict[str, np.ndarray]:
    """Return each metric in every resample, shape (resamples,).

    Args:
        sums: of one candidate, one row per session, from `session_sums`.
        counts: how often each resample draws each session, from `bootstrap.draw_counts`.
        metrics: formulas by name.
    """
    names = sum_names(sums)
    totals = counts.astype(np.float64) @ sums.select(names).to_numpy()
    columns = {name: totals[:, at] for at, name in enumerate(names)}
    return {name: of(columns) for name, of in metrics.items()}


def auc(score: np.ndarray, is_up: np.ndarray) -> float:
    """Return the probability that an up row scores above a down row, ties counted half.

    NaN where one class is absent.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    ups = int(is_up.sum())
    downs = len(is_up) - ups
    if not ups or not downs:
        return float("nan")
    rank = pl.Series(score).rank("average").to_numpy()
    return float((rank[is_up].sum() - ups * (ups + 1) / 2) / (ups * downs))
