"""Texts with their embeddings: read from the lake, embedded once, reduced to features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from finpulse_assets.domain.texts.embeddings import embedding_features
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.embeddings import Embedder, embeddings_of
from finpulse_assets.schemas import HEADLINES, TEXT_TRAITS, TWEETS


def embedded_sessions(
    lake: Lake,
    stores: Path,
    embedder: Embedder,
    *,
    reference: pl.Series,
    on_progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Return `TEXT_EMBEDDINGS` of all texts that features count.

    Args:
        lake: with raw texts and their traits.
        stores: folder of the stores that embeddings are kept in.
        embedder: that makes them.
        reference: the sessions that the components are fitted on.
        on_progress: called with (texts embedded, texts to embed).
    """
    said = counted_texts(lake, "ticker", "session_date", "text_hash").collect()
    words = counted_texts(lake, "session_date", "text_hash", "text").collect()
    distinct = words.unique("text_hash", keep="any").select(
        "text_hash", pl.col("text").map_elements(normalise_text, return_dtype=pl.String)
    )
    hashes, vectors = embeddings_of(stores, embedder, distinct, on_progress=on_progress)
    return embedding_features(said, vectors, hashes, reference=reference)


def vectors_of(stores: Path, embedder: Embedder, texts: pl.DataFrame) -> np.ndarray:
    """Return the embedding of each text, float16 of shape (n, d).

    Args:
        stores: folder of the stores that embeddings are kept in.
        embedder: that makes them.
        texts: text_hash and text (normalised); a text may come in several sessions.
    """
    hashes, vectors = embeddings_of(stores, embedder, texts.select("text_hash", "text"))
    return vectors[hashes.search_sorted(texts["text_hash"]).to_numpy()]


def counted_texts(lake: Lake, *columns: str) -> pl.LazyFrame:
    """Return columns of the texts that features count, each text once a session (and ticker)."""
    raw = pl.concat([lake.read_or_empty(table).select(columns) for table in (TWEETS, HEADLINES)])
    counted = lake.read_or_empty(TEXT_TRAITS).filter("is_counted")
    key = ["session_date", "text_hash"]
    # Texts of one hash have one normal form, so any of them will do.
    once = [name for name in columns if name != "text"]
    return raw.join(counted, on=key, how="semi").unique(once, keep="any")
