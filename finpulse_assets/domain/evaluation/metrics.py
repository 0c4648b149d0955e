"""The scores of a predictor, each a formula over per-session sums.

What is summed for each session, and each metric as a function of those sums. One formula then
serves the whole period, a fold and a bootstrap resample alike, and tickers of one session can never
be torn apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

Sums = Mapping[str, np.ndarray]
# A probability of exactly 0 or 1 that proves wrong would cost infinitely much.
SMALLEST_PROBABILITY = 1e-15


def session_sums(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the sums that the metrics need, one row per candidate and session.

    Args:
        predictions: one row per candidate, ticker and session, in the columns of
            schemas.OUT_OF_SAMPLE.

    Returns:
        candidate, session_date, fold and the sums (Float64), sorted by candidate and session.
        A session in which a rank metric is undefined (all scores equal, fewer than three
        tickers) counts 0 in that metric's `..._sessions`.
    """
    group = ["candidate", "session_date"]
    ranked = predictions.with_columns(
        _rank("score").over(group).alias("score_rank"),
        _rank("return_next_session").over(group).alias("return_rank"),
        _rank("expected_return").over(group).alias("expected_rank"),
        pl.len().over(group).alias("size"),
    )
    place = (pl.col("score_rank") - 0.5) / pl.col("size")
    returns = pl.col("return_next_session")
    probability = pl.col("probability_up").clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    says, is_up = pl.col("predicts_up"), pl.col("is_up")
    sums = ranked.group_by(*group, "fold", maintain_order=True).agg(
        (says & is_up).sum().alias("true_up"),
        (says & ~is_up).sum().alias("false_up"),
        (~says & is_up).sum().alias("false_down"),
        (~says & ~is_up).sum().alias("true_down"),
        pl.col("probability_up").count().alias("probability_rows"),
        (-pl.when(is_up).then(probability).otherwise(1 - probability).log())
        .sum()
        .alias("log_loss_sum"),
        ((pl.col("probability_up") - is_up.cast(pl.Float64)) ** 2).sum().alias("brier_sum"),
        pl.corr("score_rank", "return_rank").fill_nan(None).alias("rank_ic"),
        pl.corr("expected_rank", "return_rank").fill_nan(None).alias("expected_return_rank_ic"),
        (returns.filter(place > 2 / 3).mean() - returns.filter(place < 1 / 3).mean()).alias(
            "long_short_return"
        ),
    )
    per_session = ("rank_ic", "expected_return_rank_ic", "long_short_return")
    return sums.with_columns(
        pl.col(name).is_not_null().alias(f"{name}_sessions") for name in per_session
    ).with_columns(
        pl.all().exclude(*group, "fold").cast(pl.Float64).fill_null(0.0)
    ).sort(*group)  # fmt: skip


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


def mcc(sums: Sums) -> np.ndarray:
    """Matthews' correlation of predicted and actual direction; 0 where either never varies."""
    tp, tn, fp, fn = (
        sums[name].astype(float) for name in ("true_up", "true_down", "false_up", "false_down")
    )
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, spread, out=np.zeros_like(spread), where=spread > 0)


def rows(sums: Sums) -> np.ndarray:
    """Number of predictions scored."""
    return sums["true_up"] + sums["true_down"] + sums["false_up"] + sums["false_down"]


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    total, count = np.asarray(total, float), np.asarray(count, float)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _mean_of(total: str, count: str) -> Callable[[Sums], np.ndarray]:
    return lambda sums: _ratio(sums[total], sums[count])


# Every metric of the report but the AUC, which compares rows across sessions (`auc` below).
METRICS: dict[str, Callable[[Sums], np.ndarray]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "mcc": mcc,
    "log_loss": _mean_of("log_loss_sum", "probability_rows"),
    "brier": _mean_of("brier_sum", "probability_rows"),
    "rank_ic": _mean_of("rank_ic", "rank_ic_sessions"),
    "expected_return_rank_ic": _mean_of(
        "expected_return_rank_ic", "expected_return_rank_ic_sessions"
    ),
    "long_short_return": _mean_of("long_short_return", "long_short_return_sessions"),
}


def sum_names(sums: pl.DataFrame) -> list[str]:
    """Return the columns of `session_sums` that are sums."""
    return [name for name in sums.columns if name not in ("candidate", "session_date", "fold")]


def drawn(sums: pl.DataFrame, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each metric in every resample, shape (resamples,).

    Args:
        sums: of one candidate, one row per session, from `session_sums`.
        counts: how often each resample draws each session, from `bootstrap.draw_counts`.
    """
    names = sum_names(sums)
    totals = counts.astype(np.float64) @ sums.select(names).to_numpy()
    columns = {name: totals[:, at] for at, name in enumerate(names)}
    return {name: of(columns) for name, of in METRICS.items()}


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
