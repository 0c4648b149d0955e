"""The worker: batches of messages become rows of the lake, then features and signals.

A batch is committed when the lake has its rows. What was read and not committed is read again,
which adds nothing; what was kept and not published is published when a worker begins, or takes over
partitions. So each message counts at least once, and a row once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime

import polars as pl

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.sources.stream.consumer import StreamConsumer
from finpulse_assets.gateways.sources.stream.held import STREAM, STREAM_KINDS
from finpulse_assets.orchestration.stream.landing import Landed, Landing
from finpulse_assets.orchestration.stream.live_features import LiveFeatures
from finpulse_assets.orchestration.stream.metrics import StreamMetrics
from finpulse_assets.orchestration.stream.publication import Publication
from finpulse_assets.schemas import source_table

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.25


class Worker:
    """One member of the group of workers."""

    def __init__(
        self,
        *,
        consumer: StreamConsumer,
        landing: Landing,
        live: LiveFeatures,
        scorer: TextScorer,
        publication: Publication,
        metrics: StreamMetrics,
        now: Now,
    ) -> None:
        """Take the parts; the clock judges the times of messages and measures their way."""
        self._consumer, self._landing, self._live = consumer, landing, live
        self._scorer, self._publication, self.metrics = scorer, publication, metrics
        self._now = now
        self._moment = _newest(landing.lake)
        self.partitions: list[tuple[str, int]] = []
        self._is_all_due = True
        self._idle_since = time.monotonic()

    def run(self, should_stop: Callable[[], bool], *, until_idle: float | None = None) -> None:
        """Take batch after batch, until told to stop or nothing came for `until_idle` seconds.

        Raises:
            FinPulseError: the lake, the model or Kafka cannot be used; nothing is lost.
        """
        while not should_stop():
            if self.step():
                self._idle_since = time.monotonic()
            elif until_idle is not None and time.monotonic() - self._idle_since >= until_idle:
                return

    def step(self) -> int:
        """Take one batch, as it comes; return its number of messages."""
        messages = self._consumer.read(WAIT_SECONDS)
        self._note_partitions()
        if messages:
            with self.metrics.timed("keep"):
                landed = self._landing.land(messages, self._now())
            with self.metrics.timed("commit"):
                self.metrics.commits_refused.inc(not self._consumer.commit())
            self._count(landed, len(messages))
            self._moment = max(filter(None, (self._moment, landed.as_of)), default=None)
        if self._publish(landed.tickers if messages else frozenset()):
            published_at = self._now()
            for it in messages:
                seconds = (published_at - it.sent_at).total_seconds()
                self.metrics.to_signal.observe(max(0.0, seconds))
        self.metrics.lag.set(self._consumer.lag())
        return len(messages)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _publish(self, tickers: Collection[str]) -> int:
        """Publish the rows of tickers, or all that are due, and return how many."""
        is_due = self._is_all_due or tickers
        if self._moment is None or not is_due:  # nothing has ever come, or nothing new
            return 0
        known, scored = self._scorer.report.cache_hits, self._scorer.report.scored
        try:
            with self.metrics.timed("features"):
                features = self._live.at(self._moment)
        except EvaluationError as error:
            log.warning("no live features: %s", error)
            return 0
        with self.metrics.timed("publish"):
            own = None if self._is_all_due else tickers
            rows = self._publication.publish(features, own, self._moment)
        self._is_all_due = False
        self.metrics.published.inc(rows)
        self.metrics.texts.labels("cache").inc(self._scorer.report.cache_hits - known)
        self.metrics.texts.labels("model").inc(self._scorer.report.scored - scored)
        self.metrics.out_of_scope.set(self._live.out_of_scope)
        return rows

    def _note_partitions(self) -> None:
        """Look whether partitions have come; their last worker may not have published all."""
        own = self._consumer.partitions()
        self._is_all_due |= bool(set(own) - set(self.partitions))
        self.partitions = list(own)

    def _count(self, landed: Landed, messages: int) -> None:
        self.metrics.messages.inc(messages)
        for (kind, outcome), rows in landed.counts.items():
            self.metrics.rows.labels(kind, outcome).inc(rows)


def _newest(lake: Lake) -> datetime | None:
    """Return the newest time that the stream has taken for now, None where nothing has come."""
    newest = [
        lake.read_or_empty(source_table(STREAM, kind)).select(pl.col("delivered_at").max())
        for kind in STREAM_KINDS
    ]
    ends = [frame.collect().item() for frame in newest]
    return max((it for it in ends if it is not None), default=None)
