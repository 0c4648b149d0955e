"""A vendor as a source: asks for what is missing, keeps every answer, and reads rows from those.

Rows always come from kept answers, those of earlier runs and those of this one. So an answer that
is kept is never asked for again, a run that was killed after an answer loses nothing, and a parser
that was wrong is corrected by reading again. Of a row that came more than once the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cached_property

import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.errors import SchemaError, SourceError
from finpulse_assets.gateways.sources.answers import AnswerStore
from finpulse_assets.gateways.sources.asking import Asker, Held
from finpulse_assets.gateways.sources.company_source import (
    DELIVERED_HOLDINGS,
    DELIVERED_LISTINGS,
    DELIVERED_OPTIONS,
    knowledge_window,
)
from finpulse_assets.gateways.sources.http import HttpClient
from finpulse_assets.gateways.sources.limits import Timer
from finpulse_assets.gateways.sources.minute_source import (
    DELIVERED_BARS_1M,
    MonthOfBars,
    minute_window,
)
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Extent,
    PartialAnswer,
    Schema,
    TextKind,
    action_window,
    check_kind,
    check_window,
    price_window,
    text_window,
)
from finpulse_assets.gateways.sources.vendor import Row, Vendor, page_of
from finpulse_assets.schemas import COMPANY_KINDS, TICKERS, Kind

SCHEMAS: dict[Kind, Schema] = {
    "tweets": DELIVERED_TEXTS,
    "headlines": DELIVERED_TEXTS,
    "prices": DELIVERED_PRICES,
    "corporate_actions": DELIVERED_ACTIONS,
    "bars_1m": DELIVERED_BARS_1M,
    "listings": DELIVERED_LISTINGS,
    "holdings": DELIVERED_HOLDINGS,
    "options": DELIVERED_OPTIONS,
}
_IDENTITY: dict[Kind, tuple[str, ...]] = {
    "tweets": ("text_id", "ticker"),
    "headlines": ("text_id", "ticker"),
    "prices": ("ticker", "session_date"),
    "corporate_actions": ("ticker", "ex_date", "kind"),
    "bars_1m": ("ticker", "bar_at"),
    "listings": ("ticker",),
    "holdings": ("ticker", "filing_id"),
    "options": ("contract", "event_time"),
}
_WINDOWS = {
    "prices": price_window,
    "corporate_actions": action_window,
    "bars_1m": minute_window,
    **dict.fromkeys(COMPANY_KINDS, knowledge_window),
}
_INSTANT = timedelta(microseconds=1)
_FIRST_DAYS = 3  # of answers: a source is asked for its history first
_DIRECTORY_AGE = timedelta(days=3)  # an older one says nothing of today


class Feed:
    """Rows of one vendor, for every kind that it gives.

    Args:
        vendor: what to ask and how to read it.
        store: where answers are kept.
        timer: the clock of the platform.
        tickers: the universe of the deployment.
    """

    def __init__(
        self,
        vendor: Vendor,
        store: AnswerStore,
        *,
        timer: Timer,
        tickers: Sequence[str],
    ) -> None:
        self.name, self.vendor, self.store = vendor.name, vendor, store
        self._remarks: dict[str, list[str]] = {}
        self._timer, self._tickers = timer, tickers

    @cached_property
    def _client(self) -> HttpClient:
        return HttpClient(self.vendor.access, self._timer)

    def extent(self) -> Extent | None:
        """Return None: a vendor goes on, and what it has is different for every ticker."""
        return None

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts of the window; see `TextSource.texts`."""
        check_kind(kind)
        return self.ask(kind, start, end)

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the bars of the window; see `PriceSource.prices`."""
        return self.ask("prices", start, end)

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the splits and dividends of the window."""
        return self.ask("corporate_actions", start, end)

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        """Yield the minute bars of the window; see `MinuteSource.bars_1m`."""
        partial: PartialAnswer | None = None
        try:
            bars = self.ask("bars_1m", start, end)
        except PartialAnswer as error:
            bars, partial = error.rows, error
        broken = bars.filter(pl.col("bar_at").is_null())
        if broken.height:
            yield MonthOfBars(None, broken)
        timed = bars.filter(pl.col("bar_at").is_not_null()).with_columns(_m=month_of("bar_at"))
        for (month,), part in sorted(timed.partition_by("_m", as_dict=True).items()):
            yield MonthOfBars(str(month), part.drop("_m").sort("ticker", "bar_at"))
        if partial is not None:
            raise partial

    def tickers(self) -> pl.DataFrame:
        """Return the tickers of the deployment, each from its first bar that is held."""
        firsts: dict[str, date] = {}
        for day in self.store.days()[:_FIRST_DAYS]:
            if len(firsts) == len(self._tickers):
                break
            for row in self.held("prices", day, day).rows:
                if not row.get("problem") and row["ticker"] in self._tickers:
                    ticker, first = row["ticker"], row["session_date"]
                    firsts[ticker] = min(firsts.get(ticker, first), first)
        today = self._timer.now().date()
        rows = [(ticker, None, None, None, firsts.get(ticker, today), None)
                for ticker in self._tickers]  # fmt: skip
        return TICKERS.enforce(pl.DataFrame(rows, schema=TICKERS.polars_schema, orient="row"))

    def ask(
        self, kind: Kind, start: datetime, end: datetime, *, as_of: datetime | None = None
    ) -> pl.DataFrame:
        """Return the rows of the window, having asked for what no kept answer covers.

        Raises:
            PartialAnswer: some requests failed; it has the rows of the others.
            SourceError: all failed.
        """
        check_window(start, end)
        end = max(start, min(end, self._timer.now() + _INSTANT))
        if kind not in self.vendor.kinds:
            return pl.DataFrame(schema=SCHEMAS[kind])
        first = start
        if kind == "listings":
            first = max(start, end - _DIRECTORY_AGE)
        held = self.held(kind, first.date())
        asker = Asker(
            self.vendor, self._client, self.store, self._timer, as_of or self._timer.now()
        )
        failures = asker.fetch(kind, (start, end), held)
        rows = self._rows(kind, held, start, end)
        if failures:
            is_all = not asker.answered and len(failures) == len(self.vendor.subjects)
            raise self._failed(failures, None if is_all else rows)
        return rows

    def _rows(self, kind: Kind, held: Held, start: datetime, end: datetime) -> pl.DataFrame:
        self._remarks[kind] = _remarks(held)
        rows = frame_of(kind, held.rows, self.name)
        return rows.filter(_WINDOWS.get(kind, text_window)(start, end))

    def remarks(self, kind: str) -> list[str]:
        """Return what the last answer lacks, or holds that is no row, in words."""
        return self._remarks.get(kind, [])

    def held(
        self,
        kind: Kind,
        first: date = date.min,
        last: date = date.max,
        *,
        as_of: datetime | None = None,
    ) -> Held:
        """Return what kept answers hold of a kind; those that are no data are passed over.

        Args:
            kind: the kind of row.
            first, last: days (UTC) on which they came.
            as_of: answers of later runs are left out; None for none.
        """
        found = Held(is_directory=kind == "listings")
        for answer in self.store.read(first, last):
            if as_of is not None and answer.as_of > as_of:
                continue
            found.asked_at.append(answer.reply.fetched_at)
            if answer.ask.kind == self.vendor.asked_as(kind):
                with suppress(SourceError):
                    found.add(answer, page_of(self.vendor, answer, kind))
        return found

    def _failed(
        self, failures: Mapping[str, SourceError], rows: pl.DataFrame | None
    ) -> SourceError:
        """Return the failure of some requests or, without rows, of all."""
        subjects = self.vendor.subjects
        subject, error = next(iter(failures.items()))
        said = f"{self.name}: {error.message}"
        if len(subjects) > 1:
            said += f" ({subject}; {len(failures)} of {len(subjects)} failed)"
        if rows is None:
            return SourceError(said, hint=error.hint)
        unanswered = failures if self.vendor.reach.is_by_ticker else self._tickers
        return PartialAnswer(said, rows=rows, unanswered=list(unanswered))


class KeptFeed(Feed):
    """A vendor's kept answers as a source of rows; it makes no request."""

    def ask(
        self, kind: Kind, start: datetime, end: datetime, *, as_of: datetime | None = None
    ) -> pl.DataFrame:
        """Return the rows of the window as a run at `as_of` had them."""
        check_window(start, end)
        return self._rows(kind, self.held(kind, start.date(), as_of=as_of), start, end)


def _remarks(held: Held) -> list[str]:
    notes = list(dict.fromkeys(held.notes))
    if held.passed_over:
        notes.append(f"{held.passed_over} items are about no ticker, deleted or not finished")
    return notes


def frame_of(kind: Kind, rows: Sequence[Row], source: str) -> pl.DataFrame:
    """Return rows as a delivery: the last one of each identity, in the order they first came."""
    key, newest = _IDENTITY[kind], {}
    for at, row in enumerate(rows):
        identity = at if row.get("problem") else tuple(row[name] for name in key)
        newest[identity] = row
    schema = SCHEMAS[kind]
    columns = {name: [row.get(name) for row in newest.values()] for name in schema}
    try:
        frame = pl.DataFrame(columns, schema=dict(schema))
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise SchemaError(
            f"the parser of {source} gives {kind} of another type: {error}"
        ) from error
    return frame.with_columns(pl.col("source").fill_null(source))
