"""What asset pages show: samples of tables, and numbers that exist."""

from __future__ import annotations

import math

import polars as pl

from finpulse_assets.orchestration.catalog.metadata import finite, sample


def test_a_number_that_does_not_exist_is_not_shown():
    assert finite({"auc": 0.5, "rank_ic": math.nan, "correlation": -math.inf}) == {"auc": 0.5}
    shown = sample(pl.DataFrame({"a": [1.0, math.nan, -math.inf, None]})).value
    assert shown.splitlines()[2:] == ["| 1 |", "| – |", "| – |", "| – |"]
