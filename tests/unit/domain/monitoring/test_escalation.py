"""An open condition that lasts or grows is notified again, and its severity grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from finpulse_assets.domain.monitoring.alert import Alert, Kind, Message, Phase, Severity
from finpulse_assets.domain.monitoring.alert_state import AlertState, Observation, advance
from finpulse_assets.domain.monitoring.escalation import Condition

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def alert(size: int | None = None, *, severity: Severity = WARNING, what: str = "late") -> Alert:
    return Alert(Kind.ASSET_STALE, "raw/prices", what, NOON, severity, "finpulse status", size)


def notices(found: list[tuple[timedelta, Alert]]) -> list[tuple[timedelta, Message]]:
    """Return the messages of a condition that is found at these times, and when each was made."""
    state, made = AlertState(), []
    for after, seen in found:
        state, new = advance(state, Observation(conditions=(seen,)), [], NOON + after)
        made += [(after, message) for message in new]
    return made


def test_eleven_missed_sessions_are_notified_at_one_three_and_eight_and_become_critical():
    days = [(DAY * n, alert(n + 1, severity=CRITICAL if n >= 2 else WARNING)) for n in range(11)]
    made = [(m.phase, m.alert.size, m.alert.severity) for _, m in notices(days)]
    assert made == [
        (Phase.BEGAN, 1, WARNING),
        (Phase.CONTINUES, 3, CRITICAL),
        (Phase.CONTINUES, 8, CRITICAL),
    ]
    last = notices(days)[-1][1].body("r").splitlines()
    assert last[:5] == [
        "late",
        "since: 2024-03-04 12:00 UTC, for 7 d",
        "grew: from 1 to 8",
        "severity: critical",
        "notice: 3",
    ]


def test_a_warning_that_grows_by_a_step_is_critical_though_its_rule_says_warning():
    made = [
        (m.alert.size, m.alert.severity)
        for _, m in notices([(DAY * n, alert(n + 4)) for n in range(6)])
    ]
    assert made == [(4, WARNING), (8, CRITICAL)]


def test_a_condition_without_a_size_is_repeated_after_1_2_4_and_then_every_7_days():
    quarters = [(DAY * n / 4, alert()) for n in range(4 * 29)]
    made = notices(quarters)
    assert [after / DAY for after, _ in made] == [0, 1, 3, 7, 14, 21, 28]
    assert [m.notice for _, m in made] == [1, 2, 3, 4, 5, 6, 7]
    assert [m.alert.severity for _, m in made] == [WARNING] * 3 + [CRITICAL] * 4
    assert "grew" not in made[3][1].body("r")


def test_a_size_that_stands_still_is_repeated_after_ten_days():
    made = notices([(DAY * n / 4, alert(2)) for n in range(4 * 21)])
    assert [after / DAY for after, _ in made] == [0, 7, 17], "at seven days it becomes critical"


def test_a_daemon_that_was_away_makes_one_message_and_not_one_for_each_missed():
    made = notices([(DAY * 0, alert(1)), (DAY * 40, alert(28)), (DAY * 40.5, alert(28))])
    assert [(after / DAY, m.notice) for after, m in made] == [(0, 1), (40, 2)]


def test_a_condition_that_shrinks_and_grows_again_keeps_its_beginning_and_is_not_repeated():
    made = notices([(DAY * n, alert(size)) for n, size in enumerate((3, 4, 1, 3, 4))])
    assert [m.alert.size for _, m in made] == [3]


def test_severity_never_falls_while_the_condition_is_open():
    begun = Condition.begun(alert(severity=CRITICAL), NOON).notified(NOON)
    later = begun.seen(alert(severity=WARNING), NOON + DAY / 2)
    assert (later.alert.severity, later.notices) == (CRITICAL, 1)


@pytest.mark.parametrize(("back", "notices"), [(DAY / 2, 1), (DAY * 30, 2)])
def test_a_clock_that_was_set_back_far_does_not_silence_a_condition(back, notices):
    begun = Condition.begun(alert(), NOON + back).notified(NOON + back)
    assert begun.seen(alert(), NOON).notices == notices
