"""Staleness: how many sessions have opened since features were decided, or a model was trained.

Measured against a clock that the caller gives, so that a service that runs for weeks notices what
has become old since it was built.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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

    @cached_property
    def _days(self) -> list[date]:
        return self.frame["session_date"].to_list()

    @cached_property
    def _opens(self) -> list[datetime]:
        return self.frame["open_at"].to_list()
