"""The texts of the recent sessions against those of the champion's training window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
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
from finpulse_assets.orchestration.training.embedded_texts import counted_texts

VectorsOf = Callable[[pl.DataFrame], np.ndarray]


def text_drift_of(
    lake: Lake,
    sessions: pl.Series,
    *,
    trained_from: date,
    trained_to: date,
    champion: str,
    vectors_of: VectorsOf | None = None,
    made_by: str = BAG_OF_WORDS,
) -> TextDrift:
    """Return the drift of the texts of the last of `sessions`.

    Args:
        lake: with raw texts and their traits.
        sessions: that are decided, ascending.
        trained_from: first session that the champion learnt from.
        trained_to: its last one; the recent sessions are left out of the reference.
        champion: its id.
        vectors_of: makes the vectors of texts (text_hash, text); None for bags of words.
        made_by: what makes them.
    """
    recent_days = sessions.tail(DriftRule().recent_sessions)
    texts = counted_texts(lake, "session_date", "text_hash", "text")
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
        tuple(vectors_of(part) if vectors_of else bags_of_words(part["text"]) for part in parts),
        session_date=sessions[-1],
        made_by=made_by,
        model_version=champion,
    )
