"""What is believed of a row by when its message was sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.ingestion.sending import judge_bars, judge_texts
from finpulse_assets.schemas import UTC as UTC_TIME

SESSIONS = build_sessions(date(2024, 6, 24), date(2024, 7, 12))
DECISION = datetime(2024, 7, 2, 20, 15, tzinfo=UTC)
NOW = datetime(2024, 7, 8, tzinfo=UTC)
MINUTE, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)


def judged_text(known: datetime | None, sent: datetime, event: datetime | None = None) -> dict:
    row = {"event_time": event or known or sent, "knowledge_time": known, "sent_at": sent}
    frame = pl.DataFrame([row | {"problem": None}], schema_overrides=SCHEMA)
    return judge_texts(frame, SESSIONS, NOW).row(0, named=True)


def judged_bar(day: date, known: datetime | None, sent: datetime) -> dict:
    row = {"session_date": day, "knowledge_time": known, "sent_at": sent, "problem": None}
    frame = pl.DataFrame([row], schema_overrides=SCHEMA)
    return judge_bars(frame, SESSIONS, NOW).row(0, named=True)


SCHEMA = {
    "event_time": UTC_TIME, "knowledge_time": UTC_TIME, "sent_at": UTC_TIME, "problem": pl.String
}  # fmt: skip


def test_a_text_without_a_knowledge_time_was_known_when_it_was_sent():
    row = judged_text(None, DECISION, event=DECISION - timedelta(days=9))
    assert (row["knowledge_time"], row["problem"]) == (DECISION, None)


@pytest.mark.parametrize(
    ("known", "sent", "is_late"),
    [
        (DECISION - MINUTE, DECISION - MOMENT, False),
        (DECISION - MINUTE, DECISION, True),  # what is sent at the decision is too late for it
        (DECISION, DECISION + timedelta(hours=20), False),  # known after it, before the next one
        (DECISION, DECISION + timedelta(hours=25), True),  # a half-day: decided at 17:15
    ],
)
def test_a_text_is_late_where_a_decision_lies_between_knowing_and_sending(known, sent, is_late):
    problem = judged_text(known, sent)["problem"]
    assert (problem is not None and problem.startswith("late: known at")) == is_late


def test_a_text_of_the_future_is_refused_and_clocks_may_differ_by_a_minute():
    assert judged_text(DECISION + MINUTE, DECISION)["problem"] is None
    assert "after it was sent" in judged_text(DECISION + MINUTE + MOMENT, DECISION)["problem"]
    assert judged_text(None, NOW + MINUTE)["problem"] is None
    assert "ahead of now" in judged_text(None, NOW + MINUTE + MOMENT)["problem"]


def test_what_was_sent_before_the_calendar_is_refused():
    problem = judged_text(None, datetime(1999, 1, 1, tzinfo=UTC))["problem"]
    assert problem == "sent at 1999-01-01 00:00:00, before the calendar begins"


def test_a_bar_is_sent_between_its_own_decision_and_the_next():
    day = DECISION.date()
    assert (
        "before the decision of its session" in judged_bar(day, None, DECISION - MOMENT)["problem"]
    )
    fine = judged_bar(day, None, DECISION)
    assert fine["problem"] is None
    assert fine["knowledge_time"] == DECISION - timedelta(minutes=15)  # the close
    next_decision = datetime(2024, 7, 3, 17, 15, tzinfo=UTC)
    assert judged_bar(day, None, next_decision - MOMENT)["problem"] is None
    assert judged_bar(day, None, next_decision)["problem"].startswith("late")
    # A correction says when it was known.
    assert judged_bar(day, next_decision - MINUTE, next_decision)["problem"] is None


def test_a_bar_of_no_session_is_left_to_the_rules_of_bars():
    assert judged_bar(date(2024, 7, 4), None, NOW)["problem"] is None


def test_a_problem_that_is_known_already_stays():
    row = {"event_time": NOW, "knowledge_time": None, "sent_at": DECISION, "problem": "unreadable"}
    frame = pl.DataFrame([row], schema_overrides=SCHEMA)
    assert judge_texts(frame, SESSIONS, NOW)["problem"].to_list() == ["unreadable"]
