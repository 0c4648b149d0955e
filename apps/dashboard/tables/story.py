"""What a made-up text changed, from two answers of the service."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from finpulse_assets.client import Answer

SCHEMA = {"feature": pl.String, "without_text": pl.Float64, "with_text": pl.Float64,
          "change": pl.Float64}  # fmt: skip


def changed_features(before: Answer, after: Answer) -> pl.DataFrame:
    """Return the features that differ between two answers, the largest change first.

    A feature that one of them does not know has no change. Where the answers name no features, no
    row is returned.
    """
    was, now = before.features_used, after.features_used
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return pl.DataFrame(schema=SCHEMA)
    rows = [
        {"feature": name, "without_text": was.get(name), "with_text": value,
         "change": None if value is None or was.get(name) is None else value - was[name]}
        for name, value in now.items()
        if value != was.get(name)
    ]  # fmt: skip
    return pl.DataFrame(rows, SCHEMA).sort(pl.col("change").abs(), descending=True, nulls_last=True)
