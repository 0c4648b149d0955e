"""The stream on two cores with MiniLM: from a message to the signal, sustained texts, a burst.

    python benchmarks/stream.py [HOME]    # of a `finpulse demo`, which is copied; else it is run
    python benchmarks/stream.py HOME cpu  # on a machine that is shared: CPU seconds are the clock

The broker is that of the tests, in memory on loopback. Messages are sent by another process; every
text is one that no run has scored.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from measured import ROOT, finpulse, verdict

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.stream.consumer import StreamConsumer
from finpulse_assets.gateways.sources.stream.messages import Message, Text, encode
from finpulse_assets.gateways.sources.stream.producer import StreamProducer
from finpulse_assets.gateways.sources.stream.script import Timed
from finpulse_assets.orchestration.stream.simulation import Pace, send
from finpulse_assets.orchestration.stream.start import kafka_of, start_worker
from finpulse_assets.orchestration.stream.worker import Worker
from finpulse_assets.orchestration.training.sentiment_model import current_sentiment_model
from finpulse_assets.schemas import TICKERS
from finpulse_assets.settings import load_settings
from tests.fakes.kafka_broker import running_broker, settings_of

RATE, SECONDS = 50, 60
SUSTAINED, PLAIN, BURST = 3_000, 200, 5_000
P50_SECONDS, P99_SECONDS = 1.0, 5.0


class Recorded:
    """Every observed value, in place of a histogram."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def observe(self, value: float) -> None:
        self.values.append(value)


class ByCpu:
    """Gives texts without a broker, RATE of them in each second of this process' CPU.

    So other processes do not count. Two threads that work at once count as if one did all.
    """

    def __init__(self, count: int) -> None:
        self._left = deque(enumerate(script("cpu", count)))
        self._start, self._idle = system_now(), 0.0
        self._began: float | None = None  # with the first batch, when the models are loaded

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds())

    def read(self, seconds: float) -> list[Message]:  # noqa: ARG002 - nothing is waited for
        if self._began is None:
            self._began = time.process_time()
        if not self._left:
            return []
        self._idle += max(0.0, self._left[0][0] / RATE - self._seconds())
        got = []
        while self._left and self._left[0][0] / RATE <= self._seconds():
            number, timed = self._left.popleft()
            sent_at = self._start + timedelta(seconds=number / RATE)
            got.append(Message("texts", encode(timed.message), sent_at))
        return got

    @property
    def left(self) -> int:
        return len(self._left)

    def commit(self) -> bool:
        return True

    def lag(self) -> int:
        return 0

    def partitions(self) -> list[tuple[str, int]]:
        return [("texts", 0)]

    def _seconds(self) -> float:
        return 0.0 if self._began is None else time.process_time() - self._began + self._idle


def script(name: str, count: int) -> list[Timed]:
    """Return `count` texts about the tickers of the home, as of now."""
    settings = load_settings()
    listed = Lake(settings.lake).scan(TICKERS).filter(pl.col("valid_to").is_null()).collect()
    symbols = listed["ticker"].unique().sort().to_list()
    days = build_sessions(date(2018, 1, 2), date(2026, 6, 30))
    plan = MarketPlan(ticker_count=16, session_count=40, seed=99, texts_per_session=20)
    texts = simulate(plan, days).tweets["text"].head(count).to_list()
    return [
        Timed(
            system_now(),
            Text(
                kind="tweet",
                text_id=str(number),
                ticker=symbols[number % len(symbols)],
                event_time=system_now(),
                text=f"{text} {name} {number}",
                author=f"author{number % 500}",
            ),
        )
        for number, text in enumerate(texts)
    ]


def produce(name: str, count: int, rate: float) -> None:
    """Send texts, as of now; a rate of 0 is none."""
    producer = StreamProducer(kafka_of(load_settings()))
    send(Pace(rate=rate or None).paced(script(name, count)), producer, as_of_now=system_now)
    producer.close()


def producing(name: str, count: int, rate: float = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", __file__, "produce", name, str(count), str(rate)]
    return subprocess.Popen(command, cwd=ROOT)


@dataclass(frozen=True)
class Taken:
    """What taking some messages took; `to_signal` are seconds from their sending."""

    to_signal: list[float]
    seconds: float
    cpu_seconds: float
    batches: int


def take(worker: Worker, count: int) -> Taken:
    """Let the worker take `count` messages; the clock starts with the first."""
    worker.metrics.to_signal = recorded = Recorded()
    began, taken, batches = None, 0, 0
    while taken < count:
        before = time.perf_counter(), time.process_time()
        got = worker.step()
        if got and began is None:
            began = before
        taken, batches = taken + got, batches + bool(got)
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return Taken(recorded.values, seconds, cpu, batches)


def one_by_one(count: int) -> tuple[float, float]:
    """Return the texts a second, by the clock and by CPU, of a loop that takes one at a time."""
    settings = load_settings()
    classifier = current_sentiment_model(settings).load()
    consumer = StreamConsumer(kafka_of(settings), group="plain", batch=1)
    began, taken = None, 0
    while taken < count:
        for message in consumer.read(1.0):
            began = began or (time.perf_counter(), time.process_time())
            classifier.score([message.value.decode()])
            consumer.commit()
            taken += 1
    consumer.close()
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return count / seconds, count / cpu


def measure_by_cpu() -> None:
    given = ByCpu(RATE * SECONDS)
    worker = start_worker(load_settings(), now=given.now, consumer=given)
    take(worker, RATE)
    steady = take(worker, given.left)
    p50, p99 = np.percentile(steady.to_signal, [50, 99])
    print(
        f"{RATE} texts in each second of CPU, {SECONDS} s: p50 {p50:.2f} s, p99 {p99:.2f} s of CPU "
        f"from sending to signal; {steady.batches} batches of "
        f"{steady.cpu_seconds / steady.batches:.2f} s, load {os.getloadavg()[0]:.1f}"
    )
    print_steps(worker)


def print_steps(worker: Worker) -> None:
    for step in ("keep", "commit", "features", "publish"):
        name = "finpulse_stream_step_seconds"
        values = [worker.metrics.registry.get_sample_value(f"{name}_{it}", {"step": step})
                  for it in ("sum", "count")]  # fmt: skip
        print(f"  {step:<9}{values[0] / values[1]:6.3f} s a batch")


def measure() -> None:
    worker = start_worker(load_settings())
    warm = producing("warm", 20)
    take(worker, 20)
    warm.wait()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the worker's own")

    sender = producing("steady", RATE * SECONDS, RATE)
    steady = take(worker, RATE * SECONDS)
    sender.wait()
    p50, p99 = np.percentile(steady.to_signal, [50, 99])
    print(
        f"{RATE} texts/s for {SECONDS} s, from sending to signal: p50 {p50:.2f} s, p99 "
        f"{p99:.2f} s; {steady.batches} batches of {steady.cpu_seconds / steady.batches:.2f} s CPU"
    )

    producing("sustained", SUSTAINED).wait()
    waiting = take(worker, SUSTAINED)
    sustained, by_cpu = SUSTAINED / waiting.seconds, SUSTAINED / waiting.cpu_seconds
    plain, plain_by_cpu = one_by_one(PLAIN)
    print(
        f"{SUSTAINED:,} texts waiting: {sustained:.0f} texts/s to lake, features and signals, "
        f"{by_cpu:.0f} a second of CPU; a plain loop that scores one text a message, and does no "
        f"more: {plain:.0f} texts/s, {plain_by_cpu:.0f} a second of CPU"
    )

    producing("burst", BURST).wait()
    drained = take(worker, BURST).seconds
    while worker.step():
        pass
    lag = worker.metrics.registry.get_sample_value("finpulse_stream_lag_messages")
    print(
        f"a burst of {BURST:,}: lag {lag:.0f} after {drained:.1f} s, load {os.getloadavg()[0]:.1f}"
    )
    print(worker.metrics.sentence())
    print_steps(worker)
    worker.close()
    verdict(
        {
            f"p50 under {P50_SECONDS:g} s": p50 < P50_SECONDS,
            f"p99 under {P99_SECONDS:g} s": p99 < P99_SECONDS,
            "more texts than one by one": sustained > plain and by_cpu > plain_by_cpu,
            "the burst is drained": lag == 0,
        }
    )


def main() -> None:
    if sys.argv[1:2] == ["produce"]:
        name, count, rate = sys.argv[2:]
        produce(name, int(count), float(rate))
        return
    if sys.argv[2:] == ["cpu"]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(Path(sys.argv[1]) / "demo", Path(folder) / "demo")
            os.environ.update(settings_of("127.0.0.1:9092", Path(folder)))
            measure_by_cpu()
        return
    with tempfile.TemporaryDirectory() as folder, running_broker() as address:
        home = Path(folder)
        if len(sys.argv) > 1:
            shutil.copytree(Path(sys.argv[1]) / "demo", home / "demo")
        else:
            finpulse(["demo"], home)
        os.environ.update(settings_of(address, home))
        measure()


if __name__ == "__main__":
    main()
