"""The state of alerts: what is open, and which messages every destination has still to take.

Pure functions of the state, of what was observed, and of the time. A condition is notified when it
begins, again as `escalation` says while it lasts, and when it ends; a decision once.

A message stands in the outbox until its destination took it. It is claimed (one more attempt, a
later time for the next) before it is sent and removed after; a process killed in between leaves the
claim, and the message is sent again when that time comes. So the state errs towards notifying
twice, never towards silence; `Message.message_id` is the same both times.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from finpulse_assets.domain.monitoring.alert import Alert, Kind, Message, Phase, span
from finpulse_assets.domain.monitoring.escalation import Condition

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
HEARTBEAT_LIMIT = timedelta(minutes=10)
# A tick stamps the time before the file is read; clocks of two machines differ a little.
CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Pending:
    """A message that a destination (the hash of its URL) has not taken yet."""

    message: Message
    destination: str
    next_at: datetime
    attempts: int = 0


@dataclass(frozen=True)
class Observation:
    """What was found by one evaluation.

    Args:
        conditions: everything that is wrong now.
        happened: the latest decision of each kind; it is notified when its subject is a new one.
        unseen: kinds that could not be judged: what is open of them stays open.
        endings: why a condition ended, by the key of its alert, where that is not plain.
    """

    conditions: tuple[Alert, ...] = ()
    happened: tuple[Alert, ...] = ()
    unseen: frozenset[Kind] = frozenset()
    endings: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Observation) -> Observation:
        return Observation(
            conditions=(*self.conditions, *other.conditions),
            happened=(*self.happened, *other.happened),
            unseen=self.unseen | other.unseen,
            endings={**self.endings, **other.endings},
        )


@dataclass(frozen=True)
class AlertState:
    """What is open, which decisions were notified last, and what is still to be delivered."""

    open: dict[str, Condition] = field(default_factory=dict)
    decisions: dict[Kind, str] = field(default_factory=dict)
    outbox: tuple[Pending, ...] = ()


def advance(
    state: AlertState, seen: Observation, destinations: Collection[str], now: datetime
) -> tuple[AlertState, tuple[Message, ...]]:
    """Return the state after an evaluation, and the messages that it makes.

    Ends come before beginnings, and these before reminders. Each message enters the outbox once for
    every destination. Messages to a destination that is no longer set are dropped.
    """
    present = {alert.key: alert for alert in seen.conditions}
    ended, begun, lasting = {}, {}, {}
    for key, condition in state.open.items():
        if key in present:
            lasting[key] = condition.seen(present[key], now)
        elif condition.alert.kind in seen.unseen:
            lasting[key] = condition
        else:
            ended[key] = condition
    for key, alert in present.items():
        if key not in state.open:
            begun[key] = Condition.begun(alert, now)
    again = [c for key, c in lasting.items() if c.notices > state.open[key].notices]
    new = [alert for alert in seen.happened if state.decisions.get(alert.kind) != alert.subject]
    messages = (
        *(_ended(ended[key], seen.endings.get(key, ""), now) for key in sorted(ended)),
        *(_message(Phase.BEGAN, begun[key], now) for key in sorted(begun)),
        *(_message(Phase.CONTINUES, condition, now) for condition in again),
        *(Message(Phase.HAPPENED, alert, now) for alert in new),
    )
    kept = tuple(item for item in state.outbox if item.destination in destinations)
    added = (Pending(message, place, now) for message in messages for place in destinations)
    after = AlertState(
        open={**lasting, **begun},
        decisions={**state.decisions, **{alert.kind: alert.subject for alert in new}},
        outbox=(*kept, *added),
    )
    return after, messages


def _message(phase: Phase, condition: Condition, now: datetime) -> Message:
    return Message(
        phase, condition.alert, now, notice=condition.notices, first_size=condition.first_size
    )


def _ended(condition: Condition, reason: str, now: datetime) -> Message:
    return replace(_message(Phase.ENDED, condition, now), reason=reason)


def next_due(state: AlertState, now: datetime) -> Pending | None:
    """Return what to send now: of each destination only its oldest message, so order is kept.

    A time further ahead than any back-off was noted under a clock since set back: it is due.
    """
    heads: dict[str, Pending] = {}
    for item in state.outbox:
        heads.setdefault(item.destination, item)
    due = [i for i in heads.values() if i.next_at <= now or i.next_at - now > LAST_RETRY]
    return min(due, key=lambda item: item.next_at, default=None)


def claimed(state: AlertState, item: Pending, now: datetime) -> AlertState:
    """Return the state in which `item` is being sent: the next attempt waits for its back-off."""
    wait = min(FIRST_RETRY * 2 ** min(item.attempts, 16), LAST_RETRY)
    tried = replace(item, attempts=item.attempts + 1, next_at=now + wait)
    return replace(state, outbox=tuple(tried if i == item else i for i in state.outbox))


def delivered(state: AlertState, item: Pending) -> AlertState:
    """Return the state in which the destination of `item` has its message."""
    left = (
        i for i in state.outbox
        if (i.message, i.destination) != (item.message, item.destination)
    )  # fmt: skip
    return replace(state, outbox=tuple(left))


def heartbeat_problem(at: datetime | None, now: datetime) -> str | None:
    """Return the sentence for an automation that is silent, None for one at work or never begun.

    >>> noon = datetime(2024, 3, 4, 12, tzinfo=UTC)
    >>> heartbeat_problem(noon - timedelta(minutes=25), noon)
    'the automation was last seen at 2024-03-04 11:35 UTC, 25 min ago, the limit is 10 min'
    >>> heartbeat_problem(noon - timedelta(minutes=9), noon) is None
    True
    """
    if at is None:
        return None
    if at - now > CLOCK_SKEW:
        return (
            f"the automation was last seen at {_utc(at)}, {span(at - now)} ahead of this clock: "
            "a clock was moved"
        )
    if now - at > HEARTBEAT_LIMIT:
        return (
            f"the automation was last seen at {_utc(at)}, {span(now - at)} ago, "
            f"the limit is {span(HEARTBEAT_LIMIT)}"
        )
    return None


def undelivered(state: AlertState) -> int:
    """Return how many messages wait for a destination that did not take them at once."""
    return len({item.message for item in state.outbox if item.attempts})


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
