"""The clock of a run: its as-of time, and the part of each month of New York that it loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.sources.protocols import Extent

# Fixed: a first month that moved with today's date would orphan what was materialized before.
FIRST_DAY = date(2010, 1, 1)
# What is loaded of a source that does not say how far back it goes.
LIVE_HISTORY = timedelta(days=730)


@dataclass(frozen=True)
class RunClock:
    """The time that a run takes for now, and the first day that it loads.

    Args:
        data_until: decision of the last session that the sources reach, None where they go on.
        extents: what each source can deliver, by its name; one that goes on is absent.
    """

    as_of: datetime
    start_date: date
    data_until: datetime | None = None
    extents: Mapping[str, Extent] = field(default_factory=dict)

    def window(self, months: list[str]) -> tuple[datetime, datetime]:
        """Return the half-open UTC window of `months` (ascending), cut at both ends of the run."""
        first = max(_midnight(date.fromisoformat(months[0])), _midnight(self.start_date))
        end = _midnight(_next_month(date.fromisoformat(months[-1])))
        return first, max(first, min(end, self.as_of + timedelta(microseconds=1)))

    def windows(self, months: Sequence[str]) -> dict[str, tuple[datetime, datetime]]:
        """Return the half-open UTC window of each of `months`, those ahead of the run left out."""
        spans = {month: self.window([month]) for month in months}
        return {month: span for month, span in spans.items() if span[0] < span[1]}

    @property
    def month(self) -> str:
        """The partition key of the as-of time."""
        return f"{self.as_of.astimezone(NEW_YORK):%Y-%m-01}"

    @property
    def months(self) -> list[str]:
        """The partition keys from the first day to the as-of time."""
        month = self.start_date.replace(day=1)
        last = self.as_of.astimezone(NEW_YORK).date()
        keys = []
        while month <= last:
            keys.append(month.isoformat())
            month = _next_month(month)
        return keys

    def months_from(self, first: date, last: date) -> list[str]:
        """Return the partition keys that hold the days from `first` to `last`, both included.

        Raises:
            SettingError: the days are backwards, or the run does not reach them.
        """
        if first > last:
            raise SettingError(f"the days {first} to {last} are backwards")
        chosen = [key for key in self.months if f"{first:%Y-%m-01}" <= key <= f"{last:%Y-%m-01}"]
        outside = first < self.start_date or last > self.as_of.astimezone(NEW_YORK).date()
        if not chosen or outside:
            raise SettingError(
                f"the days {first} to {last} reach outside the data, which lie from "
                f"{self.start_date} to {self.as_of:%Y-%m-%d}",
                hint="check --from and --to, FINPULSE_START_DATE and FINPULSE_AS_OF",
            )
        return chosen


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
