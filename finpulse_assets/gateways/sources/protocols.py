"""What a source of texts or prices is, and the columns in which it delivers.

The two protocols, the delivered columns, and the windows in which rows are asked for.

A source drops no row and refuses none: a cell that it cannot read becomes null, and `problem` says
which ("event_time 'yesterday' is not a time"). What cannot be read at all (a missing path, a
truncated file, an answer that is no data) is a SourceError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol, runtime_checkable

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.calendar import NEW_YORK, build_sessions
from finpulse_assets.errors import SettingError, SourceError

TextKind = Literal["tweets", "headlines"]
TEXT_KINDS: tuple[TextKind, ...] = ("tweets", "headlines")
Schema = Mapping[str, pl.DataType | type[pl.DataType]]

DELIVERED_TEXTS: Schema = {
    "text_id": pl.String,
    "ticker": pl.String,
    "event_time": schemas.UTC,
    "knowledge_time": schemas.UTC,
    "text": pl.String,
    "author": pl.String,
    "is_retweet": pl.Boolean,
    "retweet_count": pl.Int64,
    "like_count": pl.Int64,
    "source": pl.String,
    "problem": pl.String,
}
DELIVERED_PRICES: Schema = {
    "ticker": pl.String,
    "session_date": pl.Date,
    "knowledge_time": schemas.UTC,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume_shares": pl.Int64,
    "price_basis": pl.String,
    "source": pl.String,
    "problem": pl.String,
}
DELIVERED_ACTIONS: Schema = {
    "ticker": pl.String,
    "ex_date": pl.Date,
    "kind": pl.String,
    "value": pl.Float64,
    "knowledge_time": schemas.UTC,
    "source": pl.String,
    "problem": pl.String,
}

# For a day on which the market was shut: a row that names one must still reach the quarantine.
_REGULAR_HOURS = {"open_at": time(9, 30), "close_at": time(16)}


@dataclass(frozen=True)
class Extent:
    """The first and the last time (UTC, both included) at which a source has something."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Outside:
    """Rows that a source has outside of the window that it was asked for, and their days."""

    rows: int
    first: date | None = None
    last: date | None = None

    def __str__(self) -> str:
        return f"{self.rows:,} rows from {self.first} to {self.last}"


class PartialAnswer(SourceError):
    """Some of what a source was asked for failed.

    Args:
        message: what failed.
        rows: what was answered, as a delivery.
        unanswered: tickers about which more is to be asked for by a later run.
    """

    def __init__(self, message: str, *, rows: pl.DataFrame, unanswered: Sequence[str]) -> None:
        self.rows, self.unanswered = rows, unanswered
        super().__init__(message)


@runtime_checkable
class ReadsFiles(Protocol):
    """A source that can say what of its files a request leaves out."""

    def ignored_columns(self, kind: str) -> dict[str, list[str]]:
        """Return file name -> its columns that nothing reads, of the files of one kind of row.

        Raises:
            SourceError: a file cannot be read.
        """

    def outside(self, kind: str, start: datetime, end: datetime) -> Outside:
        """Return the rows of one kind that lie outside the window [start, end).

        Raises:
            SourceError: a file cannot be read.
        """


@runtime_checkable
class KeepsAnswers(Protocol):
    """A source whose answers are kept as they came, and that rows are read from."""

    def ask(
        self, kind: str, start: datetime, end: datetime, *, as_of: datetime | None = None
    ) -> pl.DataFrame:
        """Return the rows of a window; `as_of`, the time of the run, is kept with each answer.

        Raises:
            PartialAnswer: some requests failed; it has the rows of the others.
            SourceError: all failed.
        """


@runtime_checkable
class Remarks(Protocol):
    """A source that says more of its last answer than its rows do."""

    def remarks(self, kind: str) -> list[str]:
        """Return what the last answer lacks, or holds that is no row, in words."""


class TextSource(Protocol):
    """Something that hands over tweets and headlines."""

    name: str

    def extent(self) -> Extent | None:
        """Return what the source can deliver, None where it has nothing or cannot say."""

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts delivered in [start, end), in the columns of DELIVERED_TEXTS.

        A text is delivered at its knowledge_time, or at its event_time where the source gives no
        knowledge_time. A text without a usable time is part of every window.

        Raises:
            SettingError: `kind` is unknown, or the window is naive or backwards.
            SourceError: the source cannot be read.
        """


class PriceSource(Protocol):
    """Something that hands over daily bars, splits and dividends, and its list of tickers."""

    name: str

    def extent(self) -> Extent | None:
        """Return what the source can deliver, None where it has nothing or cannot say."""

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the bars delivered in [start, end), in the columns of DELIVERED_PRICES.

        A bar is delivered at its knowledge_time, or else at the close of its session.

        Raises:
            SettingError: the window is naive or backwards.
            SourceError: the source cannot be read.
        """

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the actions delivered in [start, end), in the columns of DELIVERED_ACTIONS.

        An action is delivered at its knowledge_time, or else at the open of its ex-date. Actions
        that the prices already contain (see `price_basis`) are left out.
        """

    def tickers(self) -> pl.DataFrame:
        """Return all tickers in the columns of `schemas.TICKERS`."""


def check_kind(kind: str) -> None:
    """Refuse a kind of text that does not exist.

    >>> check_kind("memes")
    Traceback (most recent call last):
    ...
    finpulse_assets.errors.SettingError: 'memes' is no kind of text. Hint: use tweets or headlines.
    """
    if kind not in TEXT_KINDS:
        raise SettingError(f"'{kind}' is no kind of text", hint=f"use {' or '.join(TEXT_KINDS)}")


def check_window(start: datetime, end: datetime) -> None:
    """Refuse a window without time zones, or one that ends before it starts.

    Raises:
        SettingError: either is the case.
    """
    for name, moment in (("starts", start), ("ends", end)):
        if moment.utcoffset() is None:
            raise SettingError(
                f"the window {name} at {moment:%Y-%m-%d %H:%M}, which has no time zone",
                hint="give times with a zone, such as UTC",
            )
    if end < start:
        raise SettingError(f"the window from {start} to {end} is backwards")


def text_window(start: datetime, end: datetime) -> pl.Expr:
    """Return the filter of texts delivered in [start, end); see `TextSource.texts`."""
    check_window(start, end)
    delivered = pl.coalesce("knowledge_time", "event_time")
    return _within(delivered, start, end) | delivered.is_null()


def price_window(start: datetime, end: datetime) -> pl.Expr:
    """Return the filter of bars delivered in [start, end); see `PriceSource.prices`."""
    return _day_window("session_date", "close_at", start, end)


def action_window(start: datetime, end: datetime) -> pl.Expr:
    """Return the filter of actions delivered in [start, end)."""
    return _day_window("ex_date", "open_at", start, end)


def days_within(start: datetime, end: datetime, *, moment: str) -> tuple[date, date]:
    """Return the first and last day whose `moment` ("open_at", "close_at") lies in [start, end).

    The first is after the last where there is none. Half-days close when they do:

    >>> close = datetime(2024, 11, 29, 18, tzinfo=UTC)  # 13:00 in New York
    >>> days_within(datetime(2024, 11, 28, tzinfo=UTC), close, moment="close_at")[1]
    datetime.date(2024, 11, 28)
    """
    check_window(start, end)
    # The moment of a day falls on that very day in New York, so only the two edges need a look.
    first, last = start.astimezone(NEW_YORK).date(), end.astimezone(NEW_YORK).date()
    one_day = timedelta(days=1)
    if time_on(first, moment) < start:
        first += one_day
    if time_on(last, moment) >= end:
        last -= one_day
    return first, last


def time_on(day: date, moment: str) -> datetime:
    """Return when the session of `day` opened or closed (UTC), at regular hours if it had none."""
    try:
        sessions = build_sessions(day, day)
    except SettingError:  # outside the calendar
        sessions = schemas.SESSIONS.empty()
    if sessions.height:
        return sessions[moment][0]
    return datetime.combine(day, _REGULAR_HOURS[moment], tzinfo=NEW_YORK).astimezone(UTC)


def delivered_as(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return `frame` in the columns of a delivery; those that it lacks are null.

    >>> delivered_as(pl.DataFrame({"ticker": ["T"]}), DELIVERED_ACTIONS).row(0)
    ('T', None, None, None, None, None, None)
    """
    absent = [pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in frame.columns]
    return frame.with_columns(absent).select(pl.col(n).cast(dtype) for n, dtype in schema.items())


def _within(moment: pl.Expr, start: datetime, end: datetime) -> pl.Expr:
    return (moment >= pl.lit(start, schemas.UTC)) & (moment < pl.lit(end, schemas.UTC))


def _day_window(day: str, moment: str, start: datetime, end: datetime) -> pl.Expr:
    first, last = days_within(start, end, moment=moment)
    known = pl.col("knowledge_time")
    by_day = pl.col(day).is_null() | pl.col(day).is_between(first, last)
    return pl.when(known.is_null()).then(by_day).otherwise(_within(known, start, end))
