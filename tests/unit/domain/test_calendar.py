"""Sessions against a table of dates written down by hand, and the session a text counts for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import (
    NEW_YORK,
    assign_sessions,
    build_sessions,
    last_completed_session,
    month_of,
)
from finpulse_assets.errors import SettingError, SourceError

MICROSECOND = timedelta(microseconds=1)
YEAR = build_sessions(date(2018, 1, 2), date(2019, 1, 10))
FIRST_SECOND = datetime(2018, 1, 1, tzinfo=UTC)
LAST_SECOND = YEAR["decision_at"][-1] - MICROSECOND


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def sessions_of(*times: datetime, sessions: pl.DataFrame = YEAR) -> list[date]:
    frame = pl.DataFrame({"knowledge_time": pl.Series(times, dtype=pl.Datetime("us", "UTC"))})
    return assign_sessions(frame, sessions)["session_date"].to_list()


@pytest.mark.parametrize(
    ("day", "open_at", "close_at", "is_half_day", "following"),
    [
        # The day after Thanksgiving and the day before Independence Day close at 13:00.
        (date(2024, 11, 29), (14, 30), (18, 0), True, date(2024, 12, 2)),
        (date(2015, 11, 27), (14, 30), (18, 0), True, date(2015, 11, 30)),
        (date(2018, 7, 3), (13, 30), (17, 0), True, date(2018, 7, 5)),
        # The mourning for George H. W. Bush closed 2018-12-05.
        (date(2018, 12, 4), (14, 30), (21, 0), False, date(2018, 12, 6)),
        # New York changes its clocks on 2018-03-11 and 2018-11-04, Sundays.
        (date(2018, 3, 9), (14, 30), (21, 0), False, date(2018, 3, 12)),
        (date(2018, 3, 12), (13, 30), (20, 0), False, date(2018, 3, 13)),
        (date(2018, 11, 2), (13, 30), (20, 0), False, date(2018, 11, 5)),
        (date(2018, 11, 5), (14, 30), (21, 0), False, date(2018, 11, 6)),
    ],
)
def test_a_session(day, open_at, close_at, is_half_day, following):
    row = build_sessions(day, day).row(0, named=True)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert row["open_at"] == midnight.replace(hour=open_at[0], minute=open_at[1])
    assert row["close_at"] == midnight.replace(hour=close_at[0], minute=close_at[1])
    assert row["decision_at"] == row["close_at"] + timedelta(minutes=15)
    assert row["is_half_day"] is is_half_day
    assert row["next_session_date"] == following


@pytest.mark.parametrize(
    "day",
    [
        date(2018, 12, 5),  # day of mourning
        date(2012, 10, 29),  # hurricane Sandy
        date(2001, 9, 11),
        date(2024, 3, 29),  # Good Friday
        date(2022, 6, 20),  # Juneteenth, observed
        date(2024, 6, 1),  # a Saturday
    ],
)
def test_a_closed_day_is_no_session(day):
    assert build_sessions(day, day).is_empty()


def test_the_index_never_depends_on_the_span():
    assert build_sessions(date(2000, 1, 3), date(2000, 1, 4))["session_index"].to_list() == [0, 1]
    part = build_sessions(date(2018, 6, 1), date(2018, 6, 29))
    assert YEAR.join(part, on=YEAR.columns).height == part.height == 21
    assert YEAR["session_index"].diff().drop_nulls().unique().to_list() == [1]


def test_the_decision_delay_moves_the_decision_only():
    plain = build_sessions(date(2018, 7, 2), date(2018, 7, 6))
    later = build_sessions(date(2018, 7, 2), date(2018, 7, 6), decision_delay=timedelta(minutes=90))
    assert (later["decision_at"] - plain["decision_at"]).unique().to_list() == [
        timedelta(minutes=75)
    ]
    assert later.drop("decision_at").equals(plain.drop("decision_at"))


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (date(2018, 1, 3), date(2018, 1, 2), "from 2018-01-03 to 2018-01-02, which is backwards"),
        (date(1999, 12, 31), date(2018, 1, 2), "from 1999-12-31 were asked, the calendar begins"),
        (date(2018, 1, 2), date(2999, 1, 1), "up to 2999-01-01 were asked, the calendar ends on"),
    ],
)
def test_a_span_outside_the_calendar_is_refused(start, end, sentence):
    with pytest.raises(SettingError, match=sentence):
        build_sessions(start, end)


@pytest.mark.parametrize(
    ("known", "session"),
    [
        # 2018-07-02 closes at 20:00 UTC and is decided at 20:15.
        (utc(2018, 7, 2, 20, 14, 59, 999_999), date(2018, 7, 2)),
        (utc(2018, 7, 2, 20, 15), date(2018, 7, 3)),
        # The half-day is decided three hours earlier; the holiday after it is skipped.
        (utc(2018, 7, 3, 17, 14, 59, 999_999), date(2018, 7, 3)),
        (utc(2018, 7, 3, 17, 15), date(2018, 7, 5)),
        (utc(2018, 7, 4, 12), date(2018, 7, 5)),
        # Friday night, Saturday and Sunday count for Monday.
        (utc(2018, 3, 9, 21, 15), date(2018, 3, 12)),
        (utc(2018, 3, 10, 12), date(2018, 3, 12)),
        (utc(2018, 3, 11, 23), date(2018, 3, 12)),
        # After the clocks went forward, 20:15 UTC is the decision and no longer 21:15.
        (utc(2018, 3, 12, 20, 14, 59, 999_999), date(2018, 3, 12)),
        (utc(2018, 3, 12, 20, 15), date(2018, 3, 13)),
        (utc(2018, 12, 5, 16), date(2018, 12, 6)),
    ],
)
def test_the_session_that_a_text_counts_for(known, session):
    assert sessions_of(known) == [session]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.datetimes(FIRST_SECOND.replace(tzinfo=None), LAST_SECOND.replace(tzinfo=None))))
def test_no_earlier_session_would_do(times):
    known = [time.replace(tzinfo=UTC) for time in times]
    decision = dict(YEAR.select("session_date", "decision_at").iter_rows())
    for time, session in zip(known, sessions_of(*known), strict=True):
        earlier = [at for day, at in decision.items() if day < session]
        assert decision[session] > time
        assert all(at <= time for at in earlier)


def test_rows_keep_their_order_and_columns():
    known = [utc(2018, 7, 4), utc(2018, 1, 2), utc(2018, 7, 4)]
    frame = pl.DataFrame({"text_id": ["c", "a", "b"], "knowledge_time": known}).cast(
        {"knowledge_time": pl.Datetime("us", "UTC")}
    )
    assigned = assign_sessions(frame, YEAR.reverse())
    assert assigned.columns == ["text_id", "knowledge_time", "session_date"]
    assert assigned.drop("session_date").equals(frame)


def test_a_text_after_the_last_decision_is_refused():
    with pytest.raises(SourceError, match="2 rows are known after 2019-01-10 21:15:00"):
        sessions_of(LAST_SECOND, LAST_SECOND + MICROSECOND, LAST_SECOND + timedelta(days=1))


def test_a_calendar_without_sessions_is_refused():
    with pytest.raises(SourceError, match="no text can be given a session"):
        sessions_of(utc(2018, 7, 4), sessions=YEAR.clear())


def test_the_last_completed_session_is_decided_at_its_decision_time():
    decision = utc(2018, 7, 3, 17, 15)
    assert last_completed_session(YEAR, decision)["session_date"] == date(2018, 7, 3)
    before = last_completed_session(YEAR, decision - MICROSECOND)
    assert before["session_date"] == date(2018, 7, 2)
    assert before["next_session_date"] == date(2018, 7, 3)
    in_berlin = decision.astimezone(timezone(timedelta(hours=2)))
    assert last_completed_session(YEAR, in_berlin)["session_date"] == date(2018, 7, 3)
    with pytest.raises(SourceError, match="no session was decided by 2018-01-02 21:00 UTC, the fi"):
        last_completed_session(YEAR, utc(2018, 1, 2, 21))


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (utc(2024, 3, 1, 4, 59, 59, 999_999), "2024-02-01"),  # 23:59 in winter time
        (utc(2024, 3, 1, 5), "2024-03-01"),
        (utc(2024, 4, 1, 3, 59, 59, 999_999), "2024-03-01"),  # 23:59 in summer time
        (utc(2024, 4, 1, 4), "2024-04-01"),
        (utc(2024, 11, 3, 5, 30), "2024-11-01"),  # the hour that happens twice
        (utc(2024, 11, 3, 6, 30), "2024-11-01"),
        (utc(2025, 1, 1, 4, 59), "2024-12-01"),
    ],
)
def test_a_month_ends_at_midnight_in_new_york(at, month):
    frame = pl.DataFrame({"at": [at]})
    assert frame.select(month_of("at")).item() == month
    assert frame.select(month_of(pl.col("at"))).item() == month
    assert f"{at.astimezone(NEW_YORK):%Y-%m}-01" == month
