"""Sentiment: the table of scored texts of a month.

Which texts of a month are scored, and the rows of scored/text_sentiment.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.schemas import TEXT_SENTIMENT


def distinct_texts(tweets: pl.LazyFrame, headlines: pl.LazyFrame) -> pl.DataFrame:
    """Return the distinct texts of each month: text_hash, first_known_at, text (normalised)."""
    columns = ("text_hash", "knowledge_time", "text")
    texts = pl.concat([tweets.select(columns), headlines.select(columns)]).collect()
    return (
        texts.with_columns(_month=month_of("knowledge_time"))
        .sort("knowledge_time", "text")
        .unique(["text_hash", "_month"], keep="first", maintain_order=True)
        .select(
            "text_hash",
            pl.col("text").map_elements(normalise_text, return_dtype=pl.String),
            first_known_at="knowledge_time",
        )
    )


def sentiment_rows(
    texts: pl.DataFrame, scores: pl.DataFrame, vader: np.ndarray, fingerprint: str
) -> pl.DataFrame:
    """Return `schemas.TEXT_SENTIMENT`.

    Args:
        texts: from `distinct_texts`.
        scores: text_hash, p_positive, p_negative, p_neutral, is_truncated; every text has one.
        vader: VADER's compound score of each row of `texts`, shape (rows,).
        fingerprint: of the model that gave the scores.
    """
    rows = texts.with_columns(pl.Series("vader_score", vader, dtype=pl.Float64)).join(
        scores, on="text_hash", how="left"
    )
    return TEXT_SENTIMENT.enforce(
        rows.select(
            "text_hash",
            "first_known_at",
            "p_positive",
            "p_negative",
            "p_neutral",
            score=pl.col("p_positive") - pl.col("p_negative"),
            vader_score="vader_score",
            is_truncated="is_truncated",
            model_fingerprint=pl.lit(fingerprint),
        )
    )
