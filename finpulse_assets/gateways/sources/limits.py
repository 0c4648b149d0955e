"""How often a vendor may be asked: the rates of a credential, and a circuit that opens.

Both are given the time, so that a test or a rehearsal gives its own.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from finpulse_assets.gateways.clock import Now, system_now


def _spread() -> float:
    return random.SystemRandom().uniform(0.5, 1.5)


@dataclass(frozen=True)
class Timer:
    """The time (UTC), waiting for some seconds, and what a wait is multiplied by at random."""

    now: Now = system_now
    sleep: Callable[[float], None] = time.sleep
    spread: Callable[[], float] = _spread


@dataclass(frozen=True)
class Rate:
    """At most `requests` in each `seconds`."""

    requests: int
    seconds: float


class Limiter:
    """The request rates of one credential; every request of the credential counts.

    In no `seconds` of any rate there are more requests than its number, wherever they begin: that
    keeps the rule of a vendor with fixed windows, with sliding ones, and with token buckets.

    Args:
        rates: that hold at once.
        timer: the clock.
    """

    def __init__(self, rates: tuple[Rate, ...], timer: Timer) -> None:
        self._timer = timer
        self._made = {rate: deque[datetime](maxlen=rate.requests) for rate in rates}
        self._blocked_until = timer.now()

    def wait(self) -> float:
        """Return the seconds until the next request may be made."""
        now = self._timer.now()
        free_at = [self._blocked_until] + [
            made[0] + timedelta(seconds=rate.seconds)
            for rate, made in self._made.items()
            if len(made) == rate.requests
        ]
        return max(0.0, (max(free_at) - now).total_seconds())

    def take(self, at: datetime | None = None) -> None:
        """Count a request that is made now, or was made at a time before."""
        for made in self._made.values():
            made.append(at or self._timer.now())

    def block(self, seconds: float) -> None:
        """Make no request for some seconds: the vendor has said so."""
        until = self._timer.now() + timedelta(seconds=seconds)
        self._blocked_until = max(self._blocked_until, until)


@dataclass
class Circuit:
    """Opens after `limit` failures in a row; after `rest` one request is tried again.

    Attributes:
        failures: failures since the last success.
    """

    timer: Timer
    limit: int = 8
    rest: timedelta = timedelta(minutes=15)
    failures: int = 0
    _opened_at: datetime | None = field(default=None, init=False)

    @property
    def open_until(self) -> datetime | None:
        """When a request is tried again, None while requests may be made."""
        if self._opened_at is None or self.timer.now() >= self._opened_at + self.rest:
            return None
        return self._opened_at + self.rest

    def note(self, *, is_failure: bool) -> None:
        """Count the outcome of a request."""
        self.failures = self.failures + 1 if is_failure else 0
        is_open = self.failures >= self.limit
        self._opened_at = self.timer.now() if is_open else None
