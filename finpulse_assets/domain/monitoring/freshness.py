"""Freshness of a table in sessions: how far its rows reach, and how many sessions that is behind.

The count and the words fresh, stale, missing, empty, unreadable; `finpulse status` and the checks
`is_fresh` both use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.schemas import SESSION_DATE

FRESH, STALE, MISSING, EMPTY, UNREADABLE = "fresh", "stale", "missing", "empty", "unreadable"


@dataclass(frozen=True)
class TableStatus:
    """One table: how far its data reaches, and how many sessions that is behind."""

    table: str
    state: str
    rows: int
    last_session: date | None
    sessions_behind: int | None


def sessions_between(sessions: pl.DataFrame, reached: date, last: date) -> int:
    """Return how many sessions after `reached` were completed up to `last`; 0 when none.

    >>> days = pl.DataFrame({"session_date": [date(2024, 3, day) for day in (7, 8, 11)]})
    >>> sessions_between(days, date(2024, 3, 8), date(2024, 3, 11))
    1
    """
    later = pl.col("session_date").is_between(reached, last, closed="right")
    return sessions.filter(later).height


def table_status(
    table: Table, rows: pl.LazyFrame | None, sessions: pl.DataFrame, last: date
) -> TableStatus:
    """Return how far `rows` reach against the session `last`.

    Args:
        table: the contract of the table.
        rows: the whole table, None where nothing was written yet.
        sessions: session_date (Date) of every session that the table may lack, up to `last`.
        last: the last completed session.
    """
    if rows is None:
        return TableStatus(table.name, MISSING, 0, None, None)
    if SESSION_DATE.name in table.by_name:
        reached = pl.col(SESSION_DATE.name).max()
    else:  # a text's session is at most one ahead of its day
        reached = pl.col(table.partition_column).max().dt.date()
    count, newest = rows.select(pl.len(), reached.alias("newest")).collect().row(0)
    if newest is None:
        return TableStatus(table.name, EMPTY, count, None, None)
    behind = sessions_between(sessions, newest, last)
    return TableStatus(table.name, STALE if behind else FRESH, count, newest, behind)


def usual_gap(rows: pl.LazyFrame, sessions: pl.DataFrame) -> int:
    """Return how many sessions lie from one with rows to the next, in 95 of 100 cases.

    Args:
        rows: a table of texts, which may be without a row for as long as its universe is quiet.
        sessions: session_date (Date), ascending; the rows of others do not count.
    """
    days = sessions.select("session_date", at=pl.int_range(pl.len()))
    with_rows = rows.select(pl.col("session_date").unique()).collect()
    gaps = days.join(with_rows, on="session_date", how="semi").sort("at")["at"].diff().drop_nulls()
    return int(gaps.quantile(0.95, "higher") or 0)
