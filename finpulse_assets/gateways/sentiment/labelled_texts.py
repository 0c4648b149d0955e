"""Labelled texts: sets of sentences with an opinion label, each in two parts, train and dev.

Reading the files, and keeping out of training what an evaluation would see again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from finpulse_assets.domain.texts.copies import are_copies, copy_key
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sentiment.baseline import vader_scores
from finpulse_assets.gateways.sentiment.labelled_shapes import Shape, shape_of

READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".ndjson": pl.read_ndjson}
TRAIN, DEV = "train", "dev"
DEV_SHARE = 0.1
VADER_SURE = 0.5  # compound score from which on a weak label is an opinion


@dataclass(frozen=True)
class LabelledSet:
    """One labelled set: `texts` has text (normalised), label and part, each text once.

    `left_out` counts the rows that are not in it, by the reason.
    """

    name: str
    licence: str
    is_weak: bool
    texts: pl.DataFrame
    left_out: dict[str, int]

    def part(self, name: str) -> pl.DataFrame:
        """Return text and label of the part "train" or "dev"."""
        return self.texts.filter(part=name).select("text", "label")


def read_labelled_sets(paths: Sequence[Path]) -> list[LabelledSet]:
    """Return the labelled sets of some files, without a copy of any dev text in a train part.

    Raises:
        SourceError: a file is absent, of another type or shape, or has an unknown label; or two
            files have the same name.
    """
    sets = [read_labelled_set(path) for path in paths]
    names = [one.name for one in sets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"two labelled sets are named {', '.join(twice)}",
            hint="give one another name in a TOML file beside it",
        )
    return without_copies(sets)


def read_labelled_set(path: Path) -> LabelledSet:
    """Return the labelled set of one file; `labelled_shapes` says which columns are understood.

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
    shape = shape_of(path, {name: dtype == pl.String for name, dtype in frame.schema.items()})
    rows = frame.select(
        pl.col(shape.text).cast(pl.String).map_elements(normalise_text, return_dtype=pl.String)
        .alias("text"),
        (pl.lit(None) if shape.is_weak else pl.col(shape.label)).alias("label"),
        (pl.col(shape.split) if shape.split else pl.lit(None)).cast(pl.String).alias("part"),
    ).filter(pl.col("text").is_not_null() & (pl.col("text") != ""))  # fmt: skip
    labelled = rows.with_columns(label=_labels(rows, shape, path))
    return labelled_set(
        shape.name, labelled, licence=shape.licence, is_weak=shape.is_weak, read=frame.height
    )


def labelled_set(
    name: str, rows: pl.DataFrame, *, licence: str, is_weak: bool = False, read: int | None = None
) -> LabelledSet:
    """Return a labelled set of rows: each text once, in train or dev.

    Texts with two different labels are left out. Where a row names no part, a fixed tenth of the
    texts is dev, by the hash of what copies of a text share, so that they are on one side.

    Args:
        name: of the set.
        rows: text (normalised), label, and part (train, dev or null).
        licence: of the texts.
        is_weak: whether no person gave the labels; such a set has no dev part.
        read: rows of the file, where some had no text.

    Raises:
        SourceError: a part is neither train nor dev.
    """
    if wrong := set(rows["part"].drop_nulls().unique()) - {TRAIN, DEV}:
        raise SourceError(
            f"the set {name} has rows of the part {', '.join(sorted(wrong))}",
            hint="parts are train and dev; leave rows that are for neither out of the file",
        )
    agreed = rows.filter(pl.col("label").n_unique().over("text") == 1)
    # Sorted: the order of arrival decides nothing. A text in both parts is dev.
    texts = agreed.sort("text", "part", nulls_last=True).unique(
        "text", keep="first", maintain_order=True
    )
    cut = pl.col("text").map_elements(_is_dev, return_dtype=pl.Boolean)
    by_cut = pl.when(cut & (not is_weak)).then(pl.lit(DEV)).otherwise(pl.lit(TRAIN))
    counts = {
        "without words": (rows.height if read is None else read) - rows.height,
        "of two labels": rows.height - agreed.height,
        "repeated": agreed.height - texts.height,
    }
    parted = texts.select("text", "label", part=pl.coalesce("part", by_cut))
    return LabelledSet(name, licence, is_weak, parted, {n: c for n, c in counts.items() if c})


def without_copies(sets: Sequence[LabelledSet]) -> list[LabelledSet]:
    """Return the sets; no text of a train part is a copy of a text of any set's dev part."""
    dev = pl.concat([one.part(DEV) for one in sets])["text"]
    cleaned = []
    for one in sets:
        is_seen = (pl.col("part") == TRAIN) & are_copies(one.texts["text"], dev)
        kept = one.texts.filter(~is_seen)
        count = one.texts.height - kept.height
        left_out = one.left_out | ({"copies of a dev text": count} if count else {})
        cleaned.append(replace(one, texts=kept, left_out=left_out))
    return cleaned


def _is_dev(text: str) -> bool:
    return int(hashlib.sha256(copy_key(text).encode()).hexdigest()[:8], 16) < DEV_SHARE * 2**32


def _labels(rows: pl.DataFrame, shape: Shape, path: Path) -> pl.Series:
    """Return the labels in our words.

    Raises:
        SourceError: some are unknown.
    """
    if shape.is_weak:
        score = vader_scores(rows["text"].to_list())
        return _of_score(pl.Series(score), VADER_SURE)
    given = rows["label"]
    if shape.neutral_within is not None:
        labels = _of_score(given.cast(pl.Float64, strict=False), shape.neutral_within)
        known = f"a number, neutral within {shape.neutral_within} of zero"
    else:
        words = given.cast(pl.String).str.strip_chars().str.to_lowercase()
        labels = words.replace_strict(dict(shape.meanings), default=None, return_dtype=pl.String)
        known = ", ".join(shape.meanings)
    if unknown := labels.null_count():
        raise SourceError(f"{unknown} of {rows.height} labels in {path} are none of {known}")
    return labels


def _of_score(score: pl.Series, neutral_within: float) -> pl.Series:
    """Return positive, negative or neutral by a score's sign, null where there is none."""
    frame = pl.DataFrame({"score": score.fill_nan(None)})
    named = (
        pl.when(pl.col("score") > neutral_within).then(pl.lit("positive"))
        .when(pl.col("score") < -neutral_within).then(pl.lit("negative"))
        .when(pl.col("score").is_not_null()).then(pl.lit("neutral"))
    )  # fmt: skip
    return frame.select(named.alias("label"))["label"]
