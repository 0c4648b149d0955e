"""Matured outcomes: live signals beside what their target session did."""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.predictions.signals import LIVE, current_signals
from finpulse_assets.schemas import OUTCOMES

PREDICTED = ("probability_up", "expected_return", "is_proven", "model_version")


def matured(history: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the live signals of which the target session has closed, as schemas.OUTCOMES.

    Late signals were predicted with the session under way and count for nothing. A signal without
    a label (the ticker was halted) never matures.

    Args:
        history: schemas.DAILY_SIGNALS, all versions.
        labels: ticker, session_date, exit_at, is_up, return_next_session, of the predicted horizon.
    """
    key = ["ticker", "session_date", "predicted_at"]
    live = history.filter(pl.col("origin") == LIVE)
    current = current_signals(live).select(*key, is_current=pl.lit(True))
    outcome = labels.select(
        "ticker", "session_date", "is_up", "return_next_session", matured_at="exit_at"
    )
    return OUTCOMES.enforce(
        live.select(*key, *PREDICTED)
        .join(current, on=key, how="left")
        .join(outcome, on=["ticker", "session_date"], how="inner")
        .with_columns(
            pl.col("is_current").fill_null(False), predicts_up=pl.col("probability_up") >= 0.5
        )
        .select(OUTCOMES.column_names)
    )
