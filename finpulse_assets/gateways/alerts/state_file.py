"""The alert store: what was notified to whom, and the heartbeat of the automation, as JSON files.

The files below `<root>/alerts/`, their lock, and the JSON form of the state.

Layout: `state.json` and `heartbeat.json`, replaced by rename, and `lock`, held while one evaluator
works. The lock is the kernel's: it ends with the process that held it. It holds on one machine, and
on a network disk that passes locks on.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from finpulse_assets.domain.monitoring.alert import Alert, Kind, Message, Phase, Severity
from finpulse_assets.domain.monitoring.alert_state import AlertState, Pending, acknowledged
from finpulse_assets.domain.monitoring.escalation import Condition
from finpulse_assets.errors import AlertError, LakeError
from finpulse_assets.gateways.atomic import write_json

# A tick holds the state for half a minute where destinations are slow.
PATIENCE = 60.0


@dataclass(frozen=True)
class AlertStore:
    """The files below `root`, the folder `alerts` of a profile."""

    root: Path

    @property
    def state_path(self) -> Path:
        return self.root / "state.json"

    @property
    def heartbeat_path(self) -> Path:
        return self.root / "heartbeat.json"

    def acknowledge(self, alert_id: str, until: datetime, *, patience: float = PATIENCE) -> None:
        """Note that somebody sees to an open alert until `until` (UTC).

        Raises:
            AlertError: no open alert has that id, or an evaluator holds the state for longer than
                `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            with self.claimed() as is_mine:
                if is_mine:
                    self.save(acknowledged(self.load(), alert_id, until))
                    return
            if time.monotonic() > deadline:
                raise AlertError(
                    f"another evaluator has held {self.root} for {patience:.0f} s",
                    hint="run the command again",
                )
            time.sleep(0.2)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Yield whether this process may evaluate; False while another does.

        Raises:
            LakeError: the folder cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "lock").open("a")
        except OSError as error:
            raise LakeError(
                f"{self.root} cannot be written: {error.strerror or error}",
                hint="check the free space of the disk and the permissions of the folder",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def load(self) -> AlertState:
        """Return the state, an empty one before the first.

        Raises:
            LakeError: the file cannot be read, or is no state.
        """
        try:
            content = json.loads(self.state_path.read_text())
            return _state_of(content)
        except FileNotFoundError:
            return AlertState()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                f"{self.state_path} cannot be read: {error!r}",
                hint="delete it; what is open now is then notified once more",
            ) from error

    def save(self, state: AlertState) -> None:
        """Replace the state."""
        write_json(
            self.state_path,
            {
                "open": [asdict(condition) for condition in state.open.values()],
                "decisions": state.decisions,
                "outbox": [asdict(item) for item in state.outbox],
            },
        )

    def note_heartbeat(self, now: datetime) -> None:
        """Note that the automation was at work at `now` (UTC)."""
        write_json(self.heartbeat_path, {"at": now.isoformat()})

    def heartbeat(self) -> datetime | None:
        """Return the UTC time of the last heartbeat, None where the automation never ran.

        Raises:
            LakeError: the file cannot be read, or holds no time.
        """
        try:
            at = datetime.fromisoformat(json.loads(self.heartbeat_path.read_text())["at"])
            if at.tzinfo is None:
                raise ValueError(f"{at.isoformat()} has no zone")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LakeError(
                f"{self.heartbeat_path} cannot be read: {error!r}", hint="delete it"
            ) from error
        return at


def _state_of(content: Mapping[str, Any]) -> AlertState:
    conditions = [_condition_of(item) for item in content["open"]]
    return AlertState(
        open={condition.alert.key: condition for condition in conditions},
        decisions={Kind(kind): subject for kind, subject in content["decisions"].items()},
        outbox=tuple(_pending_of(item) for item in content["outbox"]),
    )


def _condition_of(item: Mapping[str, Any]) -> Condition:
    until = item.get("acknowledged_until")
    changed = {
        "alert": _alert_of(item["alert"]),
        "begun_at": _time(item["begun_at"]),
        "notified_at": _time(item["notified_at"]),
        "acknowledged_until": until and _time(until),
    }
    return Condition(**{**item, **changed})


def _pending_of(item: Mapping[str, Any]) -> Pending:
    message = item["message"]
    changed = {
        "phase": Phase(message["phase"]),
        "alert": _alert_of(message["alert"]),
        "at": _time(message["at"]),
        "caused": tuple(message.get("caused", ())),
    }
    return Pending(
        message=Message(**{**message, **changed}),
        destination=item["destination"],
        next_at=_time(item["next_at"]),
        attempts=item["attempts"],
    )


def _alert_of(item: Mapping[str, Any]) -> Alert:
    changed = {
        "kind": Kind(item["kind"]),
        "severity": Severity(item["severity"]),
        "since": _time(item["since"]),
        "assets": tuple(item.get("assets", ())),
    }
    return Alert(**{**item, **changed})


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
