"""A home that was run, and workers of the stream on it, with a keyword rule as classifier."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate
from finpulse_assets.domain.simulator.market import SimulatedMarket
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.sources.stream.consumer import Kafka, StreamConsumer
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.stream.landing import Landing
from finpulse_assets.orchestration.stream.live_features import LiveFeatures
from finpulse_assets.orchestration.stream.metrics import StreamMetrics
from finpulse_assets.orchestration.stream.publication import Publication
from finpulse_assets.orchestration.stream.worker import Worker
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import FakeClassifier

CALENDAR = build_sessions(date(2018, 1, 2), date(2025, 6, 30))


def copy_home(demo_home: Path, home: Path) -> Path:
    """Copy what the stream needs of a finished demo; return the home."""
    for name in ("lake", "models", "dbt_target", "home.json"):
        part = demo_home / "demo" / name
        copy = shutil.copytree if part.is_dir() else shutil.copy
        (home / "demo").mkdir(parents=True, exist_ok=True)
        copy(part, home / "demo" / name)
    return home


def kafka(address: str, name: str) -> Kafka:
    """Return topics of one test's own."""
    return Kafka(address, {"texts": f"{name}-texts", "bars": f"{name}-bars"})


def market(sessions: int, last: date, **plan: float) -> SimulatedMarket:
    """Return the last sessions of a simulated market of six tickers."""
    days = CALENDAR.filter(pl.col("session_date") <= last)
    return simulate(MarketPlan(ticker_count=6, session_count=sessions, **plan), days)


class StreamHome:
    """The parts of a worker on one home."""

    def __init__(self, home: Path, messages: Kafka) -> None:
        self.root, self.kafka = home / "demo", messages
        self.lake = Lake(self.root / "lake")
        self.settings = load_settings(home=home, profile="demo", sources="simulator,stream")
        self.landing = Landing(self.lake, self.settings, CALENDAR)

    def consumer(self, group: str = "workers", *, batch: int = 100) -> StreamConsumer:
        return StreamConsumer(self.kafka, group=group, batch=batch)

    @property
    def scorer(self) -> TextScorer:
        folder = self.root / "models" / "scores"
        return TextScorer(folder, "fake", LocalEngine(FakeClassifier))

    def live(self, scorer: TextScorer | None = None) -> LiveFeatures:
        marts = MartReplay.of(self.root / "dbt_target/manifest.json")
        return LiveFeatures(
            self.lake, marts, scorer or self.scorer, calendar=CALENDAR, languages=("en",)
        )

    def worker(self, *, batch: int = 100) -> Worker:
        scorer = self.scorer
        models = ModelStore(self.root / "models" / "price")
        return Worker(
            consumer=self.consumer(batch=batch),
            landing=self.landing,
            live=self.live(scorer),
            scorer=scorer,
            publication=Publication(self.lake, models, CALENDAR),
            metrics=StreamMetrics(),
            now=system_now,
        )

    def read_all(self, count: int, *, group: str = "workers") -> None:
        """Land `count` messages as a worker of a group does, without features."""
        consumer, got = self.consumer(group), 0
        until = system_now() + timedelta(seconds=60)
        while got < count:
            assert system_now() < until, f"{got} of {count} messages came"
            messages = consumer.read(1.0)
            if messages:
                self.landing.land(messages, system_now())
                assert consumer.commit()
            got += len(messages)
        consumer.close()
