"""The calendar's features on days whose place is known."""

from __future__ import annotations

from datetime import date

import pytest

from finpulse_assets.domain.calendar import build_sessions, scheduled_days
from finpulse_assets.domain.features.families.calendar_effects import session_effects

NAMES = (
    "day_of_week", "sessions_since_month_start", "sessions_to_month_end", "sessions_since_holiday",
    "sessions_to_holiday", "days_to_next_session", "is_half_day",
)  # fmt: skip


def effects(day: date) -> dict[str, float]:
    row = session_effects(build_sessions(day, day)).row(0, named=True)
    return {name: row[name] for name in NAMES}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 7, 3), (3, 2, 19, 9, 0, 2, 1)),  # half-day before Independence Day
        (date(2024, 7, 5), (5, 3, 18, 0, 40, 3, 0)),  # the first session after it, a Friday
        (date(2024, 11, 29), (5, 19, 0, 0, 17, 3, 1)),  # the day after Thanksgiving
        (date(2024, 3, 28), (4, 19, 0, 27, 0, 4, 0)),  # the eve of Good Friday
        (date(2024, 2, 29), (4, 19, 0, 7, 20, 1, 0)),  # a leap day
        (date(2015, 1, 2), (5, 0, 19, 0, 10, 3, 0)),
    ],
    ids=str,
)
def test_by_the_calendar_on_the_wall(day, expected):
    assert effects(day) == dict(zip(NAMES, map(float, expected), strict=True))


def test_a_closure_at_short_notice_was_a_session_to_come_until_it_was_one():
    """The exchange shut on 2025-01-09 for a day of mourning that was proclaimed on 2024-12-30."""
    assert date(2025, 1, 9) in scheduled_days().to_list()
    before, eve, after = (effects(date(2025, 1, day)) for day in (7, 8, 10))
    assert before["sessions_to_month_end"] == 17  # the ninth is still counted
    assert eve["days_to_next_session"] == 2
    assert after["sessions_since_holiday"] == 0
    assert after["sessions_since_month_start"] == 5


def test_the_same_session_has_the_same_effects_whatever_else_is_asked():
    long = session_effects(build_sessions(date(2010, 1, 4), date(2024, 6, 28)))
    short = session_effects(build_sessions(date(2024, 6, 3), date(2024, 6, 28)))
    assert long.filter(long["session_date"] >= date(2024, 6, 3)).equals(short)
    assert long.null_count().sum_horizontal().item() == 0
