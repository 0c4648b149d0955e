"""The recipe id: one fingerprint of everything that a result is made from.

A result whose recipe id is known need not be computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping

import polars as pl


def recipe_id(frame: pl.DataFrame, parts: Mapping[str, object]) -> str:
    """Return a sha256 (hexadecimal) of a frame's content and of `parts`, JSON-able values.

    >>> frame = pl.DataFrame({"x": [1.0]})
    >>> recipe_id(frame, {"rounds": 2}) == recipe_id(frame.clone(), {"rounds": 2})
    True
    >>> recipe_id(frame, {"rounds": 2}) == recipe_id(frame, {"rounds": 3})
    False
    """
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    buffer = io.BytesIO()
    # Parquet leaves out what lies in memory below a null, so equal frames are equal bytes.
    frame.rechunk().write_parquet(buffer, compression="uncompressed", statistics=False)
    digest.update(buffer.getbuffer())
    return digest.hexdigest()
