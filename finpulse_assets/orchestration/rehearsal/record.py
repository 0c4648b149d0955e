"""What a rehearsal has seen: runs, alerts and costs by session, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from finpulse_assets.domain.monitoring.alert import Message, Phase


@dataclass(frozen=True)
class RunRecord:
    """One run: what was asked for and why, how it ended, and what it cost.

    Args:
        cause: what asked for it: the schedule, a sensor or an automation condition, by name.
        outcome: success, failure or killed.
        problem: why it failed, None for a success.
        cpu_seconds: of this process and its children.
        new_rows: rows that the sources delivered and that were not held.
    """

    cause: str
    reason: str
    outcome: str
    at: datetime
    cpu_seconds: float
    new_rows: int = 0
    problem: str | None = None


@dataclass
class SessionRecord:
    """What happened from one session's morning to its last tick, and what the home holds then."""

    day: date
    runs: list[RunRecord] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    files: int = 0

    @property
    def cpu_seconds(self) -> float:
        return sum(run.cpu_seconds for run in self.runs)

    def alerts(self, phase: Phase) -> list[str]:
        """Return the titles of the alerts of one phase, without it."""
        return [f"{m.alert.kind} {m.alert.subject}" for m in self.messages if m.phase is phase]

    def line(self) -> str:
        """Return the session in one line."""
        runs = ", ".join(f"{run.cause} {run.outcome}" for run in self.runs) or "no run"
        signs = {Phase.BEGAN: "+", Phase.CONTINUES: "!", Phase.ENDED: "-", Phase.HAPPENED: "*"}
        alerts = " ".join(f"{signs[m.phase]}{m.alert.kind}" for m in self.messages)
        rows = sum(run.new_rows for run in self.runs)
        return (
            f"{self.day}  {runs}; {rows} new rows, {self.cpu_seconds:.1f} s of CPU, "
            f"{self.files} files" + (f"; {alerts}" if alerts else "")
        )


@dataclass(frozen=True)
class Statement:
    """Something that has to be true at the end, whether it is, and its figures."""

    name: str
    passed: bool
    figures: str


def messages_of(records: Sequence[SessionRecord]) -> list[Message]:
    """Return every message of a rehearsal, in order."""
    return [message for record in records for message in record.messages]
