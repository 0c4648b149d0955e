"""One run's requests to one source: what was asked, what came, and what became of it.

A source that fails, or whose answer is mostly bad, leaves its own tables and coverage as they were,
so that the next run asks again from there; what other sources deliver is not touched by it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.ingestion.bars_1m import accept_bars_1m, in_all
from finpulse_assets.domain.ingestion.coverage import spans_asked
from finpulse_assets.domain.ingestion.deliveries import Delivery, accept
from finpulse_assets.domain.ingestion.fit import LARGEST_MOVE
from finpulse_assets.domain.ingestion.market import Market, market_of
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.sources.protocols import PartialAnswer
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    QUARANTINE,
    Kind,
    requests_table,
    source_table,
)

log = logging.getLogger(__name__)

MARKET_KINDS: tuple[Kind, ...] = ("prices", "corporate_actions")
NO_PRICES = "no prices of the source are held, and they say which shares a dividend is paid on"
ANSWERED, PARTIAL, REFUSED, FAILED = "answered", "partial", "refused", "failed"


@dataclass(frozen=True)
class Request:
    """What all requests of a run share."""

    source: Source
    lake: Lake
    clock: RunClock
    months: Sequence[str]
    sessions: pl.DataFrame
    max_bad_row_share: float
    price_sources: Sequence[str] = ()
    accepted_moves: Collection[tuple[str, date]] = ()
    largest_move: float = LARGEST_MOVE

    @cached_property
    def actions(self) -> pl.DataFrame:
        """The splits and dividends that the source delivers; bars are judged by them as well.

        Raises:
            SourceError: the source cannot be read.
        """
        return self.source.ask("corporate_actions", *self.window, as_of=self.clock.as_of)

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.clock.window(list(self.months))


@dataclass(frozen=True)
class Answer:
    """What became of one request; `delivery` is None where the source failed."""

    kind: Kind
    status: str
    delivery: Delivery | None = None
    problem: str | None = None


def collect(request: Request, tickers: Sequence[str]) -> list[Answer]:
    """Ask the source for every kind of row that it gives, and keep what is new.

    Args:
        request: the source, the months and the lake.
        tickers: the universe, which the coverage of each request names.
    """
    answers = [answer_of(request, kind, tickers) for kind in request.source.kinds]
    _log_requests(request, answers)
    return answers


def answer_of(request: Request, kind: Kind, tickers: Sequence[str]) -> Answer:
    """Ask the source for one kind of row and keep what is new; a failure is an answer as well."""
    try:
        if kind == "bars_1m":
            return _with_remarks(request, _minutes(request))
        is_action = kind == "corporate_actions"
        if is_action and _lacks_prices(request):
            return Answer(kind, REFUSED, problem=NO_PRICES)
        as_of = request.clock.as_of
        delivered = (
            request.actions if is_action else request.source.ask(kind, *request.window, as_of=as_of)
        )
        return _with_remarks(request, _kept(request, kind, delivered, tickers))
    except PartialAnswer as part:
        log.warning("source %s failed for some %s: %s", request.source.name, kind, part)
        if kind == "bars_1m":  # kept month by month before the source said so
            return Answer(kind, PARTIAL, problem=str(part))
        answered = [ticker for ticker in tickers if ticker not in set(part.unanswered)]
        kept = _with_remarks(request, _kept(request, kind, part.rows, answered))
        return kept if kept.status == REFUSED else replace(kept, status=PARTIAL, problem=str(part))
    except SourceError as error:
        log.warning("source %s failed for %s: %s", request.source.name, kind, error)
        return Answer(kind, FAILED, problem=str(error))


def _with_remarks(request: Request, answer: Answer) -> Answer:
    """Add what the source itself says of its answer to the notes of the delivery."""
    remarks = request.source.remarks(answer.kind)
    if answer.delivery is None or not remarks:
        return answer
    notes = (*answer.delivery.notes, *remarks)
    return replace(answer, delivery=replace(answer.delivery, notes=notes))


def _kept(request: Request, kind: Kind, delivered: pl.DataFrame, tickers: Sequence[str]) -> Answer:
    lake, clock, name = request.lake, request.clock, request.source.name
    table = source_table(name, kind)
    with lake.locked(table):
        delivery = accepted(request, kind, delivered, is_whole=True)
        if refusal := _judged(request, kind, delivery):
            return refusal
        lake.append(table, delivery.rows, request.months)
        windows = clock.windows(request.months)
        spans = spans_asked(kind, windows, tickers, sessions=request.sessions, as_of=clock.as_of)
        lake.cover(table, spans)
    return Answer(kind, ANSWERED, delivery)


def accepted(request: Request, kind: Kind, delivered: pl.DataFrame, *, is_whole: bool) -> Delivery:
    """Return what is new of delivered rows beside what is held; nothing is written.

    Args:
        request: whose source, months and clock.
        kind: of the rows; no minute bars.
        delivered: in the columns of a delivery.
        is_whole: whether it is the source's whole answer to the request's window.
    """
    lake, name = request.lake, request.source.name
    table = source_table(name, kind)
    return accept(
        name,
        kind,
        delivered,
        held=_held(lake, table, kind, request.months[0]),
        coverage=lake.coverage(table),
        sessions=request.sessions,
        as_of=request.clock.as_of,
        window=request.window if is_whole else None,
        market=_market(request, kind) if kind in MARKET_KINDS else None,
    )


def _market(request: Request, kind: Kind) -> Market:
    """Return what the bars or the actions of the source are judged by."""
    lake, name = request.lake, request.source.name
    columns = ("ticker", "ex_date", "kind", "value", "knowledge_time")
    actions = pl.concat(  # its own count before those of others
        lake.read_or_empty(table).select(columns).collect()
        for table in (source_table(name, "corporate_actions"), CORPORATE_ACTIONS)
    )
    priced = dict.fromkeys([name, *request.price_sources]) if kind == "corporate_actions" else ()
    prices = [lake.read_or_empty(source_table(one, "prices")) for one in priced]
    delivered = None
    if "corporate_actions" in request.source.kinds:
        with suppress(SourceError):  # said where the actions themselves are asked for
            delivered = request.actions
    market = market_of(prices, actions, delivered)
    return replace(market, accepted=request.accepted_moves, largest_move=request.largest_move)


def _lacks_prices(request: Request) -> bool:
    """Return whether actions come from a source of prices none of which are held."""
    if "prices" not in request.source.kinds or request.actions.is_empty():
        return False
    table = source_table(request.source.name, "prices")
    return request.lake.read_or_empty(table).limit(1).collect().is_empty()


def _held(lake: Lake, table: Table, kind: Kind, first_month: str) -> pl.LazyFrame:
    """Return what is held from the month before the first one on: older versions do not repeat.

    Of listings all is needed: the newest version of a ticker may be years old.
    """
    present = lake.partitions(table)
    if kind == "listings":
        return lake.scan_present(table, present)
    before = [month for month in present if month < first_month][-1:]
    return lake.scan_present(table, [*before, *(m for m in present if m >= first_month)])


def _minutes(request: Request) -> Answer:
    """Make each month hold the bars that the source has for it, a month in memory at a time."""
    lake, clock = request.lake, request.clock
    table = source_table(request.source.name, "bars_1m")
    deliveries, left = [], set(request.months)
    with lake.locked(table):
        for part in request.source.minutes.bars_1m(*request.window):
            delivery = accept_bars_1m(part.bars, sessions=request.sessions, as_of=clock.as_of)
            deliveries.append(replace(delivery, rows=delivery.rows.clear()))
            if part.month is not None:
                lake.replace(table, delivery.rows.drop("source"), [part.month])
                left.discard(part.month)
        if left:
            lake.replace(table, table.empty(), left)
    total = in_all(deliveries)
    return _judged(request, "bars_1m", total) or Answer("bars_1m", ANSWERED, total)


def _judged(request: Request, kind: Kind, delivery: Delivery) -> Answer | None:
    """Keep the refused rows; return a refusal of the whole answer where they are too many."""
    keep_quarantined(request.lake, request.source.name, kind, delivery.quarantined)
    if delivery.bad_share <= request.max_bad_row_share:
        return None
    reason, count = delivery.quarantined["reason"].value_counts(sort=True).row(0)
    sentence = (
        f"{delivery.refused} of {delivery.delivered} delivered rows were refused "
        f"({delivery.bad_share:.1%}), the limit is {request.max_bad_row_share:.1%}. "
        f"Most common: {reason} ({count} rows)."
    )
    return Answer(kind, REFUSED, delivery, sentence)


def quarantine_of(source: str, kind: str) -> Table:
    """Return the contract of the refused rows of one source and kind."""
    return replace(QUARANTINE, name=f"{QUARANTINE.name}/{source}/{kind}")


def keep_quarantined(lake: Lake, source: str, kind: str, refused: pl.DataFrame) -> int:
    """Add refused rows to the quarantine; a row that was refused before keeps its first time."""
    table = quarantine_of(source, kind)
    with lake.locked(table):
        held = lake.read_or_empty(table).collect()
        merged = pl.concat([held, refused]).unique("row_hash", keep="first", maintain_order=True)
        if merged.height:
            lake.replace(table, merged, [WHOLE])
    return merged.height


def _log_requests(request: Request, answers: Sequence[Answer]) -> None:
    table = requests_table(request.source.name)
    start, end = request.window
    rows = [
        {
            "requested_at": request.clock.as_of,
            "kind": answer.kind,
            "asked_from": start,
            "asked_until": end,
            "status": answer.status,
            **_counts(answer.delivery),
            "problem": answer.problem,
        }
        for answer in answers
    ]
    frame = pl.DataFrame(rows, schema=table.polars_schema)
    month = request.clock.month
    with request.lake.locked(table):
        kept = request.lake.scan_present(table, [month]).collect()
        # A run made again at the same as-of time takes the place of the first one.
        earlier = kept.join(frame, on=list(table.key), how="anti")
        request.lake.replace(table, pl.concat([earlier, frame]), [month])


def _counts(delivery: Delivery | None) -> dict[str, int]:
    if delivery is None:
        return dict.fromkeys(("delivered_rows", "new_rows", "late_rows", "refused_rows"), 0)
    return {
        "delivered_rows": delivery.delivered,
        "new_rows": delivery.rows.height,
        "late_rows": delivery.late,
        "refused_rows": delivery.refused,
    }
