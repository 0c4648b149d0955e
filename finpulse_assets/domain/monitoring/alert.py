"""The alert and its messages: what is wrong or was decided, and how it is said."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from finpulse_assets.domain.monitoring.message_forms import Form, Line, written

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
        assets: keys of the assets that a failed run left undone.
    """

    kind: Kind
    subject: str
    what: str
    since: datetime
    severity: Severity
    command: str
    size: int | None = None
    run_id: str | None = None
    assets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        what = PASSWORD_IN_URL.sub("", " ".join(self.what.split()))
        short = what if len(what) <= LONGEST_WHAT else what[: LONGEST_WHAT - 1] + "…"
        object.__setattr__(self, "what", short)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"

    @property
    def alert_id(self) -> str:
        """The name by which it is acknowledged; the same each time that it opens."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]

    @property
    def page(self) -> str:
        """The page of the Dagster UI that shows it; decisions and proofs stand at the promotion."""
        if self.run_id:
            return f"runs/{self.run_id}"
        if self.kind is Kind.CHECK_FAILED:
            return f"assets/{self.subject.split()[0]}?view=checks"
        if self.kind is Kind.DRIFT:
            return f"assets/monitoring/{self.subject.removesuffix('s')}_drift"
        return f"assets/{self.subject if '/' in self.subject else 'models/promotion'}"


@dataclass(frozen=True)
class Message:
    """An alert at the moment (`at`, UTC) that it began, was repeated, ended or happened.

    Args:
        notice: how many messages about this condition there have been, this one included.
        first_size: the size of the alert when it began.
        reason: why a condition ended, where more is known than `OVER` says.
        caused: what is wrong because of it and is not notified by itself.
    """

    phase: Phase
    alert: Alert
    at: datetime
    notice: int = 1
    first_size: int | None = None
    reason: str = ""
    caused: tuple[str, ...] = ()

    @property
    def message_id(self) -> str:
        """The same whenever this message is sent again, so that a receiver can tell."""
        parts = (self.alert.key, self.alert.since.isoformat(), self.phase, self.at.isoformat())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    @property
    def title(self) -> str:
        return f"{self.phase}: {self.alert.kind} {self.alert.subject}"

    def body(self, runbooks: str, ui: str = "", form: Form = Form.TEXT) -> str:
        """Return the text: what, since when, how bad, what to type, where to look.

        Args:
            runbooks: the folder or URL of the runbooks.
            ui: URL of the Dagster UI; "" leaves its link out.
            form: how the destination takes it.

        >>> at = datetime(2024, 3, 4, 21, 15, tzinfo=UTC)
        >>> alert = Alert(Kind.ASSET_STALE, "raw/x", "late", at, Severity.WARNING, "finpulse")
        >>> print(Message(Phase.BEGAN, alert, at).body("https://wiki/", "https://ui"))
        late
        since: 2024-03-04 21:15 UTC
        severity: warning
        command: finpulse
        runbook: https://wiki/asset_stale.md
        open: https://ui/assets/raw/x
        acknowledge: finpulse alerts ack ... --for 2d
        message: ...
        """
        alert, phase = self.alert, self.phase
        lines = [
            *self._facts(),
            *(Line("with it", it) for it in self.caused),
            Line("command", alert.command, is_command=True),
            Line("runbook", f"{runbooks.rstrip('/')}/{alert.kind}.md", is_link=True),
        ]
        if ui:
            lines.append(Line("open", f"{ui.rstrip('/')}/{alert.page}", is_link=True))
        if phase in (Phase.BEGAN, Phase.CONTINUES):
            command = f"finpulse alerts ack {alert.alert_id} --for 2d"
            lines.append(Line("acknowledge", command, is_command=True))
        return written([*lines, Line("message", self.message_id)], form)

    def _facts(self) -> list[Line]:
        alert, since = self.alert, _utc(self.alert.since)
        severity = Line("severity", alert.severity)
        lasted = span(self.at - alert.since)
        if self.phase is Phase.ENDED:
            return [
                Line("over", self.reason or OVER.get(alert.kind, "it no longer holds")),
                Line("since", since),
                Line("ended", f"{_utc(self.at)}, after {lasted}"),
            ]
        if self.phase is Phase.CONTINUES:
            grew = alert.size is not None and alert.size > (self.first_size or 0)
            growth = [Line("grew", f"from {self.first_size} to {alert.size}")] if grew else []
            notice = Line("notice", str(self.notice))
            return [
                Line("", alert.what), Line("since", f"{since}, for {lasted}"), *growth, severity,
                notice,
            ]  # fmt: skip
        return [Line("", alert.what), Line("since", since), severity]


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
