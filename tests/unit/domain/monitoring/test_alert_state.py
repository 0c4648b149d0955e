"""Alerts: each notified when it begins and when it ends, whatever fails in between."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.monitoring.alert import (
    OVER,
    Alert,
    Kind,
    Message,
    Phase,
    Severity,
    span,
)
from finpulse_assets.domain.monitoring.alert_state import (
    FIRST_RETRY,
    LAST_RETRY,
    AlertState,
    Observation,
    advance,
    claimed,
    delivered,
    heartbeat_problem,
    next_due,
    undelivered,
)

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROOT = Path(__file__).parents[4]
RUNBOOKS = ROOT / "docs" / "runbooks"
# The rules of Prometheus have runbooks too.
OF_RULES = set(
    re.findall(r"runbooks }}/(\w+)\.md", (ROOT / "deploy/monitoring/rules.yml").read_text())
)


def alert(subject: str = "prices", kind: Kind = Kind.ASSET_STALE, what: str = "late") -> Alert:
    return Alert(kind, subject, what, NOON, Severity.WARNING, "finpulse status")


def seen(*subjects: str) -> Observation:
    return Observation(conditions=tuple(alert(subject) for subject in subjects))


def phases(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(message.phase.value, message.alert.subject) for message in messages]


def test_a_condition_is_notified_when_it_begins_and_when_it_ends():
    state, first = advance(AlertState(), seen("a"), ["x", "y"], NOON)
    state, second = advance(state, seen("a"), ["x", "y"], NOON + MINUTE)
    state, third = advance(state, seen("b"), ["x", "y"], NOON + 2 * MINUTE)
    assert phases(first) == [("began", "a")]
    assert second == ()
    assert phases(third) == [("ended", "a"), ("began", "b")]
    assert list(state.open) == ["asset_stale:b"]
    assert Counter(item.destination for item in state.outbox) == {"x": 3, "y": 3}


def test_the_end_says_that_it_is_over_in_its_own_words():
    state, _ = advance(AlertState(), seen("a"), [], NOON)
    later = Alert(Kind.ASSET_STALE, "a", "later", NOON + MINUTE, Severity.CRITICAL, "x")
    state, _ = advance(state, Observation(conditions=(later,)), [], NOON + MINUTE)
    _, (ended,) = advance(state, Observation(), [], NOON + 125 * MINUTE)
    assert ended.body("r").splitlines()[:3] == [
        "over: the sessions that were due are there",
        "since: 2024-03-04 12:00 UTC",
        "ended: 2024-03-04 14:05 UTC, after 2 h 5 min",
    ]
    assert "severity" not in ended.body("r")
    assert "later" not in ended.body("r")


def test_the_end_gives_the_reason_where_one_is_known():
    state, _ = advance(AlertState(), seen("a"), [], NOON)
    gone = Observation(endings={"asset_stale:a": "the table was dropped"})
    _, (ended,) = advance(state, gone, [], NOON)
    assert ended.body("r").startswith("over: the table was dropped\nsince: ")


def test_every_condition_has_a_sentence_for_its_end():
    assert set(Kind) - set(OVER) == {Kind.PROMOTION, Kind.PROMOTION_REFUSED}


def test_what_cannot_be_seen_stays_as_it_was():
    state, _ = advance(AlertState(), seen("a"), ["x"], NOON)
    blind = Observation(unseen=frozenset({Kind.ASSET_STALE}))
    state, messages = advance(state, blind, ["x"], NOON + MINUTE)
    assert messages == ()
    assert list(state.open) == ["asset_stale:a"]
    _, messages = advance(
        state, Observation(unseen=frozenset({Kind.DRIFT})), ["x"], NOON + 2 * MINUTE
    )
    assert phases(messages) == [("ended", "a")]


def test_a_decision_is_notified_once_and_again_when_another_came_in_between():
    made, state = [], AlertState()
    for candidate in ("m1", "m1", "m2", "m1"):
        happened = Observation(happened=(alert(candidate, Kind.PROMOTION),))
        state, messages = advance(state, happened, [], NOON)
        made += phases(messages)
    assert made == [("happened", "m1"), ("happened", "m2"), ("happened", "m1")]
    assert state.open == {}


def test_a_destination_gets_its_messages_in_order_and_another_does_not_wait():
    state, _ = advance(AlertState(), seen("a"), ["bad", "good"], NOON)
    state, _ = advance(state, Observation(), ["bad", "good"], NOON)
    bad = next_due(state, NOON)
    assert (bad.destination, bad.message.phase) == ("bad", Phase.BEGAN)
    state = claimed(state, bad, NOON)
    for phase in (Phase.BEGAN, Phase.ENDED):
        item = next_due(state, NOON)
        assert (item.destination, item.message.phase) == ("good", phase)
        state = delivered(claimed(state, item, NOON), item)
    assert next_due(state, NOON) is None, "the end waits behind the beginning that was not taken"
    assert undelivered(state) == 1
    again = next_due(state, NOON + FIRST_RETRY)
    assert (again.destination, again.message.phase, again.attempts) == ("bad", Phase.BEGAN, 1)


def test_the_back_off_doubles_up_to_half_an_hour():
    state, _ = advance(AlertState(), seen("a"), ["x"], NOON)
    at, waits = NOON, []
    for _ in range(9):
        state = claimed(state, next_due(state, at), at)
        waits.append((state.outbox[0].next_at - at).total_seconds())
        at = state.outbox[0].next_at
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]


def test_a_clock_set_back_holds_nothing_up():
    state, _ = advance(AlertState(), seen("a"), ["x"], NOON)
    assert next_due(state, NOON - MINUTE) is None
    assert next_due(state, NOON - LAST_RETRY - MINUTE) is not None
    _, ended = advance(state, Observation(), ["x"], NOON - 60 * MINUTE)
    assert "after 0 min" in ended[0].body("r")


def test_messages_to_a_destination_that_is_no_longer_set_are_dropped():
    state, _ = advance(AlertState(), seen("a"), ["old", "new"], NOON)
    state, _ = advance(state, seen("a"), ["new"], NOON)
    assert [item.destination for item in state.outbox] == ["new"]


def test_a_sentence_is_one_line_of_some_length_without_a_password():
    what = alert(what="no answer from\n postgres://me:secret@host/db " + "x" * 500).what
    assert what.startswith("no answer from postgres://host/db x")
    assert len(what) == 400
    assert what.endswith("…")


@pytest.mark.parametrize("kind", Kind)
def test_a_message_says_what_since_when_how_bad_where_to_look_and_its_runbook(kind):
    message = Message(Phase.BEGAN, alert(kind=kind), NOON)
    assert message.title == f"began: {kind} prices"
    assert message.body("https://wiki.example/runbooks/").splitlines() == [
        "late",
        "since: 2024-03-04 12:00 UTC",
        "severity: warning",
        "command: finpulse status",
        f"runbook: https://wiki.example/runbooks/{kind}.md",
        f"acknowledge: finpulse alerts ack {message.alert.alert_id} --for 2d",
        f"message: {message.message_id}",
    ]


HEADINGS = ["What it means", "First look", "Usual causes", "How to mend", "How to silence"]


@pytest.mark.parametrize("name", sorted({*Kind, "automation_silent", *OF_RULES}))
def test_every_alert_has_a_short_runbook(name):
    lines = (RUNBOOKS / f"{name}.md").read_text().splitlines()
    assert lines[0] == f"# {name}"
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS
    assert len(lines) < 60
    for here, after in pairwise(lines):
        assert not (here.startswith("## ") and not after.strip()), here


def test_every_runbook_belongs_to_an_alert():
    names = {path.stem for path in RUNBOOKS.glob("*.md")}
    assert names == {*map(str, Kind), "automation_silent", *OF_RULES, "README"}


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (None, None),
        (NOON, None),
        (NOON - 10 * MINUTE, None),
        (NOON + MINUTE, None),
        (NOON - 11 * MINUTE, "2024-03-04 11:49 UTC, 11 min ago, the limit is 10 min"),
        (NOON - timedelta(days=3), "2024-03-01 12:00 UTC, 3 d ago, the limit is 10 min"),
        (NOON + 180 * MINUTE, "15:00 UTC, 3 h ahead of this clock: a clock was moved"),
    ],
)
def test_a_silent_automation_is_a_sentence(at, sentence):
    problem = heartbeat_problem(at, NOON)
    assert problem is None if sentence is None else problem.endswith(sentence)


def test_a_span_has_two_units():
    lengths = [timedelta(0), timedelta(minutes=59), timedelta(hours=25), timedelta(days=1, hours=1)]
    assert [span(length) for length in lengths] == ["0 min", "59 min", "1 d 1 h", "1 d 1 h"]


looks = st.lists(st.frozensets(st.sampled_from("abc")), min_size=1, max_size=12)


@given(looks=looks, fails=st.lists(st.booleans(), max_size=60), crashes=st.sets(st.integers(0, 40)))
def test_every_destination_hears_each_beginning_and_end_once_and_in_order(looks, fails, crashes):
    """Deliveries fail at will; a crash after sending loses the note of it, and only then twice."""
    places = ["x", "y"]
    heard: dict[str, list[Message]] = {place: [] for place in places}
    expected: list[Message] = []
    state, now, count, outcomes = AlertState(), NOON, 0, iter(fails)
    for subjects in [*looks, *[looks[-1]] * 3]:
        state, messages = advance(state, seen(*sorted(subjects)), places, now)
        expected += messages
        while item := next_due(state, now):
            state = claimed(state, item, now)
            if next(outcomes, False):
                continue
            heard[item.destination].append(item.message)
            count += 1
            if count not in crashes:
                state = delivered(state, item)
        now += LAST_RETRY
    for _ in range(200):
        if (item := next_due(state, now)) is None:
            now += LAST_RETRY
            continue
        heard[item.destination].append(item.message)
        state = delivered(claimed(state, item, now), item)
    assert state.outbox == ()
    assert {c.alert.subject for c in state.open.values()} == set(looks[-1])
    repeats = 0
    for messages in heard.values():
        assert list(dict.fromkeys(messages)) == expected, "nothing lost, order kept"
        repeats += len(messages) - len(expected)
    assert repeats <= len(crashes)
    assert not repeats or crashes
    for subject in "abc":
        own = [m.phase for m in expected if m.alert.subject == subject]
        assert own == [Phase.BEGAN, Phase.ENDED] * (len(own) // 2) + [Phase.BEGAN] * (len(own) % 2)
    assert len({message.message_id for message in expected}) == len(expected)
