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
from finpulse_assets.domain.monitoring.escalation import SEVERITIES, Condition
from finpulse_assets.errors import AlertError

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
        causes: the key of the condition that an alert follows from, by its own key.
    """

    conditions: tuple[Alert, ...] = ()
    happened: tuple[Alert, ...] = ()
    unseen: frozenset[Kind] = frozenset()
    endings: Mapping[str, str] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Observation) -> Observation:
        return Observation(
            conditions=(*self.conditions, *other.conditions),
            happened=(*self.happened, *other.happened),
            unseen=self.unseen | other.unseen,
            endings={**self.endings, **other.endings},
            causes={**self.causes, **other.causes},
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
    every destination. Messages to a destination that is no longer set are dropped. What follows
    from an open condition, and is not worse, is told in the messages of that condition; it begins
    to be notified when its cause is over or it grows worse.
    """
    held, ended = _held_and_ended(state, seen, now)
    told_by = {key: cause for key, cause in seen.causes.items() if _is_told_by(cause, key, held)}
    begun = {
        key: condition.notified(now)
        for key, condition in held.items()
        if not condition.notices and key not in told_by and not condition.is_acknowledged(now)
    }
    before = {key: it.notices for key, it in state.open.items() if it.notices}
    again = {key: it for key, it in held.items() if it.notices > before.get(key, it.notices)}
    new = [alert for alert in seen.happened if state.decisions.get(alert.kind) != alert.subject]
    caused = {
        cause: tuple(sorted(key for key in told_by if told_by[key] == cause))
        for cause in told_by.values()
    }
    messages = (
        *(_ended(ended[key], seen.endings.get(key, ""), now) for key in sorted(ended)),
        *(_message(Phase.BEGAN, begun[key], now, caused.get(key)) for key in sorted(begun)),
        *(_message(Phase.CONTINUES, it, now, caused.get(key)) for key, it in again.items()),
        *(Message(Phase.HAPPENED, alert, now) for alert in new),
    )
    kept = tuple(item for item in state.outbox if item.destination in destinations)
    added = (Pending(message, place, now) for message in messages for place in destinations)
    after = AlertState(
        open={**held, **begun},
        decisions={**state.decisions, **{alert.kind: alert.subject for alert in new}},
        outbox=(*kept, *added),
    )
    return after, messages


def _held_and_ended(
    state: AlertState, seen: Observation, now: datetime
) -> tuple[dict[str, Condition], dict[str, Condition]]:
    """Return what is open now, what begins still without a notice, and the notified that ended."""
    present = {alert.key: alert for alert in seen.conditions}
    held, ended = {}, {}
    for key, condition in state.open.items():
        if key in present:
            held[key] = condition.seen(present[key], now)
        elif condition.alert.kind in seen.unseen:
            held[key] = condition
        elif condition.notices:
            ended[key] = condition
    begins = {
        key: Condition.begun(alert, now) for key, alert in present.items() if key not in state.open
    }
    return {**held, **begins}, ended


def _is_told_by(cause: str, key: str, held: Mapping[str, Condition]) -> bool:
    """Whether the messages of `cause` tell of the condition `key` too."""
    if cause not in held or key not in held or held[key].notices:
        return False
    own, theirs = held[key].alert.severity, held[cause].alert.severity
    return SEVERITIES.index(own) <= SEVERITIES.index(theirs)


def acknowledged(state: AlertState, alert_id: str, until: datetime) -> AlertState:
    """Return the state in which somebody sees to an open condition until `until` (UTC).

    Raises:
        AlertError: no open condition has that id.
    """
    for key, condition in state.open.items():
        if condition.alert.alert_id == alert_id:
            seen_to = replace(condition, acknowledged_until=until)
            return replace(state, open={**state.open, key: seen_to})
    known = ", ".join(condition.alert.alert_id for condition in state.open.values())
    raise AlertError(
        f"no open alert has the id {alert_id}",
        hint=f"open are: {known}" if known else "none is open, see finpulse alerts",
    )


def _message(
    phase: Phase, condition: Condition, now: datetime, caused: tuple[str, ...] | None = None
) -> Message:
    return Message(
        phase,
        condition.alert,
        now,
        notice=condition.notices,
        first_size=condition.first_size,
        caused=caused or (),
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
