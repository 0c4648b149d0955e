"""What is cut of a history that is too old, counted and named."""

from __future__ import annotations

from datetime import date

import polars as pl

from finpulse_assets.domain.ingestion.history import history_cut

FIRST_DAY = date(2010, 1, 1)


def test_rows_before_the_first_day_are_counted_and_named():
    cut = history_cut(pl.Series([date(2009, 12, 31), date(2010, 1, 4), None]), FIRST_DAY)
    assert cut.metadata == {
        "cut_rows": 1,
        "cut_history": "1 rows before 2010-01-01 are not loaded, from 2009-12-31 to 2009-12-31",
    }


def test_nothing_is_cut_of_a_history_that_begins_in_time():
    assert history_cut(pl.Series([FIRST_DAY, None]), FIRST_DAY) is None
    assert history_cut(pl.Series([], dtype=pl.Date), FIRST_DAY) is None
