"""What is known of a text besides its score: its language, near copies and the tickers it names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from finpulse_assets.domain.texts.language import ALL, UNDETERMINED, language_of
from finpulse_assets.domain.texts.near_copies import NearCopies
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
    return TraitFinder(languages, held).add(texts)


class TraitFinder:
    """Finds the traits of texts that come a few at a time, each in the order of its arrival.

    Whoever adds all texts of some weeks at once gets what `text_traits` says.
    """

    def __init__(self, languages: Iterable[str], held: pl.DataFrame | None = None) -> None:
        held = TEXT_TRAITS.empty() if held is None else held
        self._language = dict(held.select("text_hash", "language").iter_rows())
        self._counted = {UNDETERMINED, *languages}
        self._copies = NearCopies()
        self._hashes: list[str] = []
        self._seen: set[tuple[str, date]] = set()

    def add(self, texts: pl.LazyFrame) -> pl.DataFrame:
        """Return `schemas.TEXT_TRAITS` of the texts and sessions that were not added before."""
        known = (
            texts.group_by("text_hash", "session_date")
            .agg(first_known_at=pl.col("knowledge_time").min(), text=pl.col("text").first())
            .sort("first_known_at", "text_hash")
            .collect()
        )
        pairs = known.select("text_hash", "session_date").rows()
        known = known.filter(pl.Series([it not in self._seen for it in pairs], dtype=pl.Boolean))
        self._seen.update(pairs)
        rows = [
            self._traits(*row) for row in known.select("text_hash", "session_date", "text").rows()
        ]
        names = {"language": pl.String, "group_hash": pl.String, "cashtag_count": pl.Int64}
        found = pl.DataFrame(rows, schema=names, orient="row")
        is_counted = pl.lit(ALL in self._counted) | pl.col("language").is_in(sorted(self._counted))
        return TEXT_TRAITS.enforce(
            pl.concat([known.drop("text"), found], how="horizontal").with_columns(
                is_counted=is_counted
            )
        )

    def _traits(self, key: str, day: date, text: str) -> tuple[str, str, int]:
        words = normalise_text(text)
        if key not in self._language:
            self._language[key] = language_of(words)
        self._hashes.append(key)
        first = self._hashes[self._copies.add(words, day)]
        return self._language[key], first, len(cashtags(words))


def left_out(traits: pl.LazyFrame) -> pl.DataFrame:
    """Return language and texts: how many texts of which language no feature counts."""
    return (
        traits.filter(~pl.col("is_counted"))
        .group_by("language")
        .agg(texts=pl.col("text_hash").n_unique())
        .sort("texts", "language", descending=[True, False])
        .collect()
    )
