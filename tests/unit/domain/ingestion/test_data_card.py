"""The data card: what was delivered, what was refused, and what has no number."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets.domain.ingestion.data_card import data_card

FIRST, LAST = date(2024, 1, 2), date(2024, 6, 28)
MARTS = pl.DataFrame({"table": ["fct_training_set"], "rows": [1_234], "first": [FIRST]})


def test_it_shows_each_source_with_what_it_gave_and_what_was_refused():
    held = pl.DataFrame(
        {
            "kind": ["prices", "tweets"], "source": ["files", "files"], "rows": [9_500, 10],
            "tickers": [87, 3], "first": [FIRST] * 2, "last": [LAST] * 2,
        }
    )  # fmt: skip
    asked = pl.DataFrame(
        {
            "kind": ["prices", "headlines"], "source": ["files", "live|feed"],
            "requests": [4, 2], "delivered": [10_000, 0], "late": [7, 0], "refused": [500, 0],
            "failed": [0, 2],
        }
    )  # fmt: skip
    as_of = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    lines = data_card(held, asked, MARTS, as_of=as_of).splitlines()
    assert "As of 2024-06-28 20:15 UTC." in lines
    assert (
        "| prices | files | 9,500 | 87 | 2024-01-02 | 2024-06-28 | 4 | 7 | 500 | 0 | 5.0 % |"
    ) in lines
    assert "| headlines | live\\|feed | – | – | – | – | 2 | 0 | 0 | 2 | – |" in lines
    assert "| tweets | files | 10 | 3 | 2024-01-02 | 2024-06-28 | – | – | – | – | – |" in lines
    assert "| fct_training_set | 1,234 | 2024-01-02 |" in lines
