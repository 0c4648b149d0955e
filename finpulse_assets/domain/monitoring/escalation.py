"""Escalation: when an open condition is notified again, and how its severity grows.

What ops were last notified of is part of the condition, so a restart repeats nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from finpulse_assets.domain.monitoring.alert import Alert, Severity

# After the first notice, the second, ...; from then on the last of them.
REMINDERS = tuple(timedelta(days=days) for days in (1, 2, 4, 7))
# A condition with a size is notified again when it grows; one that stands still, after this.
SIZED_REMINDER = timedelta(days=10)
FIRST_STEP, STEP = 3, 5
CRITICAL_AFTER = timedelta(days=7)
SEVERITIES = list(Severity)


@dataclass(frozen=True)
class Condition:
    """An open alert, and what was notified of it.

    Args:
        alert: as it was found last; `since` stays that of its beginning, and `severity` never
            falls while it is open.
        begun_at: UTC time of the first notice; data of a past year may be stale since that year.
        notified_at: UTC time of the last notice.
        notices: how many there have been; 0 while it is told by the message of its cause alone.
        first_size: the size of the alert when it began.
        notified_size: its size at the last notice.
        acknowledged_until: UTC time up to which somebody sees to it; None where nobody does.
    """

    alert: Alert
    begun_at: datetime
    notified_at: datetime
    notices: int = 1
    first_size: int | None = None
    notified_size: int | None = None
    acknowledged_until: datetime | None = None

    @classmethod
    def begun(cls, alert: Alert, now: datetime) -> Condition:
        """Return the condition of an alert that is found for the first time, not notified yet."""
        return cls(alert, now, now, notices=0, first_size=alert.size, notified_size=alert.size)

    def seen(self, alert: Alert, now: datetime) -> Condition:
        """Return the condition after it was found again as `alert`.

        It is notified again, with one notice more, when it passed another step of its size (3, 8,
        13, ...), when its severity grew, or when the reminder is due: after 1, 2, 4 and then every
        7 days, or 10 where it has a size. A warning becomes critical when it grows by a step or
        has lasted 7 days. While it is acknowledged nothing is notified; when that time is over, it
        is at once.
        """
        has_grown = step(alert.size) > step(self.notified_size)
        has_lasted = now - self.begun_at >= CRITICAL_AFTER
        severity = max(alert.severity, self.alert.severity, key=SEVERITIES.index)
        if severity is Severity.WARNING and (has_grown or has_lasted):
            severity = Severity.CRITICAL
        found = replace(self, alert=replace(alert, since=self.alert.since, severity=severity))
        if not self.notices or self.is_acknowledged(now):
            return found
        is_worse = has_grown or severity is not self.alert.severity
        has_lapsed = self.acknowledged_until is not None
        if not (is_worse or has_lapsed or self._is_reminder_due(now)):
            return found
        return found.notified(now)

    def notified(self, now: datetime) -> Condition:
        """Return the condition after one notice more."""
        return replace(
            self,
            notified_at=now,
            notices=self.notices + 1,
            notified_size=self.alert.size,
            acknowledged_until=None,
        )

    def is_acknowledged(self, now: datetime) -> bool:
        """Return whether somebody sees to it at `now` (UTC)."""
        return self.acknowledged_until is not None and now < self.acknowledged_until

    def _is_reminder_due(self, now: datetime) -> bool:
        if self.notified_at > now:  # a clock was set back: rather once too often than never
            return self.notified_at - now > REMINDERS[0]
        if self.notified_size is not None:
            return now - self.notified_at >= SIZED_REMINDER
        return now - self.notified_at >= REMINDERS[min(self.notices, len(REMINDERS)) - 1]


def step(size: int | None) -> int:
    """Return how many of the sizes 3, 8, 13, ... a condition has reached.

    >>> [step(size) for size in (None, 1, 2, 3, 7, 8, 13)]
    [0, 0, 0, 1, 1, 2, 3]
    """
    if size is None or size < FIRST_STEP:
        return 0
    return 1 + (size - FIRST_STEP) // STEP
