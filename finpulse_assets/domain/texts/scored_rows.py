"""Sentiment: the table of scored texts of a month.

Which texts of a month are scored, their words, and the rows of scored/text_sentiment.
"""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.schemas import TEXT_SENTIMENT


def distinct_texts(tweets: pl.LazyFrame, headlines: pl.LazyFrame) -> pl.DataFrame:
    """Return the distinct texts of each month: text_hash, first_known_at.

    The texts themselves stay unread; most were scored before and nobody needs their words.
    """
    columns = ("text_hash", "knowledge_time")
    texts = pl.concat([tweets.select(columns), headlines.select(columns)]).collect()
    return (
        texts.with_columns(_month=month_of("knowledge_time"))
        .group_by("text_hash", "_month")
        .agg(first_known_at=pl.col("knowledge_time").min())
        .sort("first_known_at", "text_hash")
        .drop("_month")
    )


def words_of(tweets: pl.LazyFrame, headlines: pl.LazyFrame, hashes: pl.Series) -> pl.DataFrame:
    """Return text_hash and text (normalised) of the given hashes, one row each.

    Texts of one hash have one normal form, so any of them will do.
    """
    asked = pl.LazyFrame({"text_hash": hashes.cast(pl.String)}).unique()
    columns = ("text_hash", "text")
    texts = pl.concat([tweets.select(columns), headlines.select(columns)])
    return (
        texts.join(asked, on="text_hash", how="semi")
        .unique("text_hash", keep="any")
        .sort("text_hash")
        .collect()
        .with_columns(pl.col("text").map_elements(normalise_text, return_dtype=pl.String))
    )


def sentiment_rows(texts: pl.DataFrame, scores: pl.DataFrame, fingerprint: str) -> pl.DataFrame:
    """Return `schemas.TEXT_SENTIMENT`.

    Args:
        texts: from `distinct_texts`.
        scores: text_hash, p_positive, p_negative, p_neutral, is_truncated, vader_score; every text
            has one.
        fingerprint: of the model that gave the scores.
    """
    rows = texts.join(scores, on="text_hash", how="left")
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
