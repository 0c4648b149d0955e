"""Scoring texts that are in no source: the lines of a command, the rows of a file.

They share the store of scores with scored/text_sentiment, so that no text is scored twice.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from finpulse_assets.domain.texts.normalise import normalise_text, with_text_hash
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.sentiment.manifest import LABELS
from finpulse_assets.gateways.sentiment.scoring import ScoringReport, TextScorer
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.settings import Settings

SCORE_COLUMNS = (
    "label", "score", *(f"p_{label}" for label in LABELS), "vader_score", "is_truncated",
)  # fmt: skip


def has_words(text: pl.Expr) -> pl.Expr:
    """Return whether something is left of a text once it is normalised; null counts as nothing."""
    normal = text.map_elements(normalise_text, return_dtype=pl.String, skip_nulls=True)
    return normal.fill_null("") != ""


def score_texts(
    texts: pl.Series,
    model: SentimentModel,
    settings: Settings,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[pl.DataFrame, ScoringReport]:
    """Return the scores of texts, row by row, and what was known and what was new.

    Args:
        texts: as they came, none of them null or without words.
        model: whose arithmetic passed the parity gate.
        settings: whose store of scores.
        on_progress: called with (texts scored, texts to score).

    Returns:
        SCORE_COLUMNS in the order of the texts: label (the most probable), score (p_positive -
        p_negative), the probabilities, VADER's score and is_truncated; and the report.

    Raises:
        ModelError, LakeError: the model cannot be loaded, or the store not be written.
    """
    given = with_text_hash(texts.rename("text").to_frame())

    def words(hashes: pl.Series) -> pl.DataFrame:
        asked = given.filter(pl.col("text_hash").is_in(hashes.implode())).unique("text_hash")
        return asked.select(
            "text_hash", pl.col("text").map_elements(normalise_text, return_dtype=pl.String)
        )

    scorer = TextScorer(
        settings.models / "scores",
        model.fingerprint,
        LocalEngine(model.load),
        on_progress=on_progress,
    )
    scores = scorer.scores(given["text_hash"], words)
    probabilities = [pl.col(f"p_{label}") for label in LABELS]
    rows = given.join(scores, on="text_hash", how="left", maintain_order="left").with_columns(
        score=pl.col("p_positive") - pl.col("p_negative"),
        label=pl.concat_list(probabilities)
        .list.arg_max()
        .replace_strict(dict(enumerate(LABELS)), return_dtype=pl.String),
    )
    return rows.select(SCORE_COLUMNS), scorer.report
