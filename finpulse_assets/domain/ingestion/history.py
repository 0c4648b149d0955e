"""History older than the first day that is loaded: how much of it, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class HistoryCut:
    """Rows of a source that lie before `first_day` and are not loaded."""

    rows: int
    first: date
    last: date
    first_day: date

    def __str__(self) -> str:
        return (
            f"{self.rows:,} rows before {self.first_day} are not loaded, from {self.first} to "
            f"{self.last}"
        )

    @property
    def metadata(self) -> dict[str, object]:
        """What an asset shows of it."""
        return {"cut_rows": self.rows, "cut_history": str(self)}


def history_cut(days: pl.Series, first_day: date) -> HistoryCut | None:
    """Return what of a delivery lies before `first_day`, None where nothing does.

    Args:
        days: the day of each row (Date); null is no day.
        first_day: the first day that is loaded.

    >>> days = pl.Series([date(2009, 12, 30), date(2009, 12, 31), date(2010, 1, 4), None])
    >>> str(history_cut(days, date(2010, 1, 1)))
    '2 rows before 2010-01-01 are not loaded, from 2009-12-30 to 2009-12-31'
    """
    old = days.filter(days < first_day)
    return HistoryCut(len(old), old.min(), old.max(), first_day) if len(old) else None
