"""Which sentiment models take part in the leaderboard, and what is published beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.companion import Companion
from finpulse_assets.gateways.sentiment.leaderboard import Contender, contender_of, vader
from finpulse_assets.gateways.sentiment.manifest import MANIFEST, read_labels
from finpulse_assets.settings import Settings

SHOWN = ("weighted_f1", "accuracy", "macro_f1", "calibration_error")
_WORD_JOINER = "\u2060"
CONTAMINATION = (
    "ProsusAI/finbert was trained on most of PhraseBank. Its figures on that set are of texts that "
    "it has seen, unless they are of its authors' own test part."
)
# model, labelled set, what was measured, value, where it is published
PUBLISHED = (
    ("ProsusAI/finbert", "Financial PhraseBank, its own test part of 970 sentences", "accuracy",
     0.83, "the notebook of its repository"),
    ("ProsusAI/finbert", "Financial PhraseBank, its own test part of 970 sentences", "macro_f1",
     0.82, "the notebook of its repository"),
    ("FinBERT of the paper", "Financial PhraseBank, all agreements", "accuracy", 0.86,
     "arXiv 1908.10063"),
    ("FinBERT of the paper", "Financial PhraseBank, all agreements", "macro_f1", 0.84,
     "arXiv 1908.10063"),
)  # fmt: skip


def contenders(settings: Settings) -> Iterator[Contender]:
    """Yield VADER, and each model of the home with the companion that it may have.

    An encoder that was fetched to be trained is no classifier and takes no part.

    Raises:
        ModelError: the files of a model were changed.
    """
    yield vader()
    for manifest in sorted((settings.models / "sentiment").glob(f"[!.]*/{MANIFEST}")):
        folder = manifest.parent
        try:
            read_labels(folder)
        except ModelError:
            continue
        model = Classifier.load(folder, device=settings.device)
        yield contender_of(folder.name, model, folder)
        if companion := Companion.load(folder):
            yield Contender(f"TF-IDF of {folder.name}", companion.probabilities, folder=folder)


def shown(table: pl.DataFrame, rates: Mapping[str, float]) -> pl.DataFrame:
    """Return the leaderboard as people read it: a row for each set and model, the best first.

    A cell is a figure with its interval; they stand in the table's own rows as numbers.

    Args:
        table: `schemas.SENTIMENT_LEADERBOARD`.
        rates: texts a second by model.
    """
    figure = pl.struct("value", "lower", "upper")
    wide = (
        table.filter(pl.col("metric").is_in(SHOWN))
        .with_columns(cell=figure.map_elements(_with_interval, return_dtype=pl.String))
        .pivot("metric", index=["labelled_set", "model", "row_count", "seen_count"], values="cell")
    )
    best = table.filter(metric="weighted_f1").select("labelled_set", "model", "value")
    ordered = wide.join(best, on=["labelled_set", "model"]).sort(
        "labelled_set", "value", descending=[False, True]
    )
    rate = pl.col("model").replace_strict(dict(rates), return_dtype=pl.Float64).round()
    return ordered.select(
        "labelled_set", "model", *(name for name in SHOWN if name in wide.columns),
        rate.cast(pl.Int64).alias("texts_per_second"), "row_count", "seen_count",
    )  # fmt: skip


def _with_interval(row: Mapping[str, float]) -> str:
    # Joined so that a narrow column breaks before the interval and not within it.
    joined = f"{row['lower']:.3f}{_WORD_JOINER}–{_WORD_JOINER}{row['upper']:.3f}"
    return f"{row['value']:.3f} [{joined}]"


def published() -> pl.DataFrame:
    """Return the published figures: model, labelled_set, metric, value, published_in."""
    columns = ["model", "labelled_set", "metric", "value", "published_in"]
    return pl.DataFrame(PUBLISHED, schema=columns, orient="row")


def confusion_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return how often each label was called each: labelled_set, model, and nine counts."""
    counts = table.filter(pl.col("metric").str.contains(" called "))
    wide = counts.with_columns(pl.col("value").cast(pl.Int64)).pivot(
        "metric", index=["labelled_set", "model"], values="value"
    )
    return wide.sort("labelled_set", "model")
