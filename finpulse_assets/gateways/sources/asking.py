"""Asking a vendor for what kept answers do not cover, within its rates, quotas and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.answers import Answer, AnswerStore, Ask, Span, Wanted
from finpulse_assets.gateways.sources.http import HttpClient
from finpulse_assets.gateways.sources.limits import Timer
from finpulse_assets.gateways.sources.replies import NotListed, Reply, Request, StopAsking
from finpulse_assets.gateways.sources.spans import halves, missing, pieces
from finpulse_assets.gateways.sources.vendor import Page, Row, Vendor, page_of
from finpulse_assets.schemas import Kind

MOST_PAGES = 1000
DOUBT = timedelta(days=3)
_DAY, _MONTH = timedelta(days=1), timedelta(days=30)
_VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass
class Held:
    """What answers hold of one kind of row.

    Attributes:
        rows: in the order in which they came.
        notes: what the vendor has and does not give, or what is no row, in words.
        passed_over: items that are no rows.
        asked_at: when each request was made, whatever kind it was for.
        validators: subject -> headers with which it is asked whether anything is new.
        is_directory: whether the rows of one run are the whole: those of the newest run count.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    passed_over: int = 0
    asked_at: list[datetime] = field(default_factory=list)
    validators: dict[str, dict[str, str]] = field(default_factory=dict)
    is_directory: bool = False
    _ended: dict[str, list[tuple[Span, Answer, bool]]] = field(default_factory=dict)
    _runs_with_rows: set[datetime] = field(default_factory=set)

    def answered(self, subject: str) -> list[Span]:
        """Return the spans about a subject that were answered to their end.

        A vendor that is ill says "nothing" as readily as "error". So an answer of nothing at all is
        believed only some days after its span, and where the vendor gave that run anything. Else
        the span is asked for again, together with what follows it.
        """
        return [
            span
            for span, answer, is_nothing in self._ended.get(subject, [])
            if not is_nothing
            or (answer.as_of in self._runs_with_rows and answer.reply.fetched_at >= span[1] + DOUBT)
        ]

    def answered_until(self, subject: str) -> datetime:
        """Return the end of what was answered about a subject, the earliest time for nothing."""
        ends = [end for _, end in self.answered(subject)]
        return max(ends, default=datetime.min.replace(tzinfo=UTC))

    def add(self, answer: Answer, page: Page) -> None:
        ask, headers = answer.ask, answer.reply.headers
        if self.is_directory and page.rows and answer.as_of not in self._runs_with_rows:
            self.rows.clear()
        self.rows += page.rows
        self.passed_over += page.passed_over
        if page.gap:
            self.notes.append(f"{ask.subject}: {page.gap}" if ask.subject else page.gap)
        has_items = bool(page.rows or page.passed_over)
        if has_items:
            self._runs_with_rows.add(answer.as_of)
            given = {mine: headers[name] for name, mine in _VALIDATORS.items() if name in headers}
            self.validators[ask.subject] = given
        if page.following is None and not page.is_cut:
            is_nothing = ask.page == 1 and not has_items and not page.gap
            self._ended.setdefault(ask.subject, []).append((ask.span, answer, is_nothing))


@dataclass
class Budget:
    """What a vendor may still be asked in a day, and bill in a month; None for any amount."""

    requests: int | None
    billed: int | None

    def check(self) -> None:
        """Refuse another request where nothing is left.

        Raises:
            StopAsking: so it is.
        """
        for left, what in ((self.requests, "requests of a day"), (self.billed, "paid reads")):
            if left is not None and left <= 0:
                raise StopAsking(f"the {what} are used up; the rest is left to a later run")

    def spend(self, cost: int) -> None:
        """Count what an answer is billed as."""
        if self.billed is not None:
            self.billed -= cost

    def count(self) -> None:
        """Count a request."""
        if self.requests is not None:
            self.requests -= 1


def budget_of(vendor: Vendor, store: AnswerStore, now: datetime) -> Budget:
    """Return what a vendor may still be asked, by the answers that are kept."""
    a_day, a_month = vendor.reach.a_day, vendor.reach.billed_a_month
    if a_day is None and a_month is None:
        return Budget(None, None)
    used = billed = 0
    for answer in store.read((now - _MONTH).date()):
        at = answer.reply.fetched_at
        used += at > now - _DAY
        if a_month is not None and at > now - _MONTH:
            billed += cost_of(vendor, answer)
    return Budget(
        None if a_day is None else a_day - used, None if a_month is None else a_month - billed
    )


def cost_of(vendor: Vendor, answer: Answer) -> int:
    """Return what an answer was billed as, 0 for one that is no data."""
    try:
        return page_of(vendor, answer).cost
    except SourceError:
        return 0


class Asker:
    """Asks a vendor for one kind of row.

    Args:
        vendor: who is asked.
        client: with its credential.
        store: where every answer is kept.
        timer: the clock of the platform.
        as_of: the time of the run.

    Attributes:
        answered: requests that were answered with data.
    """

    def __init__(
        self, vendor: Vendor, client: HttpClient, store: AnswerStore, timer: Timer, as_of: datetime
    ) -> None:
        self._vendor, self._client, self._store = vendor, client, store
        self._timer, self._as_of, self.answered = timer, as_of, 0
        self._budget = budget_of(vendor, store, timer.now())

    def fetch(self, kind: Kind, window: Span, held: Held) -> dict[str, SourceError]:
        """Ask for what `held` lacks of the window and add it; return why some could not be had.

        One subject's failure leaves the others alone, unless the vendor answers nobody.
        """
        failures: dict[str, SourceError] = {}
        stop: StopAsking | None = None
        self._client.begin(held.asked_at)
        # Those that were answered least recently come first: where the time or a quota ends a run,
        # the next one goes on with the others.
        for subject in sorted(
            self._vendor.subjects,
            key=lambda it: (it != self._vendor.index, held.answered_until(it)),
        ):
            try:
                if stop is not None:
                    raise stop
                for piece in self._wanted(window, held.answered(subject)):
                    self._span(kind, subject, piece, held)
            except StopAsking as error:
                failures[subject] = stop = error
            except NotListed as error:
                held.notes.append(error.message)
            except SourceError as error:
                failures[subject] = error
        return failures

    def _wanted(self, window: Span, answered: Sequence[Span]) -> list[Span]:
        reach, (start, end), now = self._vendor.reach, window, self._timer.now()
        if reach.is_now_only:
            # What is new now says nothing of a window that ended before.
            return [window] if end >= now - timedelta(hours=1) else []
        if reach.history is not None:
            start = max(start, now - reach.history)
        if reach.lag:
            end = min(end, now - reach.lag)
        if start >= end:
            return []
        left = missing((start, end), list(answered), reach.overlap)
        return [it for span in left for it in pieces(span, reach.at_once, reach.grid)]

    def _span(self, kind: Kind, subject: str, span: Span, held: Held) -> None:
        """Ask for one span, page after page; one with too many rows in halves."""
        asked_as = self._vendor.asked_as(kind)
        request: Request | None = self._vendor.request(Wanted(asked_as, subject, span))
        if self._vendor.reach.is_now_only and held.validators.get(subject):
            request = replace(request, headers={**request.headers, **held.validators[subject]})
        number = 0
        while request is not None:
            number += 1
            if number > MOST_PAGES:
                raise SourceError(f"more than {MOST_PAGES} pages of one request")
            answer, page = self._page(Ask(asked_as, subject, span, request, number), kind)
            if page.is_cut:
                for half in halves(span):
                    self._span(kind, subject, half, held)
                return
            held.add(answer, page)
            request = page.following

    def _page(self, ask: Ask, kind: Kind) -> tuple[Answer, Page]:
        answers: list[Answer] = []
        pages: list[Page] = []

        def keep(reply: Reply) -> None:
            answers.append(Answer(ask, reply, self._as_of))
            self._store.keep(answers[-1])
            self._budget.count()

        def judge(_: Reply) -> None:
            pages.append(page_of(self._vendor, answers[-1], kind))

        self._budget.check()
        self._client.ask(ask.request, keep=keep, judge=judge)
        self._budget.spend(pages[-1].cost)
        self.answered += 1
        return answers[-1], pages[-1]
