"""What a vendor is: which requests a span of time needs, and how an answer becomes rows.

Everything else (rates, attempts, keeping, watermarks, merging) is the same for all: see `feed`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.protocols import time_on
from finpulse_assets.gateways.sources.replies import Request, judge_status
from finpulse_assets.schemas import Kind

Row = dict[str, Any]
_SURELY_OVER = timedelta(days=2)


@dataclass(frozen=True)
class Page:
    """What one answer holds.

    Args:
        rows: in the columns of a delivery; what a row lacks is null.
        following: the request for what comes after, None at the end.
        gap: what the vendor has and does not give, in words; asking again would not bring it.
        is_cut: whether the vendor has left rows out because the span has too many.
        passed_over: items that are no rows: about no ticker of ours, deleted, not finished.
        cost: what the vendor bills (posts read), where it bills.
    """

    rows: Sequence[Row] = ()
    following: Request | None = None
    gap: str | None = None
    is_cut: bool = False
    passed_over: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Reach:
    """How a vendor has to be asked.

    Args:
        overlap: how far before the end of what was answered the next request begins: a vendor shows
            some things late.
        history: how far back it goes, None where it has all.
        at_once: the longest span of one request, None for any.
        at_least: the shortest one; a span with too many rows is halved down to it.
        grid: what the ends of spans are multiples of, None for any.
        lag: how long before now a span ends at the latest.
        a_day: requests in 24 hours, None for any number.
        billed_a_month: what may be billed in 30 days, None for any amount.
        is_by_ticker: whether its subjects are tickers; else each may say something of any ticker.
        is_now_only: whether it shows what is new and takes no span.
    """

    overlap: timedelta = timedelta(hours=6)
    history: timedelta | None = None
    at_once: timedelta | None = None
    at_least: timedelta = timedelta(hours=1)
    grid: timedelta | None = None
    lag: timedelta = timedelta(0)
    a_day: int | None = None
    billed_a_month: int | None = None
    is_by_ticker: bool = True
    is_now_only: bool = False


class Vendor(ABC):
    """A vendor with the credential of a deployment.

    Attributes:
        name: of the source.
        kinds: of row that it gives.
        subjects: what it is asked about: tickers, feeds, forums.
        index: the subject that the others need an answer about, None where there is none.
        reach: how it has to be asked.
        access: how it is reached.
    """

    name: str
    kinds: tuple[Kind, ...]
    subjects: Sequence[str]
    index: str | None = None
    reach = Reach()
    access: Access

    @abstractmethod
    def request(self, wanted: Wanted) -> Request:
        """Return the first request for a span, which is no longer than `reach.at_once`."""

    @abstractmethod
    def read(self, answer: Answer) -> Page:
        """Return what an answer of status 200 holds; a row that cannot be read has a `problem`.

        It sees nothing but the answer, so an answer can be read again at any time.

        Raises:
            Passing, StopAsking, SourceError: the answer is no data.
        """

    def asked_as(self, kind: Kind) -> Kind:
        """Return the kind whose requests bring the rows of `kind`: one answer may hold several."""
        return kind

    def refused(self, answer: Answer) -> Page | None:  # noqa: ARG002 - for those that say more
        """Return what an answer of another status means, None where the status says it all.

        Raises:
            StopAsking, SourceError: what the vendor says with it.
        """
        return None


def page_of(vendor: Vendor, answer: Answer, kind: Kind | None = None) -> Page:
    """Return what an answer holds.

    Args:
        vendor: who gave it.
        answer: to a request for any kind of row.
        kind: which kind is read from it, by default the one that was asked for.

    Raises:
        Passing, StopAsking, Expired, SourceError: it is no data.
    """
    reply = answer.reply
    if kind is not None and kind != answer.ask.kind:
        answer = replace(answer, ask=replace(answer.ask, kind=kind))
    if reply.status == 304:  # what was asked for has not changed
        return Page()
    if reply.status != 200:
        page = vendor.refused(answer)
        if page is not None:
            return page
        judge_status(reply)
    page, (start, end) = vendor.read(answer), answer.ask.span
    if page.is_cut and end - start < 2 * vendor.reach.at_least:
        said = f"more than it gives of {start:%Y-%m-%d %H:%M} to {end:%H:%M}"
        return replace(page, is_cut=False, gap=said)
    return page


def read_rows(items: Iterable[Any], make: Callable[[Any], Iterable[Row]]) -> list[Row]:
    """Return the rows of the items of an answer; an item that cannot be read is a row that says so.

    Raises:
        SourceError: there are items and none can be read: the shape is another one.
    """
    rows = list(_each(items, make))
    problems = [row["problem"] for row in rows if row.get("problem")]
    if rows and len(problems) == len(rows):
        raise SourceError(f"no row of the answer can be read, such as: {problems[0]}")
    return rows


def _each(items: Iterable[Any], make: Callable[[Any], Iterable[Row]]) -> Iterator[Row]:
    for item in items:
        try:
            yield from list(make(item))
        except KeyError as error:
            yield {"problem": f"{error.args[0]} is missing"}
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
            yield {"problem": f"an item that cannot be read ({error})"}


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        SourceError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise SourceError(f"{what} is a {type(value).__name__}, an object was expected")
    return value


def listing(value: object, what: str) -> Sequence[Any]:
    """Return a JSON list.

    Raises:
        SourceError: it is something else.
    """
    if not isinstance(value, list):
        raise SourceError(f"{what} is a {type(value).__name__}, a list was expected")
    return value


def words(value: object) -> str | None:
    """Return text, None for what is no text or blank.

    >>> words(" a "), words(""), words(None), words(5)
    ('a', None, None, None)
    """
    return value.strip() or None if isinstance(value, str) else None


def needed(item: Mapping[str, Any], name: str) -> Any:
    """Return a field that a row cannot do without.

    Raises:
        KeyError: it is missing, null or blank.
    """
    value = item[name]
    if value is None or value == "":
        raise KeyError(name)
    return value


def epoch(value: object) -> datetime:
    """Return the time of an epoch in seconds (UTC).

    >>> epoch(1588677909).isoformat()
    '2020-05-05T11:25:09+00:00'
    """
    return datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]


def iso(value: str) -> datetime:
    """Return an ISO time (UTC); without a zone it is UTC, and digits past microseconds are cut.

    >>> iso("2026-01-15T12:00:00.000000000Z").isoformat()
    '2026-01-15T12:00:00+00:00'
    """
    head, dot, tail = value.replace("Z", "+00:00").partition(".")
    if dot:
        digits = tail[: next((i for i, c in enumerate(tail) if not c.isdigit()), len(tail))]
        tail = digits[:6].ljust(6, "0") + tail[len(digits) :]
    at = datetime.fromisoformat(head + dot + tail)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def has_closed(day: date, moment: datetime) -> bool:
    """Return whether the session of a day had closed at a moment: its bar was final then."""
    return moment - datetime.combine(day, time(), UTC) > _SURELY_OVER or _close(day) < moment


@lru_cache(maxsize=64)
def _close(day: date) -> datetime:
    return time_on(day, "close_at")
