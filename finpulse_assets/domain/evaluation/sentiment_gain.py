"""Can the next session's sentiment be told? The head, walk-forward, beside persistence and mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import draw_counts, interval
from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.sentiment_head import (
    FEATURES,
    NEXT,
    TARGET,
    SentimentHead,
    fit_head,
    with_next_sentiment,
)

MIN_SESSIONS = 20
ERRORS = ("own", "persistence", "mean")


def judged_head(
    frame: pl.DataFrame, folds: Sequence[Fold], *, resamples: int, seed: int = 7
) -> SentimentHead | None:
    """Return the head fitted on all rows, with what was measured of it out of sample.

    Rows count where today's sentiment is known, which persistence repeats, and so is the next one.

    Args:
        frame: the training frame.
        folds: of the walk-forward.
        resamples: of the day-block bootstrap.
        seed: of the resampling.

    Returns:
        None where the frame has no features of texts, or too few rows or sessions with texts.
    """
    if not {*FEATURES, TARGET} <= set(frame.columns):
        return None
    rows = with_next_sentiment(frame)
    head, errors = fit_head(rows), [it for fold in folds if (it := _errors(rows, fold)) is not None]
    if head is None or not errors:
        return None
    days = pl.concat(errors).group_by("session_date").agg(
        pl.col(ERRORS).sum(), rows=pl.len()
    ).sort("session_date")  # fmt: skip
    if days.height < MIN_SESSIONS:
        return None
    counts = draw_counts(days.height, resamples=resamples, seed=seed).astype(np.float64)
    sums = {name: days[name].to_numpy() for name in ERRORS}
    gains, ends = {}, {}
    for name in ERRORS[1:]:
        gains[name] = float(1 - sums["own"].sum() / sums[name].sum()) if sums[name].any() else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = 1 - (counts @ sums["own"]) / (counts @ sums[name])
        ends[name] = [0.0 if it is None else it for it in interval(drawn, level=0.95)]
    return replace(
        head,
        gain=gains["persistence"],
        gain_lower=ends["persistence"][0],
        gain_upper=ends["persistence"][1],
        gain_over_mean=gains["mean"],
        gain_over_mean_lower=ends["mean"][0],
        row_count=int(days["rows"].sum()),
    )


def _errors(rows: pl.DataFrame, fold: Fold) -> pl.DataFrame | None:
    """Return the squared errors of a fold's test rows, None where too few rows teach before it."""
    is_train = pl.col("session_date").is_in(fold.train_sessions)
    is_known = pl.col("next_decision_at") < fold.first_test_decision_at
    head = fit_head(rows.filter(is_train & is_known))
    test = rows.filter(
        pl.col("session_date").is_in(fold.test_sessions)
        & pl.col(NEXT).is_not_null()
        & pl.col(TARGET).is_not_null()
        & pl.col(TARGET).is_not_nan()
    )
    if head is None or test.is_empty():
        return None
    return test.select(
        "session_date",
        own=(pl.Series(head.predict(test)) - pl.col(NEXT)) ** 2,
        persistence=(pl.col(TARGET) - pl.col(NEXT)) ** 2,
        mean=(head.intercept - pl.col(NEXT)) ** 2,
    )
