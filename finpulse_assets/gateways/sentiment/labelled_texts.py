"""Labelled texts: files of sentences with an opinion label, in a few known shapes.

Reading them into `text` (normalised) and `label`.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import SourceError

MEANINGS = {
    "positive": "positive", "negative": "negative", "neutral": "neutral",
    "bullish": "positive", "bearish": "negative",
}  # fmt: skip
# Label numbers of the Twitter Financial News Sentiment set, whose files carry no names.
TWITTER_FINANCIAL_NEWS = {0: "negative", 1: "positive", 2: "neutral"}
READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".ndjson": pl.read_ndjson}


def read_labelled_texts(path: Path) -> pl.DataFrame:
    """Return `text` (normalised) and `label` (positive, negative or neutral) of a file.

    Understood are the columns text or sentence, with label (positive, negative, neutral, bullish
    or bearish) or with label_id (0 bearish, 1 bullish, 2 neutral).

    Raises:
        SourceError: the file is absent, of another type or shape, or has an unknown label.
    """
    reader = READERS.get(path.suffix)
    if not path.exists() or reader is None:
        problem = "is no Parquet, CSV or NDJSON file" if path.exists() else "does not exist"
        raise SourceError(
            f"the labelled texts {path} cannot be read: it {problem}",
            hint="set FINPULSE_LABELLED_TEXTS_PATH to a file, or unset it",
        )
    try:
        frame = reader(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"the labelled texts {path} cannot be read: {error}") from error
    text = next((n for n in ("text", "sentence") if frame.schema.get(n) == pl.String), None)
    label = _label(frame)
    if text is None or label is None:
        raise SourceError(
            f"the labelled texts {path} have the columns {', '.join(frame.columns)}",
            hint="needed are text (or sentence) and label in words, or label_id in numbers",
        )
    labelled = frame.select(pl.col(text).alias("text"), label.alias("label")).drop_nulls("text")
    unknown = labelled["label"].null_count()
    if unknown:
        raise SourceError(
            f"{unknown} of {labelled.height} labels in {path} are none of {', '.join(MEANINGS)}"
        )
    return labelled.with_columns(
        pl.col("text").map_elements(normalise_text, return_dtype=pl.String)
    ).filter(pl.col("text") != "")


def _label(frame: pl.DataFrame) -> pl.Expr | None:
    if "label" in frame.columns and frame["label"].dtype == pl.String:
        return (
            pl.col("label")
            .str.strip_chars()
            .str.to_lowercase()
            .replace_strict(MEANINGS, default=None)
        )
    if "label_id" in frame.columns and frame["label_id"].dtype.is_integer():
        return pl.col("label_id").replace_strict(
            TWITTER_FINANCIAL_NEWS, default=None, return_dtype=pl.String
        )
    return None
