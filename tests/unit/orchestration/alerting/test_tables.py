"""What is read of a home to say how far its tables reach, and what is not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finpulse_assets.domain import calendar
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.monitoring.freshness import STALE, TableStatus
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.orchestration.alerting.tables import sessions_until, usual_gaps
from finpulse_assets.schemas import PRICES, SESSIONS, TWEETS
from tests.unit.domain.audit.moving_market import market

FIRST, AS_OF = date(2010, 1, 4), datetime(2024, 6, 28, 23, tzinfo=UTC)
DELAY = timedelta(minutes=20)


def written_until(lake: Lake, last: date) -> None:
    lake.replace(SESSIONS, build_sessions(FIRST, last), [WHOLE])


def test_the_sessions_of_the_lake_are_those_of_the_calendar(tmp_path, monkeypatch):
    lake, expected = Lake(tmp_path), build_sessions(FIRST, AS_OF.date(), decision_delay=DELAY)
    written_until(lake, date(2024, 7, 12))
    monkeypatch.setattr(calendar, "_schedule", lambda: pytest.fail("the calendar was loaded"))
    assert_frame_equal(sessions_until(lake, AS_OF, DELAY), expected)


@pytest.mark.parametrize("held", ["nothing", "too little", "a broken file"])
def test_the_calendar_is_asked_where_the_lake_does_not_say(tmp_path, held):
    lake = Lake(tmp_path)
    if held != "nothing":
        written_until(lake, AS_OF.date())
    if held == "a broken file":
        lake.path(SESSIONS).write_bytes(b"PAR1 is not enough")
    found = sessions_until(lake, AS_OF, DELAY)
    assert found["session_date"][-1] == date(2024, 6, 28)
    assert found["decision_at"][-1] == datetime(2024, 6, 28, 20, 20, tzinfo=UTC)


def test_the_usual_gap_is_read_of_late_texts_alone(tmp_path):
    """At every tick and in `finpulse status` all months of texts were read for it."""
    lake, sessions = Lake(tmp_path), build_sessions(date(2024, 1, 2), date(2024, 12, 31))
    frame = market()[TWEETS.name].with_columns(text_hash=pl.lit("x")).unique(TWEETS.key)
    months = frame[TWEETS.partition_column].dt.strftime("%Y-%m-01").unique().to_list()

    def status(table: str, behind: int) -> TableStatus:
        return TableStatus(table, STALE, 1, date(2024, 6, 3), behind)

    # Nothing was written yet: whoever reads fails.
    on_time = [status(TWEETS.name, 3), status(PRICES.name, 9)]
    assert usual_gaps(lake, on_time, sessions) == {}
    lake.replace(TWEETS, frame.select(TWEETS.column_names), months)
    assert usual_gaps(lake, [status(TWEETS.name, 4)], sessions) == {TWEETS.name: 1}
