"""The store of scores: a text is scored once per model, however often it is asked for.

The append-only Parquet cache by text hash and model fingerprint, and scoring what is missing in it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import polars as pl

from finpulse_assets.errors import LakeError, ModelError, SchemaError
from finpulse_assets.gateways.sentiment.classifier import Scores
from finpulse_assets.schemas import TEXT_SENTIMENT

COLUMNS = ("text_hash", "p_positive", "p_negative", "p_neutral", "is_truncated")
SCHEMA = {name: TEXT_SENTIMENT.polars_schema[name] for name in COLUMNS}


class Scorer(Protocol):
    """What scoring needs of a classifier; `classifier.Classifier` and the tests' fake have it."""

    @property
    def fingerprint(self) -> str: ...

    def score(
        self, texts: list[str], on_batch: Callable[[int, int], None] | None = None
    ) -> Scores: ...


@dataclass(frozen=True)
class ScoringReport:
    """What a call of `score_missing` did; the last three are None when nothing was scored.

    `cache_hits` and `scored` count distinct texts; `texts_per_second` is of the forward passes.
    """

    cache_hits: int
    scored: int
    texts_per_second: float | None
    device: str | None
    dtype: str | None


class ScoreStore:
    """Append-only scores of one model fingerprint: `<folder>/<fingerprint>/<content>.parquet`.

    Files are never changed, so readers need no lock; two writers of the same text do no harm.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.folder = folder / fingerprint

    def known(self, hashes: pl.Series) -> pl.DataFrame:
        """Return the stored scores of the given text hashes.

        Returns:
            text_hash, p_positive, p_negative, p_neutral, is_truncated; one row per distinct
            hash that is known, sorted by text_hash.

        Raises:
            LakeError: a file is truncated or is no file of scores.
        """
        wanted = pl.DataFrame({"text_hash": hashes.cast(pl.String).unique()})
        files = sorted(self.folder.glob("*.parquet"))
        if not files:
            return pl.DataFrame(schema=SCHEMA)
        stored = pl.concat([_read(path) for path in files])
        return (
            stored.join(wanted, on="text_hash", how="semi")
            .unique(subset="text_hash", keep="first", maintain_order=True)
            .sort("text_hash")
        )

    def add(self, frame: pl.DataFrame) -> None:
        """Add scores as one new file, named by its content and renamed into place.

        Raises:
            SchemaError: a column is missing, of another type, or has nulls.
        """
        if frame.is_empty():
            return
        try:
            frame = frame.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"scores do not have the columns {', '.join(COLUMNS)}") from error
        if any(count for count in frame.null_count().row(0)):
            raise SchemaError("scores have nulls where none may be")
        buffer = BytesIO()
        frame.sort("text_hash").write_parquet(buffer, compression="zstd")
        content = buffer.getvalue()
        path = self.folder / f"{hashlib.sha256(content).hexdigest()[:32]}.parquet"
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(path)


def score_missing(
    store: ScoreStore,
    load_classifier: Callable[[], Scorer],
    texts: pl.DataFrame,
    *,
    chunk: int = 2048,
    on_progress: Callable[[int, int], None] | None = None,
) -> ScoringReport:
    """Score the texts that the store does not know yet, and keep each chunk as it is done.

    Args:
        store: where scores are looked up and added.
        load_classifier: called only if something is missing, so a full store needs no torch.
        texts: `text_hash` and `text` (normalised); a hash may come many times.
        chunk: texts per file; a killed run loses at most this many.
        on_progress: called with (texts scored, texts missing at the start).

    Raises:
        ModelError: the loaded classifier has another fingerprint than the store.
        LakeError: a stored file cannot be read.
    """
    distinct = texts.select("text_hash", "text").unique("text_hash", keep="first")
    missing = distinct.join(store.known(distinct["text_hash"]), on="text_hash", how="anti").sort(
        "text_hash"
    )
    hits = distinct.height - missing.height
    if missing.is_empty():
        return ScoringReport(hits, 0, None, None, None)
    classifier = load_classifier()
    if classifier.fingerprint != store.fingerprint:
        raise ModelError(
            f"the classifier is {classifier.fingerprint[:12]}, the store keeps scores of "
            f"{store.fingerprint[:12]}",
            hint="open the store with the fingerprint of this model",
        )
    seconds = 0.0
    for start in range(0, missing.height, chunk):
        part = missing.slice(start, chunk)
        began = time.perf_counter()
        scores = classifier.score(part["text"].to_list(), _shifted(on_progress, start, missing))
        seconds += time.perf_counter() - began
        store.add(_frame(part["text_hash"], scores))
    return ScoringReport(
        hits, missing.height, missing.height / seconds, scores.device, scores.dtype
    )


def _shifted(
    on_progress: Callable[[int, int], None] | None, start: int, missing: pl.DataFrame
) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, _: on_progress(start + done, missing.height)


def _frame(hashes: pl.Series, scores: Scores) -> pl.DataFrame:
    values = {name: getattr(scores, name) for name in COLUMNS[1:]}
    return pl.DataFrame({"text_hash": hashes, **values}, schema=SCHEMA)


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=list(COLUMNS), memory_map=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise LakeError(
            f"{path} is truncated or no file of scores ({path.stat().st_size} bytes)",
            hint="delete it, its scores will be recomputed",
        ) from error
