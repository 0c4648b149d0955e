"""Alerts: what is wrong, told once when it begins and once when it ends, to every destination.

The alert, its messages, and the state that remembers what was told to whom, as pure functions of
the state, of what was seen, and of the time.

A message stands in the outbox until its destination took it. It is claimed (one more attempt, a
later time for the next) before it is sent and removed after; a process killed in between leaves the
claim, and the message is sent again when that time comes. So the state errs towards telling twice,
never towards silence; `Message.message_id` is the same both times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
LONGEST_WHAT = 400
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
HEARTBEAT_LIMIT = timedelta(minutes=10)
# A tick stamps the time before the file is read; clocks of two machines differ a little.
CLOCK_SKEW = timedelta(minutes=1)


class Kind(StrEnum):
    """What an alert is about; each has the runbook docs/runbooks/<kind>.md."""

    RUN_FAILED = "run_failed"
    CHECK_FAILED = "check_failed"
    ASSET_STALE = "asset_stale"
    ASSET_OVERDUE = "asset_overdue"
    DRIFT = "drift"
    PROMOTION = "promotion"
    PROMOTION_REFUSED = "promotion_refused"


class Severity(StrEnum):
    """How bad: info asks for nothing, a warning for a look today, critical for one now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Phase(StrEnum):
    """A condition begins and ends; a decision merely happens."""

    BEGAN = "began"
    ENDED = "ended"
    HAPPENED = "happened"


@dataclass(frozen=True)
class Alert:
    """One thing that ops should know.

    Args:
        subject: what it is about: a job, a check, a table, a candidate. With the kind it is the
            identity of the alert.
        what: one sentence; made a single line of at most 400 characters, and a password in a URL
            (a database of a failed run) is left out.
        since: UTC time from which it holds.
        command: what to type for a first look.
    """

    kind: Kind
    subject: str
    what: str
    since: datetime
    severity: Severity
    command: str

    def __post_init__(self) -> None:
        what = PASSWORD_IN_URL.sub("", " ".join(self.what.split()))
        short = what if len(what) <= LONGEST_WHAT else what[: LONGEST_WHAT - 1] + "…"
        object.__setattr__(self, "what", short)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True)
class Message:
    """An alert at the moment that it began, ended or happened (`at`, UTC)."""

    phase: Phase
    alert: Alert
    at: datetime

    @property
    def message_id(self) -> str:
        """The same whenever this message is sent again, so that a receiver can tell."""
        parts = (self.alert.key, self.alert.since.isoformat(), self.phase, self.at.isoformat())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    @property
    def title(self) -> str:
        return f"{self.phase}: {self.alert.kind} {self.alert.subject}"

    def body(self, runbooks: str) -> str:
        """Return the text: what, since when, how bad, where to look, the runbook below `runbooks`.

        >>> at = datetime(2024, 3, 4, 21, 15, tzinfo=UTC)
        >>> alert = Alert(Kind.DRIFT, "features", "3 of 9 drift", at, Severity.WARNING, "finpulse")
        >>> print(Message(Phase.BEGAN, alert, at).body("https://wiki/"))
        3 of 9 drift
        since: 2024-03-04 21:15 UTC
        severity: warning
        look: finpulse
        runbook: https://wiki/drift.md
        message: ...
        """
        lines = [self.alert.what, f"since: {_utc(self.alert.since)}"]
        if self.phase is Phase.ENDED:
            lines.append(f"ended: {_utc(self.at)}, after {span(self.at - self.alert.since)}")
        lines += [
            f"severity: {self.alert.severity}",
            f"look: {self.alert.command}",
            f"runbook: {runbooks.rstrip('/')}/{self.alert.kind}.md",
            f"message: {self.message_id}",
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Pending:
    """A message that a destination (the hash of its URL) has not taken yet."""

    message: Message
    destination: str
    next_at: datetime
    attempts: int = 0


@dataclass(frozen=True)
class Observation:
    """What one look found.

    Args:
        conditions: everything that is wrong now.
        happened: the latest decision of each kind; it is told when its subject is a new one.
        unseen: kinds that could not be looked at: what is open of them stays open.
    """

    conditions: tuple[Alert, ...] = ()
    happened: tuple[Alert, ...] = ()
    unseen: frozenset[Kind] = frozenset()


@dataclass(frozen=True)
class AlertState:
    """What is open, which decision was told last, and what is still to be delivered in order."""

    open: dict[str, Alert] = field(default_factory=dict)
    told: dict[Kind, str] = field(default_factory=dict)
    outbox: tuple[Pending, ...] = ()


def advance(
    state: AlertState, seen: Observation, destinations: Collection[str], now: datetime
) -> tuple[AlertState, tuple[Message, ...]]:
    """Return the state after a look, and the messages that it makes, ends before beginnings.

    Each message enters the outbox once for every destination. Messages to a destination that is no
    longer set are dropped.
    """
    present = {alert.key: alert for alert in seen.conditions}
    ended = {
        key: alert
        for key, alert in state.open.items()
        if key not in present and alert.kind not in seen.unseen
    }
    begun = {key: alert for key, alert in present.items() if key not in state.open}
    new = [alert for alert in seen.happened if state.told.get(alert.kind) != alert.subject]
    messages = (
        *(Message(Phase.ENDED, ended[key], now) for key in sorted(ended)),
        *(Message(Phase.BEGAN, begun[key], now) for key in sorted(begun)),
        *(Message(Phase.HAPPENED, alert, now) for alert in new),
    )
    kept = tuple(item for item in state.outbox if item.destination in destinations)
    added = (Pending(message, place, now) for message in messages for place in destinations)
    still_open = {key: alert for key, alert in state.open.items() if key not in ended}
    after = AlertState(
        open={**still_open, **begun},
        told={**state.told, **{alert.kind: alert.subject for alert in new}},
        outbox=(*kept, *added),
    )
    return after, messages


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
    """Return the sentence for an automation that is silent, None where it beats or never began.

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


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units; one below zero is none.

    >>> span(timedelta(days=2, hours=3, minutes=4)), span(timedelta(seconds=-5))
    ('2 d 3 h', '0 min')
    """
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n]
    return " ".join(parts[:2]) or "0 min"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
