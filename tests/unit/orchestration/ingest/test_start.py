"""A run starts where coverage ends, whatever the calendar says."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.ingest.start import months_to_run
from finpulse_assets.schemas import COVERAGE, source_table
from finpulse_assets.settings import load_settings

MAY, JUNE, JULY = "2024-05-01", "2024-06-01", "2024-07-01"
NOW = datetime(2024, 7, 2, 20, 30, tzinfo=UTC)
ENDS = {MAY: datetime(2024, 6, 1, 4, tzinfo=UTC), JUNE: datetime(2024, 7, 1, 4, tzinfo=UTC)}
KINDS = ("tweets", "headlines", "prices", "corporate_actions")


@pytest.fixture
def lake(tmp_path):
    return Lake(load_settings(home=tmp_path).lake)


def cover(lake, last_at, *, kinds=KINDS, ticker="A", months=(MAY, JUNE, JULY)):
    for kind in kinds:
        table = source_table("simulator", kind)
        lake.append(table, table.empty(), months)
        spans = [
            {
                "ticker": ticker,
                "month": month,
                "first_at": datetime(2024, 5, 1, 4, tzinfo=UTC),
                "last_at": min(last_at, ENDS.get(month, last_at)),
            }
            for month in months
        ]
        lake.cover(table, pl.DataFrame(spans, schema=COVERAGE.polars_schema))


def start(tmp_path, lake):
    return months_to_run(load_settings(home=tmp_path), lake, NOW)[0]


def test_a_day_after_a_day_runs_its_own_month(tmp_path, lake):
    cover(lake, datetime(2024, 7, 1, 20, 30, tzinfo=UTC))
    assert months_to_run(load_settings(home=tmp_path), lake, NOW) == [JULY]


def test_a_failed_first_session_of_a_month_leaves_the_month_before_to_the_next_run(tmp_path, lake):
    """The last run was on Friday, June 28; Monday's failed; on Tuesday June is still open."""
    cover(lake, datetime(2024, 6, 28, 20, 30, tzinfo=UTC), months=(MAY, JUNE))
    assert start(tmp_path, lake) == JUNE


def test_one_kind_that_fell_behind_is_enough(tmp_path, lake):
    cover(lake, datetime(2024, 7, 1, 20, 30, tzinfo=UTC))
    cover(lake, datetime(2024, 7, 1, 20, 30, tzinfo=UTC), kinds=("prices",), ticker="NEW",
          months=(JULY,))  # fmt: skip
    assert start(tmp_path, lake) == MAY, "a ticker that was added has its history to come"


def test_a_home_that_was_never_run_gets_its_history(tmp_path, lake):
    assert start(tmp_path, lake) == "2022-07-01"
    settings = load_settings(home=tmp_path, start_date="2024-05-15")
    assert months_to_run(settings, lake, NOW) == [MAY, JUNE, JULY]


def test_a_source_that_never_answered_holds_nothing_up(tmp_path, lake):
    cover(lake, datetime(2024, 7, 1, 20, 30, tzinfo=UTC), kinds=("prices",))
    assert start(tmp_path, lake) == JULY
