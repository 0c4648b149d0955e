"""The alert and its messages: what is wrong or was decided, and how it is said."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

STATUS = "finpulse status"  # the first command for most alerts
LONGEST_WHAT = 400
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


class Kind(StrEnum):
    """What an alert is about; each has the runbook docs/runbooks/<kind>.md."""

    RUN_FAILED = "run_failed"
    CHECK_FAILED = "check_failed"
    SOURCE_FAILED = "source_failed"
    ASSET_STALE = "asset_stale"
    ASSET_OVERDUE = "asset_overdue"
    DRIFT = "drift"
    PROOF_LOST = "proof_lost"
    PROMOTION = "promotion"
    PROMOTION_REFUSED = "promotion_refused"


# What has changed when a condition of each kind ends; decisions do not end.
OVER = {
    Kind.RUN_FAILED: "what the run left undone has been made",
    Kind.CHECK_FAILED: "the check passes again",
    Kind.SOURCE_FAILED: "the source answers again",
    Kind.ASSET_STALE: "the sessions that were due are there",
    Kind.ASSET_OVERDUE: "the freshness policy passes again",
    Kind.DRIFT: "the latest report finds no drift",
    Kind.PROOF_LOST: "the champion is proven again, or another one is",
}


class Severity(StrEnum):
    """How bad: info needs no action, a warning needs it today, critical now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Phase(StrEnum):
    """A condition begins, continues and ends; a decision merely happens."""

    BEGAN = "began"
    CONTINUES = "continues"
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
        command: what to type first.
        size: how much is wrong, where that is counted: the sessions that a table lacks.
        run_id: the failed run, where it is about one.
    """

    kind: Kind
    subject: str
    what: str
    since: datetime
    severity: Severity
    command: str
    size: int | None = None
    run_id: str | None = None

    def __post_init__(self) -> None:
        what = PASSWORD_IN_URL.sub("", " ".join(self.what.split()))
        short = what if len(what) <= LONGEST_WHAT else what[: LONGEST_WHAT - 1] + "…"
        object.__setattr__(self, "what", short)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True)
class Message:
    """An alert at the moment (`at`, UTC) that it began, was repeated, ended or happened.

    Args:
        notice: how many messages about this condition there have been, this one included.
        first_size: the size of the alert when it began.
        reason: why a condition ended, where more is known than `OVER` says.
    """

    phase: Phase
    alert: Alert
    at: datetime
    notice: int = 1
    first_size: int | None = None
    reason: str = ""

    @property
    def message_id(self) -> str:
        """The same whenever this message is sent again, so that a receiver can tell."""
        parts = (self.alert.key, self.alert.since.isoformat(), self.phase, self.at.isoformat())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    @property
    def title(self) -> str:
        return f"{self.phase}: {self.alert.kind} {self.alert.subject}"

    def body(self, runbooks: str) -> str:
        """Return the text: what, since when, how bad, what to type, the runbook below `runbooks`.

        >>> at = datetime(2024, 3, 4, 21, 15, tzinfo=UTC)
        >>> alert = Alert(Kind.DRIFT, "features", "3 of 9 drift", at, Severity.WARNING, "finpulse")
        >>> print(Message(Phase.BEGAN, alert, at).body("https://wiki/"))
        3 of 9 drift
        since: 2024-03-04 21:15 UTC
        severity: warning
        command: finpulse
        runbook: https://wiki/drift.md
        message: ...
        """
        lines = [
            *self._facts(),
            f"command: {self.alert.command}",
            f"runbook: {runbooks.rstrip('/')}/{self.alert.kind}.md",
            f"message: {self.message_id}",
        ]
        return "\n".join(lines)

    def _facts(self) -> list[str]:
        alert, since = self.alert, f"since: {_utc(self.alert.since)}"
        severity = f"severity: {alert.severity}"
        lasted = span(self.at - alert.since)
        if self.phase is Phase.ENDED:
            return [
                f"over: {self.reason or OVER.get(alert.kind, 'it no longer holds')}",
                since,
                f"ended: {_utc(self.at)}, after {lasted}",
            ]
        if self.phase is Phase.CONTINUES:
            grew = alert.size is not None and alert.size > (self.first_size or 0)
            growth = [f"grew: from {self.first_size} to {alert.size}"] if grew else []
            notice = f"notice: {self.notice}"
            return [alert.what, f"{since}, for {lasted}", *growth, severity, notice]
        return [alert.what, since, severity]


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
