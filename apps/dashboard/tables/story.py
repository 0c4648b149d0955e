"""What a made-up text changed, from two answers of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

SCHEMA = {"feature": pl.String, "without_text": pl.Float64, "with_text": pl.Float64,
          "change": pl.Float64}  # fmt: skip


def scores_in(answer: Mapping[str, Any]) -> list[float]:
    """Return the scores (-1 to 1) that an answer gives to the texts sent with the request.

    >>> scores_in({"texts": [{"score": 0.5}]}), scores_in({})
    ([0.5], [])
    """
    return [float(it["score"]) for it in answer.get("texts") or [] if it.get("score") is not None]


def changed_features(before: Mapping[str, Any], after: Mapping[str, Any]) -> pl.DataFrame:
    """Return the features that differ between two answers, the largest change first.

    A feature that one of them does not know has no change. Where the answers name no features, no
    row is returned.
    """
    was, now = (it.get("features_used") for it in (before, after))
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return pl.DataFrame(schema=SCHEMA)
    rows = [
        {"feature": name, "without_text": was.get(name), "with_text": value,
         "change": None if value is None or was.get(name) is None else value - was[name]}
        for name, value in now.items()
        if value != was.get(name)
    ]  # fmt: skip
    return pl.DataFrame(rows, SCHEMA).sort(pl.col("change").abs(), descending=True, nulls_last=True)
