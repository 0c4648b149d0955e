"""The naive predictors that a model has to beat, set beside it row by row.

What each predictor says about each out-of-sample row.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.errors import EvaluationError

CANDIDATE = "candidate"
WITHOUT_TEXT = "candidate_without_text"
NAIVE = ("majority", "always_up", "persistence", "momentum")
# What a candidate has to beat. The same model without text is among them: a platform that reads
# texts has to show that reading them adds something.
BASELINES = (*NAIVE, WITHOUT_TEXT)
PREDICTORS = (CANDIDATE, WITHOUT_TEXT, *NAIVE)

FORECAST_COLUMNS = (
    "ticker",
    "session_date",
    "fold",
    "predictor",
    "predicts_up",
    "probability_up",
    "score",
    "expected_return",
    "is_up",
    "return_next_session",
)


def forecasts(
    predictions: pl.DataFrame, frame: pl.DataFrame, folds: Sequence[Fold]
) -> pl.DataFrame:
    """Return what every predictor says about every out-of-sample row, one row for each.

    - candidate, candidate_without_text: up where the probability is 0.5 or more.
    - majority: the more frequent class of the fold's training rows, with its frequency.
    - always_up: up.
    - persistence: the next session goes as the last one did (sign of return_1d).
    - momentum: as the last 20 did (sign of return_20d).

    An unknown return counts as 0, and 0 as up. `score` orders the rows for the rank metrics;
    `probability_up` is null for the three that state no probability.

    Args:
        predictions: schemas.OUT_OF_SAMPLE, from `walk_forward_predictions`.
        frame: the training frame behind them (ticker, session_date, return_1d, return_20d, is_up).
        folds: the folds behind them.

    Returns:
        FORECAST_COLUMNS, six rows for each row of `predictions`.

    Raises:
        EvaluationError: the frame lacks a column, or rows that were predicted, or a fold.
    """
    rows = _with_baseline_inputs(predictions, frame).join(
        majority_rates(frame, folds), on="fold", how="left"
    )
    if rows["train_up_rate"].null_count():
        unknown = rows.filter(pl.col("train_up_rate").is_null())["fold"][0]
        raise EvaluationError(
            f"the predictions name fold {unknown}, the walk-forward has "
            f"{', '.join(str(fold.index) for fold in folds) or 'no folds'}",
            hint="pass the folds that made the predictions",
        )
    up = pl.lit(1.0)
    none = pl.lit(None, pl.Float64)
    spoken = {
        CANDIDATE: (pl.col("probability_up"), pl.col("probability_up"), 0.5),
        WITHOUT_TEXT: (pl.col("probability_up_without_text"),) * 2 + (0.5,),
        "majority": (pl.col("train_up_rate"), pl.col("train_up_rate"), 0.5),
        "always_up": (none, up, 0.0),
        "persistence": (none, _known(pl.col("return_1d")), 0.0),
        "momentum": (none, _known(pl.col("return_20d")), 0.0),
    }
    return pl.concat(
        rows.select(
            "ticker",
            "session_date",
            "fold",
            pl.lit(predictor).alias("predictor"),
            (score >= threshold).alias("predicts_up"),
            probability.alias("probability_up"),
            score.alias("score"),
            (pl.col("expected_return") if predictor == CANDIDATE else none).alias(
                "expected_return"
            ),
            "is_up",
            "return_next_session",
        )
        for predictor, (probability, score, threshold) in spoken.items()
    )


def majority_rates(frame: pl.DataFrame, folds: Sequence[Fold]) -> pl.DataFrame:
    """Return fold (Int32) and train_up_rate (Float64), the up-rate of its training rows."""
    by_session = frame.group_by("session_date").agg(
        pl.col("is_up").sum().alias("ups"), pl.col("is_up").count().alias("rows")
    )
    rates = []
    for fold in folds:
        train = by_session.filter(pl.col("session_date").is_in(fold.train_sessions))
        rates.append(train["ups"].sum() / train["rows"].sum())
    return pl.DataFrame(
        {"fold": [fold.index for fold in folds], "train_up_rate": rates},
        schema={"fold": pl.Int32, "train_up_rate": pl.Float64},
    )


def _with_baseline_inputs(predictions: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    needed = ["ticker", "session_date", "return_1d", "return_20d"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise EvaluationError(
            f"the training frame lacks {', '.join(missing)}, which the baselines read",
            hint="pass the frame that the predictions were made from",
        )
    rows = predictions.join(frame.select(needed), on=["ticker", "session_date"], how="inner")
    if rows.height != predictions.height:
        raise EvaluationError(
            f"the training frame has {rows.height} of the {predictions.height} predicted rows",
            hint="pass the frame that the predictions were made from",
        )
    return rows


def _known(value: pl.Expr) -> pl.Expr:
    return value.fill_nan(None).fill_null(0.0)
