"""The scores of a predictor, each a formula over per-session sums.

What is summed for each session, and each metric as a function of those sums. One formula then
serves the whole period, a fold and a bootstrap resample alike, and tickers of one session can never
be torn apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import polars as pl

Sums = Mapping[str, np.ndarray]
# A probability of exactly 0 or 1 that proves wrong would cost infinitely much.
SMALLEST_PROBABILITY = 1e-15
NO_VIEW = (
    1e-12  # an expected return of the market that differs by less is the rounding of a constant
)
# What is bought and sold in a session, as a multiple of one side: both sides are opened at its open
# and closed at its close.
TRADED_SIDES = 4
LEAST_RANKED = 3  # tickers of a session whose order says anything
TOO_FEW = 2  # sessions of which no deviation can be told
YEAR_SESSIONS = 252


def session_sums(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the sums that the metrics need, one row per candidate and session.

    Args:
        predictions: one row per candidate, ticker and session, in the columns of
            schemas.OUT_OF_SAMPLE.

    Returns:
        candidate, session_date, fold and the sums (Float64), sorted by candidate and session.
        A session in which a metric is undefined (all scores equal, fewer than three tickers) counts
        0 in that metric's `..._sessions`.
    """
    group = ["candidate", "session_date"]
    ranked = predictions.with_columns(
        _rank("score").over(group).alias("score_rank"),
        _rank("return_next_session").over(group).alias("return_rank"),
        _rank("expected_return").over(group).alias("expected_rank"),
        pl.len().over(group).alias("size"),
    )
    sums = ranked.group_by(*group, "fold", maintain_order=True).agg(
        *_directions(), *_probabilities(), *_ranking(), *_expected(), pl.lit(1).alias("sessions")
    )
    sums = _market(sums)
    per_session = ("rank_ic", "ic", "expected_return_rank_ic", "long_short_return")
    counted = sums.with_columns(pl.col(name).fill_nan(None) for name in per_session).with_columns(
        pl.col(name).is_not_null().alias(f"{name}_sessions") for name in per_session
    )
    squares = (pl.col(name) ** 2 for name in ("rank_ic", "long_short_return"))
    return counted.with_columns(it.name.suffix("_squares") for it in squares).with_columns(
        pl.all().exclude(*group, "fold").cast(pl.Float64).fill_null(0.0)
    ).sort(*group)  # fmt: skip


def _directions() -> Iterator[pl.Expr]:
    """Yield the counts of right and wrong: by direction, and by the session's median.

    A row in the very middle of a session, by score or by return, is on neither side of the median.
    """
    middle = (pl.col("size") + 1) / 2
    says, came = pl.col("score_rank") - middle, pl.col("return_rank") - middle
    sides = {
        "": (pl.col("predicts_up"), pl.col("is_up")),
        "_of_median": (says > 0, came > 0),
    }
    decided = (says != 0) & (came != 0)
    for suffix, (up, is_up) in sides.items():
        counted = decided if suffix else pl.lit(True)
        yield (up & is_up & counted).sum().alias(f"true_up{suffix}")
        yield (up & ~is_up & counted).sum().alias(f"false_up{suffix}")
        yield (~up & is_up & counted).sum().alias(f"false_down{suffix}")
        yield (~up & ~is_up & counted).sum().alias(f"true_down{suffix}")


def _probabilities() -> Iterator[pl.Expr]:
    probability = pl.col("probability_up").clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    is_up = pl.col("is_up")
    yield pl.col("probability_up").count().alias("probability_rows")
    yield (
        (-pl.when(is_up).then(probability).otherwise(1 - probability).log())
        .sum()
        .alias("log_loss_sum")
    )
    yield ((pl.col("probability_up") - is_up.cast(pl.Float64)) ** 2).sum().alias("brier_sum")


def _ranking() -> Iterator[pl.Expr]:
    place = (pl.col("score_rank") - 0.5) / pl.col("size")
    returns = pl.col("return_next_session")
    pairs = {
        "rank_ic": ("score_rank", "return_rank"),
        "ic": ("score", "return_next_session"),
        "expected_return_rank_ic": ("expected_rank", "return_rank"),
    }
    for name, pair in pairs.items():
        # Of two tickers the one with the larger score did better or worse: 1 or -1, and no rank.
        yield pl.when(pl.len() >= LEAST_RANKED).then(pl.corr(*pair)).alias(name)
    top, bottom = returns.filter(place > 2 / 3), returns.filter(place < 1 / 3)
    yield (top.mean() - bottom.mean()).alias("long_short_return")


def _expected() -> Iterator[pl.Expr]:
    """Yield the errors of the expected return, and of expecting none: the last price stays."""
    returns = pl.col("return_next_session")
    stated = pl.col("expected_return").is_not_null()
    error = pl.col("expected_return") - returns
    yield stated.sum().alias("expected_rows")
    yield error.abs().sum().alias("error_sum")
    yield (error**2).sum().alias("squared_error_sum")
    yield (error.abs() / (1 + returns)).sum().alias("relative_error_sum")
    right = (pl.col("expected_return") >= 0) == pl.col("is_up")
    yield right.sum().alias("right_side_sum")
    yield returns.filter(stated).abs().sum().alias("error_of_no_change_sum")
    yield (returns.filter(stated) ** 2).sum().alias("squared_error_of_no_change_sum")
    yield pl.col("expected_return").mean().alias("market_expected")
    yield returns.mean().alias("market_return")


def _market(sums: pl.DataFrame) -> pl.DataFrame:
    """Replace a session's mean expected and actual return by their products.

    Both are taken against the mean of their fold: a model that is fitted anew expects another mean,
    which is no view of the days between.
    """
    fold = ["candidate", "fold"]
    says = pl.col("market_expected") - pl.col("market_expected").mean().over(fold)
    came = pl.col("market_return") - pl.col("market_return").mean().over(fold)
    says = pl.when(says.abs() > NO_VIEW).then(says).otherwise(0.0)
    return sums.with_columns(
        market_product=says * came, market_says_squares=says**2, market_came_squares=came**2
    ).drop("market_expected", "market_return")


def _rank(column: str) -> pl.Expr:
    return pl.col(column).rank("average")


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
