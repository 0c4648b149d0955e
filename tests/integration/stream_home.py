"""A home that was run, and workers of the stream on it, with a keyword rule as classifier."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate
from finpulse_assets.domain.simulator.market import SimulatedMarket
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.serving.online_store import FolderStore
from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.gateways.sources.stream.consumer import Kafka, StreamConsumer
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.audit.feature_replay import (
    FeatureReplay,
    table_as_of,
)
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.orchestration.stream.landing import Landing
from finpulse_assets.orchestration.stream.live_features import LiveFeatures
from finpulse_assets.orchestration.stream.metrics import StreamMetrics
from finpulse_assets.orchestration.stream.publication import Publication
from finpulse_assets.orchestration.stream.worker import Worker
from finpulse_assets.orchestration.training.text_scoring import score_months
from finpulse_assets.orchestration.training.text_traits import trait_months
from finpulse_assets.schemas import SOURCES
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import FakeClassifier
from tests.fakes.ingestion import ingest, metadata_of

DEADLINE = timedelta(minutes=30)  # only against a hang
CALENDAR = build_sessions(date(2018, 1, 2), date(2025, 6, 30))


def copy_home(
    demo_home: Path,
    home: Path,
    parts: Sequence[str] = ("lake", "models", "dbt_target", "home.json"),
) -> Path:
    """Copy what the stream needs of a finished demo; return the home."""
    for name in parts:
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
        self.store = FolderStore(home / "store", "demo")

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
            publication=Publication(self.lake, models, CALENDAR, self.store),
            metrics=StreamMetrics(),
            now=system_now,
        )

    def read_all(self, count: int, *, group: str = "workers") -> None:
        """Land `count` messages as a worker of a group does, without features."""
        consumer, got = self.consumer(group), 0
        until = system_now() + DEADLINE
        while got < count or consumer.lag():
            assert system_now() < until, f"{got} of {count} messages came"
            messages = consumer.read(1.0)
            if messages:
                self.landing.land(messages, system_now())
                consumer.commit()
            got += len(messages)
        consumer.close()


def sources_of_files(
    frames: Mapping[str, pl.DataFrame], folder: Path
) -> tuple[FileTextSource, FilePriceSource]:
    """Return the sources that read these rows from files."""
    paths = {name: folder / f"{name}.parquet" for name in frames}
    for name, path in paths.items():
        frames[name].write_parquet(path)
    prices = FilePriceSource(prices=paths.pop("prices"))
    return FileTextSource(**paths), prices


def run_over(home: StreamHome, source: Source, as_of: datetime) -> dict[str, object]:
    """Make every table up to the features from one source; return what its asset says."""
    months = ["2024-05-01", "2024-06-01"]
    done, lake = ingest(home.root, source, as_of=as_of, months=months)
    assert done.success
    score_months(lake, home.scorer, months)
    trait_months(lake, months, languages=["en"])
    order = [{"kind": kind, "source": source.name, "rank": 1} for kind in source.kinds]
    lake.replace(SOURCES, pl.DataFrame(order, schema=SOURCES.polars_schema), [WHOLE])
    replay = FeatureReplay(MartReplay.of(home.root / "dbt_target/manifest.json"))
    for name in (DAILY_FEATURES, TRAINING_SET):
        built = table_as_of(lake, replay, name, as_of)
        (lake.root / name).mkdir(parents=True)
        built.write_parquet(lake.root / name / "all.parquet")
    return metadata_of(done, "source", source.name)


def content_hashes(lake: Lake) -> dict[str, str]:
    """Return a hash of what each table holds, but for when a row was asked for or read."""
    hashes = {}
    for folder in sorted({path.parent for path in lake.root.rglob("*.parquet")}):
        rows = pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("[!.]*.parquet"))])
        content = rows.select(pl.exclude("delivered_at")).write_ndjson().encode()
        if folder.name != "requests":
            name = str(folder.relative_to(lake.root))
            hashes[name] = hashlib.sha256(content).hexdigest()
    return hashes


def table_bytes(lake: Lake) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in lake.root.rglob("*.parquet")}
