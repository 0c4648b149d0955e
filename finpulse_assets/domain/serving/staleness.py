"""Staleness: how many sessions have opened since features were decided, or a model was trained.

Measured against a clock that the caller gives, so that a service that runs for weeks notices what
has become old since it was built.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import polars as pl

from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions

MODEL_LIFE_SESSIONS = 126  # half a year without newer labels
COUNTED = timedelta(days=365)  # so far ahead sessions are counted; none lives so long


@dataclass(frozen=True)
class Openings:
    """When the sessions of the exchange open, ascending.

    Attributes:
        frame: session_date, open_at (UTC).
    """

    frame: pl.DataFrame

    @classmethod
    def between(cls, first: date, newest: date) -> Openings:
        """Return the openings from `first` to a year after `newest`; earlier ones are not counted.

        Raises:
            SettingError: the days lie outside the calendar.
        """
        sessions = build_sessions(max(first, FIRST_DAY), newest + COUNTED)
        return cls(sessions.select("session_date", "open_at"))

    def since(self, session_date: date, now: datetime) -> int:
        """Return how many sessions after `session_date` have opened by `now` (UTC).

        0 means that the next session, the one that is predicted, still lies ahead.

        >>> openings = Openings.between(date(2024, 7, 2), date(2024, 7, 2))
        >>> openings.since(date(2024, 7, 3), datetime.fromisoformat("2024-07-05T13:29Z"))
        0
        >>> openings.since(date(2024, 7, 3), datetime.fromisoformat("2024-07-05T13:30Z"))
        1
        """
        opened = bisect_right(self._opens, now)
        return max(0, opened - bisect_right(self._days, session_date))

    def has_opened(self, session_date: date, now: datetime) -> bool:
        """Return whether a session has opened by `now` (UTC); one beyond what is known has not."""
        at = bisect_right(self._days, session_date) - 1
        is_known = at < 0 or self._days[at] == session_date
        return is_known and (at < 0 or self._opens[at] <= now)

    def target_of(self, session_date: date) -> tuple[date, datetime] | None:
        """Return the session after `session_date` and when it opens, None beyond what is known."""
        return self._after(session_date, 1)

    def expiry_of(self, trained_to: date) -> datetime | None:
        """Return when a model trained to that session expires, None beyond what is known."""
        found = self._after(trained_to, MODEL_LIFE_SESSIONS + 1)
        return found and found[1]

    def unchanged(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when and until when (exclusive, UTC) `since` gives what it gives now."""
        at = bisect_right(self._opens, now)
        known = [datetime.min.replace(tzinfo=UTC), *self._opens, datetime.max.replace(tzinfo=UTC)]
        return known[at], known[at + 1]

    def _after(self, session_date: date, count: int) -> tuple[date, datetime] | None:
        at = bisect_right(self._days, session_date) + count - 1
        return (self._days[at], self._opens[at]) if at < len(self._days) else None

    @cached_property
    def _days(self) -> list[date]:
        return self.frame["session_date"].to_list()

    @cached_property
    def _opens(self) -> list[datetime]:
        return self.frame["open_at"].to_list()
