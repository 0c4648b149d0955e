"""The identity of a candidate: what it is made of and what came out, as one short hash.

Rows that were predicted out of sample and the model that is fitted by the same recipe carry the
same id, so that no model can be judged by another's scores.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import Candidate
from finpulse_assets.domain.seal import as_json

ID_LENGTH = 16


def candidate_id(
    candidate: Candidate, *, frame_hash: str, sentiment_fingerprint: str, rows: pl.DataFrame
) -> str:
    """Return the id of a candidate, 16 hexadecimal digits.

    The predictions are part of it: they depend on the folds and on code that no recipe names, so
    another version of the code gives another id.

    Args:
        candidate: the recipe.
        frame_hash: `content_hash` of the training frame.
        sentiment_fingerprint: of the model whose scores the frame holds.
        rows: its out-of-sample predictions, schemas.OUT_OF_SAMPLE; their candidate_id is left out.
    """
    parts = {
        "recipe": dict(candidate.recipe()),
        "name": candidate.name,
        "frame": frame_hash,
        "sentiment": sentiment_fingerprint,
        "predictions": content_hash(rows.drop("candidate_id", strict=False)),
    }
    return hashlib.sha256(as_json(parts).encode()).hexdigest()[:ID_LENGTH]


def content_hash(frame: pl.DataFrame) -> str:
    """Return the sha256 of a frame's names and values, whatever the order of its columns.

    Null and NaN are one: models read them alike.

    >>> one = pl.DataFrame({"a": [1.0, None], "b": ["x", "y"]})
    >>> two = pl.DataFrame({"b": ["x", "y"], "a": [1.0, float("nan")]})
    >>> content_hash(one) == content_hash(two)
    True
    """
    digest = hashlib.sha256(f"{frame.height}".encode())
    for name in sorted(frame.columns):
        digest.update(f"\n{name}:".encode())
        digest.update(_bytes(frame[name]))
    return digest.hexdigest()


def _bytes(values: pl.Series) -> bytes:
    if values.dtype == pl.String:
        return "\0".join("\1" if value is None else value for value in values).encode()
    if values.dtype.is_temporal():
        values = values.to_physical()
    if values.dtype.is_integer() and not values.null_count():
        return values.cast(pl.Int64).to_numpy().tobytes()
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    # One NaN for all: its bits differ by where it came from. And -0.0 is 0.0.
    return (np.where(np.isnan(numbers), np.nan, numbers) + 0.0).tobytes()
