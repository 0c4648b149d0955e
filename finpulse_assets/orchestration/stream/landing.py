"""Landing: messages become rows of the lake, by the code that takes any source's delivery.

Rows that are held already are left out, so a batch that is read again adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.domain.ingestion.deliveries import Delivery
from finpulse_assets.domain.ingestion.sending import judge_bars, judge_texts
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.gateways.sources.stream.held import STREAM, STREAM_KINDS
from finpulse_assets.gateways.sources.stream.messages import Message, read_messages
from finpulse_assets.orchestration.ingest.request import Request, accepted, keep_quarantined
from finpulse_assets.orchestration.run.clock import FIRST_DAY, RunClock
from finpulse_assets.orchestration.run.sources import sources_of
from finpulse_assets.schemas import TEXT_KINDS, Kind, source_table
from finpulse_assets.settings import Settings

MALFORMED = "messages"  # in the quarantine, what is a row of no kind
TICK = timedelta(microseconds=1)
Judge = Callable[[pl.DataFrame, pl.DataFrame, datetime], pl.DataFrame]


@dataclass(frozen=True)
class Landed:
    """What became of a batch.

    Attributes:
        as_of: the newest time of its messages, which the stream takes for now; None where none
            could be read.
        tickers: those of new rows.
        counts: rows by kind and what became of them: new, repeated, refused, re-timed (late ones
            that a run had asked for), or malformed messages.
    """

    as_of: datetime | None
    tickers: frozenset[str] = frozenset()
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, outcome: str) -> int:
        """Return the rows of an outcome, of all kinds."""
        return sum(rows for (_, what), rows in self.counts.items() if what == outcome)


@dataclass(frozen=True)
class Landing:
    """Puts messages into the tables of the source stream."""

    lake: Lake
    settings: Settings
    sessions: pl.DataFrame

    def land(self, messages: Sequence[Message], received_at: datetime) -> Landed:
        """Keep what is new of the messages; the lake has it, or the quarantine, when this returns.

        Args:
            messages: of any topics.
            received_at: the present time (UTC).

        Raises:
            LakeError: the lake cannot be written; nothing is lost, the messages can be read again.
        """
        read = read_messages(messages, received_at)
        counts = {(MALFORMED, "malformed"): len(messages) - sum(map(len, read.rows.values()))}
        if read.malformed.height:
            keep_quarantined(self.lake, STREAM, MALFORMED, read.malformed)
        tickers: set[str] = set()
        judged = {kind: self._judged(kind, rows, received_at) for kind, rows in read.rows.items()}
        times = [rows.filter(pl.col("problem").is_null()) for rows in judged.values()]
        ends = [rows.select(pl.max_horizontal("sent_at", "knowledge_time").max()) for rows in times]
        as_of = max((end.item() for end in ends if end.item() is not None), default=None)
        for kind, rows in judged.items():
            delivery = self._kept(kind, rows.drop("sent_at"), as_of or received_at)
            tickers |= set(delivery.rows["ticker"])
            counts |= {(kind, what): rows for what, rows in _counts(delivery).items()}
        return Landed(as_of, frozenset(tickers), counts)

    def _judged(self, kind: Kind, rows: pl.DataFrame, received_at: datetime) -> pl.DataFrame:
        judge: Judge = judge_texts if kind in TEXT_KINDS else judge_bars
        return judge(rows, self.sessions, received_at)

    def _kept(self, kind: Kind, rows: pl.DataFrame, as_of: datetime) -> Delivery:
        table = source_table(STREAM, kind)
        sound = rows.filter(pl.col("problem").is_null())
        months = sound.select(month_of("knowledge_time").unique().sort()).to_series().drop_nulls()
        with self.lake.locked(table):
            covered = self.lake.coverage(table)["last_at"].max()
            if covered is not None:  # a run has looked already: what comes now comes after it
                as_of = max(as_of, covered + TICK)
            request = Request(
                source=Source(STREAM, STREAM_KINDS),
                lake=self.lake,
                clock=RunClock(as_of, FIRST_DAY),
                months=months.to_list() or [FIRST_DAY.isoformat()],
                sessions=self.sessions,
                max_bad_row_share=1.0,
                price_sources=sources_of(self.settings, "prices"),
                accepted_moves=self.settings.moves_accepted,
                largest_move=self.settings.largest_move,
            )
            delivery = accepted(request, kind, rows, is_whole=False)
            self.lake.append(table, delivery.rows, ())
        if delivery.refused:
            keep_quarantined(self.lake, STREAM, kind, delivery.quarantined)
        return delivery


def _counts(delivery: Delivery) -> dict[str, int]:
    return {
        "new": delivery.rows.height,
        "repeated": delivery.repeated,
        "refused": delivery.refused,
        "re-timed": delivery.late,
    }
