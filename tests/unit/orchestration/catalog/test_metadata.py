"""What asset pages show: samples of tables, and numbers that exist."""

from __future__ import annotations

import math
from datetime import date

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.orchestration.catalog.metadata import finite, newest, sample


def test_a_number_that_does_not_exist_is_not_shown():
    assert finite({"auc": 0.5, "rank_ic": math.nan, "correlation": -math.inf}) == {"auc": 0.5}
    shown = sample(pl.DataFrame({"a": [1.0, math.nan, -math.inf, None]})).value
    assert shown.splitlines()[2:] == ["| 1 |", "| – |", "| – |", "| – |"]


def test_a_sample_is_of_the_newest_rows_with_rounded_numbers():
    """Once the first rows of the run: the oldest, or none where nothing had changed."""
    days = Table(
        "days", "one row per day", "known", (Column("ticker", pl.String, "symbol"),
        Column("day", pl.Date, "a day"), Column("close", pl.Float64, "price")), ("ticker", "day"),
    )  # fmt: skip
    rows = pl.DataFrame(
        {
            "ticker": ["A"] * 10 + ["B"] * 10,
            "day": [date(2024, 1, at) for at in range(1, 11)] * 2,
            "close": [12345.678 + at for at in range(10)] + [0.123456] * 10,
        }
    )
    shown = newest(rows.lazy(), days).value.splitlines()[2:]
    assert shown == [
        "| B | 2024-01-08 | 0.1235 |",
        "| A | 2024-01-09 | 12,353.68 |",
        "| B | 2024-01-09 | 0.1235 |",
        "| A | 2024-01-10 | 12,354.68 |",
        "| B | 2024-01-10 | 0.1235 |",
    ]
    assert newest(days.empty().lazy(), days).value.count("\n") == 1


def test_a_table_without_a_time_shows_its_last_rows():
    names = Table(
        "names", "one row per name", "known", (Column("name", pl.String, "a name"),), ("name",)
    )
    rows = pl.DataFrame({"name": list("abcdefg")})
    assert newest(rows.lazy(), names).value.splitlines()[2:] == [f"| {it} |" for it in "cdefg"]
