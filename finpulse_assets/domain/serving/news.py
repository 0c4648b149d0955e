"""Recent texts: the newest that are known of each ticker, with the opinion in each."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas import (
    EVENT_TIME,
    KNOWLEDGE_TIME,
    SESSION_DATE,
    SOURCE,
    TEXT_SENTIMENT,
    TICKER,
    TWEETS,
)

NEWEST = 2_000  # texts that a bundle holds
RECENT_TEXTS = Table(
    name="recent_texts",
    grain="one row per source, text and ticker: its first version",
    known_at="known at knowledge_time",
    columns=(
        Column("kind", pl.String, "tweet or headline"),
        SOURCE,
        TWEETS.by_name["text_id"],
        TICKER,
        EVENT_TIME,
        KNOWLEDGE_TIME,
        SESSION_DATE,
        TWEETS.by_name["text"],
        TEXT_SENTIMENT.by_name["score"],
    ),
    key=("kind", "source", "text_id", "ticker"),
)


def recent_texts(
    tweets: pl.LazyFrame,
    headlines: pl.LazyFrame,
    scores: pl.LazyFrame,
    *,
    as_of: datetime,
    count: int = NEWEST,
) -> pl.DataFrame:
    """Return the newest scored texts as `RECENT_TEXTS`.

    Args:
        tweets: `schemas.TWEETS`.
        headlines: `schemas.HEADLINES`.
        scores: `schemas.TEXT_SENTIMENT`.
        as_of: UTC time; later knowledge is not used.
        count: how many.
    """
    kinds = {"tweet": tweets, "headline": headlines}
    texts = pl.concat(
        [frame.with_columns(kind=pl.lit(kind)) for kind, frame in kinds.items()], how="diagonal"
    )
    newest = scores.sort("first_known_at").unique("text_hash", keep="last")
    found = (
        texts.filter(pl.col("knowledge_time") <= as_of)
        .sort("knowledge_time")
        .unique(RECENT_TEXTS.key, keep="first")
        .join(newest.select("text_hash", "score"), on="text_hash")
        .sort("knowledge_time", *RECENT_TEXTS.key)
        .tail(count)
        .select(RECENT_TEXTS.column_names)
        .collect()
    )
    return RECENT_TEXTS.enforce(found)
