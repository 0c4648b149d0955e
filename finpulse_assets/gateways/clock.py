"""The wall clock: the one place where FinPulse reads the time.

What needs the time is given a `Now`: the resource `now` in Dagster, an argument elsewhere. A
rehearsal, or a test, gives a clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def system_now() -> datetime:
    """Return the time of this machine (UTC)."""
    return datetime.now(UTC)
