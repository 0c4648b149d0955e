"""Matured answers: what the service answered beside what its target session did.

The prices of the lake are the truth. What callers report is kept and compared, and judges nothing.
"""

from __future__ import annotations

import polars as pl

from finpulse_assets.schemas import ANSWER_OUTCOMES

DISPUTED = 1e-4  # a basis point: beyond it a report and the prices disagree


def matured_answers(
    ledger: pl.DataFrame, labels: pl.DataFrame, reported: pl.DataFrame
) -> pl.DataFrame:
    """Return the answers for symbols of which the target session has closed.

    An answer for a feature row names no session, so it never matures; nor does one whose ticker was
    halted.

    Args:
        ledger: schemas.LEDGER; of its columns those that are used.
        labels: ticker, target_session_date, entry_at, exit_at, is_up, return_next_session, of the
            predicted horizon.
        reported: schemas.REPORTED_OUTCOMES; of several reports the last one counts.

    Returns:
        A frame in the columns of schemas.ANSWER_OUTCOMES.
    """
    last = reported.sort("reported_at", maintain_order=True).unique(
        "prediction_id", keep="last", maintain_order=True
    )
    reports = last.select("prediction_id", reported_return="return_next_session")
    off = (pl.col("reported_return") - pl.col("return_next_session")).abs()
    return ANSWER_OUTCOMES.enforce(
        ledger.join(labels, on=["ticker", "target_session_date"], how="inner")
        .join(reports, on="prediction_id", how="left")
        .with_columns(
            is_late=pl.col("answered_at") >= pl.col("entry_at"),
            matured_at="exit_at",
            is_disputed=off > DISPUTED,
        )
        .select(ANSWER_OUTCOMES.column_names)
    )


def quality_by_model(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return how good the answers were that came in time, by model and role.

    Columns: model_version, role (answered or shadow), answer_count, hit_rate (0 to 1), mae (mean
    absolute error of the expected return, a fraction).

    Args:
        outcomes: schemas.ANSWER_OUTCOMES.
    """
    role = (
        pl.when(pl.col("shadow_of").is_null()).then(pl.lit("answered")).otherwise(pl.lit("shadow"))
    )
    error = (pl.col("return_next_session") - pl.col("expected_return")).abs()
    return (
        outcomes.filter(~pl.col("is_late"))
        .group_by("model_version", role.alias("role"))
        .agg(
            answer_count=pl.len(),
            hit_rate=(pl.col("predicts_up") == pl.col("is_up")).mean(),
            mae=error.mean(),
        )
        .sort("model_version", "role")
    )
