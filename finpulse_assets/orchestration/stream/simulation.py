"""Simulation: a market, a data set on disk or a story, sent as live messages at some pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec
import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK, build_sessions
from finpulse_assets.domain.simulator.story import story_texts
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    delivered_as,
)
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.gateways.sources.stream.held import STREAM_KINDS
from finpulse_assets.gateways.sources.stream.messages import Bar, Text
from finpulse_assets.gateways.sources.stream.producer import StreamProducer
from finpulse_assets.gateways.sources.stream.script import Timed, as_messages, left_out
from finpulse_assets.orchestration.run.clock import FIRST_DAY
from finpulse_assets.schemas import Kind

ALL_OF_TIME = (datetime(2000, 1, 3, tzinfo=UTC), datetime(2049, 12, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Pace:
    """How fast messages go.

    Attributes:
        rate: messages a second; None for as fast as the broker takes them.
        burst: messages that go at once; the rate holds on average.
        speed_up: seconds of the messages' own time in one second; None to look at no such time.
    """

    rate: float | None = None
    burst: int = 1
    speed_up: float | None = None

    def paced(
        self,
        script: Iterable[Timed],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[Timed]:
        """Yield each message when its turn has come."""
        began, first = clock(), None
        for number, timed in enumerate(script):
            first = first or timed.sent_at
            due = 0.0
            if self.speed_up:
                due = (timed.sent_at - first).total_seconds() / self.speed_up
            if self.rate:
                due = max(due, number // self.burst * self.burst / self.rate)
            if (wait := began + due - clock()) > 0:
                sleep(wait)
            yield timed


def source_script(source: Source, since: date | None) -> tuple[list[Timed], int]:
    """Return what a source holds from a day on as messages, and how many rows make none.

    Raises:
        SourceError: it cannot be read.
    """
    frames = {kind: _delivered(source, kind) for kind in STREAM_KINDS}
    last = frames["prices"]["session_date"].max() or FIRST_DAY
    script = as_messages(**frames, sessions=build_sessions(FIRST_DAY, last))
    chosen = [it for it in script if since is None or _day(it.sent_at) >= since]
    return chosen, sum(map(left_out, frames.values()))


def story_script(name: str, ticker: str, *, count: int, now: Now) -> Iterator[Timed]:
    """Yield the texts of a story about a ticker, to be sent as of now.

    Raises:
        SettingError: there is no such story.
    """
    began = now()
    for number, it in enumerate(story_texts(name, ticker, count=count, seed=began.microsecond)):
        text = Text(
            kind=it.kind,
            text_id=f"{name}-{number}",
            ticker=ticker,
            event_time=began,
            text=it.text,
            author=it.author,
            source="simulator",
        )
        yield Timed(began, text)


def send(
    script: Iterable[Timed], producer: StreamProducer, *, as_of_now: Now | None = None
) -> dict[str, int]:
    """Send messages in turn and return how many of each topic.

    Args:
        script: paced or not.
        producer: is left open.
        as_of_now: the clock, where each text is to be of the moment in which it is sent, under an
            id of its own; bars, which are of a session, are left out then.

    Raises:
        SourceError: Kafka refuses one.
    """
    counts = {"texts": 0, "bars": 0, "left_out": 0}
    run = None if as_of_now is None else f"{as_of_now():%Y%m%dT%H%M%S%f}"
    for timed in script:
        message, is_bar = timed.message, isinstance(timed.message, Bar)
        if as_of_now is None:
            producer.send(message, timed.sent_at)
        elif not is_bar:
            own = {"text_id": f"{run}-{message.text_id}", "knowledge_time": None}
            producer.send(msgspec.structs.replace(message, event_time=as_of_now(), **own))
        counts["left_out" if is_bar and as_of_now else "bars" if is_bar else "texts"] += 1
    return counts


def _delivered(source: Source, kind: Kind) -> pl.DataFrame:
    schema = DELIVERED_PRICES if kind == "prices" else DELIVERED_TEXTS
    rows = source.ask(kind, *ALL_OF_TIME) if kind in source.kinds else pl.DataFrame()
    return delivered_as(rows, schema)


def _day(moment: datetime) -> date:
    return moment.astimezone(NEW_YORK).date()
