"""What is known of a text besides its score: its language, near copies and the tickers it names."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from finpulse_assets.domain.texts.language import ALL, UNDETERMINED, language_of
from finpulse_assets.domain.texts.near_copies import near_copies
from finpulse_assets.domain.texts.normalise import cashtags, normalise_text
from finpulse_assets.schemas import TEXT_TRAITS

TRAITS_VERSION = 1  # raise it when a trait is found otherwise, and every month is made anew


def text_traits(
    texts: pl.LazyFrame, *, languages: Iterable[str], held: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return `schemas.TEXT_TRAITS` of the texts of some weeks.

    Near copies are those among `texts`; a session whose two weeks before are not in it has too
    few. Nothing that is known later changes a row.

    Args:
        texts: text_hash, text, session_date and knowledge_time, in any order.
        languages: whose texts count, ISO 639-1, or ("all",); what has no letters always counts.
        held: rows made before; the language of their texts is not found again.
    """
    known = (
        texts.group_by("text_hash", "session_date")
        .agg(first_known_at=pl.col("knowledge_time").min(), text=pl.col("text").first())
        .sort("first_known_at", "text_hash")
        .collect()
    )
    words = {
        key: normalise_text(text) for key, text in known.select("text_hash", "text").iter_rows()
    }
    hashes, held = known["text_hash"], TEXT_TRAITS.empty() if held is None else held
    language = dict(held.select("text_hash", "language").iter_rows())
    language |= {key: language_of(text) for key, text in words.items() if key not in language}
    first = near_copies([words[key] for key in hashes], known["session_date"].to_list())
    counted = {UNDETERMINED, *languages}
    return TEXT_TRAITS.enforce(
        known.drop("text")
        .with_columns(
            language=pl.Series([language[key] for key in hashes], dtype=pl.String),
            group_hash=hashes.gather(first),
            cashtag_count=pl.Series([len(cashtags(words[key])) for key in hashes], dtype=pl.Int64),
        )
        .with_columns(is_counted=pl.lit(ALL in counted) | pl.col("language").is_in(sorted(counted)))
    )


def left_out(traits: pl.LazyFrame) -> pl.DataFrame:
    """Return language and texts: how many texts of which language no feature counts."""
    return (
        traits.filter(~pl.col("is_counted"))
        .group_by("language")
        .agg(texts=pl.col("text_hash").n_unique())
        .sort("texts", "language", descending=[True, False])
        .collect()
    )
