"""What was asked of a source, and where the next run has to start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.domain.ingestion.coverage import month_to_start, spans_asked
from tests.unit.domain.ingestion.delivery_table import JUNE, MAY, SESSIONS, covered, june

MAY_WINDOW = (datetime(2024, 5, 1, 4, tzinfo=UTC), datetime(2024, 6, 1, 4, tzinfo=UTC))
END_OF_MAY = {MAY: MAY_WINDOW[1]}


def asked(kind, as_of, windows):
    return spans_asked(kind, windows, ["AAPL"], sessions=SESSIONS, as_of=as_of)


@pytest.mark.parametrize(
    ("kind", "as_of", "last"),
    [
        ("tweets", june(3, 20, 5), june(3, 20, 5)),
        ("corporate_actions", june(3, 20, 5), june(3, 20, 5)),
        # Between the close and the decision the bar of the day is left for a later run.
        ("prices", june(3, 20, 5), MAY_WINDOW[1]),
        ("prices", june(3, 20, 15), june(3, 20, 15)),
    ],
)
def test_a_month_that_goes_on_is_covered_to_what_counts(kind, as_of, last):
    windows = {MAY: MAY_WINDOW, JUNE: (MAY_WINDOW[1], as_of + timedelta(microseconds=1))}
    found = dict(asked(kind, as_of, windows).select("month", "last_at").iter_rows())
    assert found == {MAY: MAY_WINDOW[1], JUNE: last}


def test_a_month_ahead_is_not_covered():
    assert asked("tweets", june(3), {"2024-07-01": (june(3), june(3))}).is_empty()


def test_what_was_read_to_the_end_of_the_month_is_complete():
    held = pl.concat([covered(MAY, *MAY_WINDOW), covered(JUNE, MAY_WINDOW[1], june(5))])
    assert month_to_start(held, END_OF_MAY) is None


def test_texts_after_the_last_run_of_a_month_are_missed():
    """The last run was after the close of May 31; the first one of June failed."""
    assert month_to_start(covered(MAY, MAY_WINDOW[0], june(1, 0)), END_OF_MAY) == MAY


def test_a_month_without_any_request_is_a_gap():
    assert month_to_start(covered(JUNE, MAY_WINDOW[1], june(5)), END_OF_MAY) == MAY


def test_a_ticker_that_was_added_is_a_gap_and_one_that_left_is_none():
    whole = pl.concat([covered(MAY, *MAY_WINDOW), covered(JUNE, MAY_WINDOW[1], june(5))])
    added = pl.concat([whole, covered(JUNE, MAY_WINDOW[1], june(5), ("NEW",))])
    assert month_to_start(added, END_OF_MAY) == MAY
    left = pl.concat([whole, covered(MAY, MAY_WINDOW[0], june(1, 0), ("GONE",))])
    assert month_to_start(left, END_OF_MAY) is None
