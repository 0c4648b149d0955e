"""The trading calendar: sessions of XNYS, decision times, and the session that a text counts for.

Everything that turns a time into a session. Half-days, holidays and daylight saving come from
exchange_calendars; no other module may do arithmetic on calendar days.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.schemas import SESSIONS

EXCHANGE = "XNYS"
NEW_YORK = ZoneInfo("America/New_York")
FIRST_DAY = date(2000, 1, 3)  # session_index 0; fixed, so that an index never changes
LAST_DAY = date(2049, 12, 31)  # fixed, so that the calendar is the same on every day
REGULAR_CLOSE_HOUR = 16


def build_sessions(
    start: date, end: date, *, decision_delay: timedelta = timedelta(minutes=15)
) -> pl.DataFrame:
    """Return the sessions of XNYS from `start` to `end`, both included.

    Args:
        start: first calendar day, not before 2000-01-03.
        end: last calendar day, not after 2049-12-31.
        decision_delay: time between the close and the decision on the session's signal.

    Returns:
        A frame in the columns of `schemas.SESSIONS`, ascending.

    Raises:
        SettingError: the span is empty, or reaches outside the calendar.

    >>> half_day = build_sessions(date(2024, 11, 29), date(2024, 11, 29))
    >>> half_day["is_half_day"][0], half_day["close_at"][0].hour, half_day["next_session_date"][0]
    (True, 18, datetime.date(2024, 12, 2))
    """
    if start > end:
        raise SettingError(f"the sessions were asked from {start} to {end}, which is backwards")
    if start < FIRST_DAY:
        raise SettingError(
            f"sessions from {start} were asked, the calendar begins on {FIRST_DAY}",
            hint="leave out older data",
        )
    schedule = _schedule()
    if end >= schedule["session_date"][-1]:
        raise SettingError(
            f"sessions up to {end} were asked, the calendar ends on {schedule['session_date'][-1]}",
            hint="check the as-of time",
        )
    close_at_new_york = pl.col("close_at").dt.convert_time_zone(str(NEW_YORK))
    return SESSIONS.enforce(
        schedule.with_columns(
            decision_at=pl.col("close_at") + decision_delay,
            next_session_date=pl.col("session_date").shift(-1),
            is_half_day=close_at_new_york.dt.hour() < REGULAR_CLOSE_HOUR,
        ).filter(pl.col("session_date").is_between(start, end))
    )


def scheduled_days() -> pl.Series:
    """Return every day from 2000-01-03 on that the published calendar has, or had, as a session.

    Days on which the exchange stayed shut at short notice (a hurricane, a day of mourning) are in
    it: until then they were sessions to come.
    """
    calendar = _calendar()
    closures = pl.Series([day.date() for day in calendar.adhoc_holidays], dtype=pl.Date)
    sessions = _schedule()["session_date"]
    inside = closures.is_between(sessions[0], sessions[-1])
    return pl.concat([sessions, closures.filter(inside)]).unique().sort().alias("day")


@cache
def _calendar():
    """Load the exchange's calendar once: 0.4 s, most of it the import of pandas."""
    import exchange_calendars

    return exchange_calendars.get_calendar(
        EXCHANGE, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat()
    )


@cache
def _schedule() -> pl.DataFrame:
    schedule = _calendar().schedule
    return pl.DataFrame(
        {
            "session_date": [day.date() for day in schedule.index],
            "open_at": schedule["open"].to_numpy(dtype="datetime64[us]"),
            "close_at": schedule["close"].to_numpy(dtype="datetime64[us]"),
        }
    ).with_columns(
        pl.col("open_at", "close_at").dt.replace_time_zone("UTC"),
        session_index=pl.int_range(pl.len(), dtype=pl.Int32),
    )


def assign_sessions(frame: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add `session_date`: the first session whose decision time is later than `knowledge_time`.

    Args:
        frame: rows with `knowledge_time` (UTC); every other column is kept, rows keep their order.
        sessions: `schemas.SESSIONS`, ascending, covering the span and one session beyond.

    Raises:
        SourceError: `sessions` is empty, or a row is known after its last decision.
    """
    if sessions.is_empty():
        raise SourceError("no text can be given a session, the calendar has none")
    decisions = sessions.sort("decision_at").select("decision_at", "session_date")
    order = pl.int_range(pl.len()).alias("_order")
    # A strict inequality: what arrives at the very decision time is too late for it.
    assigned = (
        frame.with_columns(order)
        .sort("knowledge_time")
        .join_asof(
            decisions,
            left_on="knowledge_time",
            right_on="decision_at",
            strategy="forward",
            allow_exact_matches=False,
        )
        .sort("_order")
        .drop("_order", "decision_at")
    )
    lost = assigned.filter(pl.col("session_date").is_null())
    if lost.height:
        raise SourceError(
            f"{lost.height} rows are known after {decisions['decision_at'][-1]}, the last decision "
            f"of the calendar (the first at {lost['knowledge_time'].min()})",
            hint="set a later as-of time",
        )
    return assigned


def last_completed_session(sessions: pl.DataFrame, as_of: datetime) -> dict[str, object]:
    """Return the last session decided at or before `as_of`, as a mapping of its columns.

    Raises:
        SourceError: `sessions` holds none.
    """
    done = sessions.filter(pl.col("decision_at") <= as_of)
    if done.is_empty():
        raise SourceError(
            f"no session was decided by {as_of:%Y-%m-%d %H:%M} UTC, the first is on "
            f"{sessions['session_date'].min()}",
            hint="set a later as-of time",
        )
    return done.sort("session_date").row(-1, named=True)


def month_of(column: str | pl.Expr) -> pl.Expr:
    """Return the partition key "YYYY-MM-01": the New York month of a UTC time column.

    >>> from datetime import UTC
    >>> at = pl.Series("at", [datetime(2024, 3, 1, 3, 0, tzinfo=UTC)])
    >>> pl.DataFrame(at).select(month_of("at")).item()
    '2024-02-01'
    """
    expr = pl.col(column) if isinstance(column, str) else column
    return expr.dt.convert_time_zone(str(NEW_YORK)).dt.strftime("%Y-%m-01")
