"""The scores of a candidate and its baselines, on the same rows and the same resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation import metrics
from finpulse_assets.domain.evaluation.bootstrap import (
    auc_draws,
    draw_counts,
    draw_sessions,
    interval,
)
from finpulse_assets.domain.evaluation.portfolio import (
    OVERFITTING,
    overfitting_of,
    path_draws,
    path_metrics,
    portfolio_metrics,
)
from finpulse_assets.domain.evaluation.session_sums import session_sums

# The spans that have intervals: all sessions, and the last 40, on which alone a candidate may have
# lost what it had. The other rows are single folds.
ALL, RECENT = "all", "recent"
RECENT_SESSIONS = 40
# The candidate's lead over another predictor in a metric, which stands under the other's name.
GAINS = {
    "accuracy_gain": ("accuracy", 1),
    "rank_ic_gain": ("rank_ic", 1),
    # Less is better. Beside the majority class, which states the base rate, it is what is saved
    # against that rate.
    "log_loss_gain": ("log_loss", -1),
    "brier_gain": ("brier", -1),
}
GAIN, IC_GAIN, *_ = GAINS
Values = dict[str, float]
Draws = dict[str, np.ndarray]
Scores = dict[str, tuple[Values, Draws | None]]
Formulas = Mapping[str, Callable[[metrics.Sums], np.ndarray]]


def score_table(
    predictions: pl.DataFrame,
    predictors: tuple[str, ...],
    *,
    resamples: int,
    seed: int,
    level: float,
    corrected: float | None = None,
    cost_bps: float = 0.0,
    trials: int = 1,
) -> pl.DataFrame:
    """Return every score: predictor, fold, metric, value, bounds, row and session count.

    Args:
        predictions: schemas.OUT_OF_SAMPLE.
        predictors: names; the others are scored beside the first one. Its leads over each (GAINS)
            stand under the other's name.
        resamples: bootstrap resamples of blocks of sessions.
        seed: of the resampling; equal for all predictors, so that their differences are paired.
        level: confidence level of the intervals.
        corrected: one-sided chance of error of `lower_corrected`, by default that of `lower`.
        cost_bps: what a trade costs, in basis points of its size.
        trials: how many candidates were tried, the first predictor included.
    """
    formulas = metrics.METRICS | portfolio_metrics(cost_bps)
    chances = (1 - level) / 2 if corrected is None else corrected
    rows = predictions.filter(pl.col("candidate").is_in(predictors))
    sums = session_sums(rows)
    dates = sums["session_date"].unique().sort()
    spans = {ALL: dates, RECENT: dates.tail(RECENT_SESSIONS)}
    counts = {
        name: draw_counts(len(span), resamples=resamples, seed=seed) for name, span in spans.items()
    }
    table: list[dict[str, object]] = []
    for fold, where in _folds(rows, spans).items():
        scores: Scores = {}
        own_sums, own_rows = sums.filter(where), rows.filter(where)
        for name in predictors:
            of_name = pl.col("candidate") == name
            part = own_sums.filter(of_name), own_rows.filter(of_name)
            draws = _draws(*part, spans[fold], counts[fold], formulas) if fold in spans else None
            scores[name] = (_values(*part, formulas), draws)
        _add_gains(scores, predictors[0])
        if fold == ALL:
            drawn = draw_sessions(len(dates), resamples=resamples, seed=seed)
            _add_paths(scores, own_sums, drawn, cost_bps=cost_bps, trials=trials, seed=seed)
        shown = own_rows.filter(candidate=predictors[0])
        size = {
            "row_count": shown.height,
            "session_count": shown["session_date"].n_unique(),
        }
        for name, (values, draws) in scores.items():
            for metric, value in values.items():
                has_draws = draws is not None and metric in draws
                bounds = interval(draws[metric], level=level) if has_draws else (None, None)
                row = {"predictor": name, "fold": fold, "metric": metric, "value": value}
                sure = interval(draws[metric], level=1 - 2 * chances)[0] if has_draws else None
                ends = {"lower": bounds[0], "upper": bounds[1], "lower_corrected": sure}
                table.append(row | ends | size)
    return pl.DataFrame(table, infer_schema_length=None).with_columns(
        pl.col("value").fill_nan(None)
    )


def _folds(rows: pl.DataFrame, spans: dict[str, pl.Series]) -> dict[str, pl.Expr]:
    of_span = {name: pl.col("session_date").is_in(span.implode()) for name, span in spans.items()}
    return of_span | {str(fold): pl.col("fold") == fold for fold in rows["fold"].unique().sort()}


def _values(sums: pl.DataFrame, rows: pl.DataFrame, formulas: Formulas) -> Values:
    """Return metric -> value."""
    total = sums.select(metrics.sum_names(sums)).sum()
    numbers = {name: np.array(total[name][0]) for name in total.columns}
    values = {name: float(of(numbers)) for name, of in formulas.items()}
    return values | {"auc": metrics.auc(rows["score"].to_numpy(), rows["is_up"].to_numpy())}


def _draws(
    sums: pl.DataFrame,
    rows: pl.DataFrame,
    dates: pl.Series,
    counts: np.ndarray,
    formulas: Formulas,
) -> Draws:
    """Return metric -> its value in every resample."""
    draws = metrics.drawn(sums, counts, formulas)
    session = dates.search_sorted(rows["session_date"]).to_numpy().astype(np.int64)
    draws["auc"] = auc_draws(rows["score"].to_numpy(), rows["is_up"].to_numpy(), session, counts)
    return draws


def _add_gains(scores: Scores, candidate: str) -> None:
    """Add the candidate's lead over each other predictor."""
    own, own_draws = scores[candidate]
    for name, (values, draws) in scores.items():
        if name == candidate:
            continue
        for gain, (metric, sign) in GAINS.items():
            values[gain] = sign * (own[metric] - values[metric])
            if draws:
                draws[gain] = sign * (own_draws[metric] - draws[metric])


def _add_paths(
    scores: Scores,
    sums: pl.DataFrame,
    drawn: np.ndarray,
    *,
    cost_bps: float,
    trials: int,
    seed: int,
) -> None:
    """Add what needs the sessions in their order; the choice among all stands under the first."""
    parts = {name: sums.filter(pl.col("candidate") == name) for name in scores}
    options = {"cost_bps": cost_bps, "trials": trials}
    for name, (values, draws) in scores.items():
        values.update(path_metrics(parts[name], **options))
        draws.update(path_draws(parts[name], drawn, **options))
    values, draws = next(iter(scores.values()))
    values[OVERFITTING], draws[OVERFITTING] = overfitting_of(parts, resamples=len(drawn), seed=seed)
