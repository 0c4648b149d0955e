"""The days of a simulated market: its epoch, and the times that each session's texts lie between.

What the simulator needs of the calendar, checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.schemas import SESSIONS

EPOCH = date(2018, 1, 2)
MICROSECONDS = 1_000_000  # a second
_DAY = 24 * 3600 * MICROSECONDS


@dataclass(frozen=True)
class Day:
    """One session. `number` is its date in days since 1970; `_us` are UTC microseconds since 1970.

    What becomes known strictly between `known_after_us` (the decision before) and `decision_us`
    counts for this session.
    """

    session_date: date
    number: int
    open_us: int
    close_us: int
    known_after_us: int
    decision_us: int


def days_since_epoch(sessions: pl.DataFrame, *, needed: int) -> list[Day]:
    """Return the sessions from the epoch on, ascending.

    Args:
        sessions: `schemas.SESSIONS`, which must begin on or before 2018-01-02.
        needed: the fewest sessions that will do.

    Raises:
        SourceError: the sessions begin after the epoch, or are too few.
        SchemaError: the frame is no `schemas.SESSIONS`.
    """
    sessions = SESSIONS.enforce(sessions)
    first = sessions["session_date"].min()
    if first is None or first > EPOCH:
        begin = "are empty" if first is None else f"begin on {first}"
        raise SourceError(
            f"the sessions {begin}, the simulated market begins on {EPOCH}",
            hint=f"build the sessions from {EPOCH} or earlier",
        )
    times = sessions.sort("session_date").select(
        "session_date",
        pl.col("session_date").cast(pl.Int32).alias("number"),
        pl.col("open_at", "close_at").dt.epoch("us"),
        known_after=pl.col("decision_at").dt.epoch("us").shift(1),
        decision=pl.col("decision_at").dt.epoch("us"),
    )
    days = [Day(*row) for row in times.filter(pl.col("session_date") >= EPOCH).iter_rows()]
    if len(days) < needed:
        raise SourceError(
            f"the sessions hold {len(days)} from {EPOCH} on, the plan asks for {needed}",
            hint="lower session_count or build the sessions to a later end",
        )
    # The epoch has no decision before it; a frame that begins earlier must not change that.
    epoch = days[0]
    days[0] = Day(
        epoch.session_date, epoch.number, epoch.open_us, epoch.close_us,
        epoch.decision_us - _DAY, epoch.decision_us,
    )  # fmt: skip
    return days
