"""The texts of the recent sessions against those of the champion's training window."""

from __future__ import annotations

from datetime import date

import polars as pl

from finpulse_assets.domain.monitoring.drift import DriftRule
from finpulse_assets.domain.monitoring.text_drift import (
    BAG_OF_WORDS,
    TextDrift,
    bags_of_words,
    measure_text_drift,
    sampled,
)
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import HEADLINES, TEXT_TRAITS, TWEETS


def text_drift_of(
    lake: Lake, sessions: pl.Series, *, trained_from: date, trained_to: date, champion: str
) -> TextDrift:
    """Return the drift of the texts of the last of `sessions`.

    Args:
        lake: with raw texts and their traits.
        sessions: that are decided, ascending.
        trained_from: first session that the champion learnt from.
        trained_to: its last one; the recent sessions are left out of the reference.
        champion: its id.
    """
    recent_days = sessions.tail(DriftRule().recent_sessions)
    texts = counted_texts(lake)
    day, since = pl.col("session_date"), recent_days.min()
    earlier = day.is_between(trained_from, trained_to) & (day < since)
    parts = [
        sampled(texts.filter(part)).with_columns(
            pl.col("text").map_elements(normalise_text, return_dtype=pl.String)
        )
        for part in (day.is_in(recent_days.implode()), earlier)
    ]
    return measure_text_drift(
        *parts,
        (bags_of_words(parts[0]["text"]), bags_of_words(parts[1]["text"])),
        session_date=sessions[-1],
        made_by=BAG_OF_WORDS,
        model_version=champion,
    )


def counted_texts(lake: Lake) -> pl.LazyFrame:
    """Return session_date, text_hash and text of the texts that features count, each once a day."""
    columns = ("session_date", "text_hash", "text")
    raw = pl.concat([lake.read_or_empty(table).select(columns) for table in (TWEETS, HEADLINES)])
    counted = lake.read_or_empty(TEXT_TRAITS).filter("is_counted")
    key = ["session_date", "text_hash"]
    # Texts of one hash have one normal form, so any of them will do.
    return raw.join(counted, on=key, how="semi").unique(key, keep="any")
