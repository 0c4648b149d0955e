"""The serving assets on fakes: what is published, and when a bento is built."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.defs.serving import assets
from finpulse_assets.defs.serving.assets import (
    BentoConfig,
    online_features,
    price_bento,
    sentiment_bento,
)
from finpulse_assets.defs.serving.online_store import online_store
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.manifest import model_fingerprint
from finpulse_assets.gateways.serving.bento_store import Bento, BentoStore, Flavour
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.online_store import FolderStore, as_parquet
from finpulse_assets.gateways.serving.sentiment_bundle import read_classifier
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, SOURCES
from finpulse_assets.settings import Settings, load_settings
from tests.fakes import scorer as fake_scorer
from tests.fakes import serving as fakes

CLOCK = RunClock(datetime(2024, 6, 29, tzinfo=UTC), date(2024, 4, 1))


class FakeWarehouse:
    """Runs the query on a frame of daily features, in a DuckDB of its own."""

    def query(self, sql: str) -> pl.DataFrame:
        import duckdb

        fct_daily_features = fakes.daily_features().to_arrow()
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.register("fct_daily_features", fct_daily_features)
            return pl.from_arrow(connection.sql(sql).to_arrow_table())


class FakeBentos:
    """Keeps what it was given, and reads the bundle while it is there."""

    def keep(self, bundle: Path, *, flavour: Flavour, labels: dict[str, str]):
        self.predictor, self.flavour, self.labels = read_bundle(bundle), flavour, labels
        return Bento("price_predictor:abc", Path("store")), True


@pytest.fixture
def models(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "price")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def test_online_features_hold_the_newest_row_of_each_ticker_and_its_close():
    """AAPL has a history that ends with its features, MSFT one that ends a session before."""
    sessions = build_sessions(date(2024, 4, 1), fakes.NEW)
    days = sessions["session_date"].to_list()
    bars = [("AAPL", day, 200.0 + at % 9) for at, day in enumerate(days)]
    bars += [("MSFT", day, 400.0) for day in days[-6:-2]]
    frame = pl.DataFrame(bars, schema=["ticker", "session_date", "close"], orient="row")
    known = pl.col("session_date").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=21)
    prices = PRICES.enforce(
        frame.with_columns(
            event_time=known, knowledge_time=known, open="close", high="close", low="close",
            volume_shares=1000, price_basis=pl.lit("traded"), source=pl.lit("files"),
        )
    )  # fmt: skip
    result = online_features(
        tickers=fakes.tickers().lazy(),
        prices=prices.lazy(),
        corporate_actions=CORPORATE_ACTIONS.empty().lazy(),
        sessions=sessions.lazy(),
        sources=SOURCES.empty().lazy(),
        warehouse=FakeWarehouse(),
        clock=CLOCK,
    )
    assert result.value.drop("close").equals(fakes.online().drop("close"))
    assert ONLINE_FEATURES.enforce(result.value).height == 3
    assert result.value.select("ticker", "close").rows() == [
        ("AAPL", bars[len(days) - 1][2]), ("GONE", None), ("MSFT", None),
    ]  # fmt: skip
    assert result.metadata["older_tickers"] == 2
    assert result.metadata["session_date"] == "2024-06-28"


@pytest.mark.parametrize("is_proven", [True, False])
def test_the_bento_is_made_of_the_champion_and_the_features(models, lake, is_proven):
    models.save(fakes.model())
    models.decide(lambda before: fakes.promotion(is_proven=is_proven))
    bentos = FakeBentos()
    config = BentoConfig(flavour=Flavour.GPU)
    result = price_bento(
        config, online=fakes.online().lazy(), models=models, bentos=bentos, lake=lake, clock=CLOCK
    )
    assert bentos.predictor.model == fakes.model()
    assert bentos.predictor.is_proven is is_proven
    assert bentos.predictor.online.equals(fakes.online())
    assert bentos.flavour is Flavour.GPU
    assert bentos.labels["is_proven"] == str(is_proven).lower()
    assert all(len(value) <= 63 for value in bentos.labels.values())
    assert (result.metadata["tag"], result.metadata["built"]) == ("price_predictor:abc", True)


def test_without_a_champion_there_is_no_bento(models, lake):
    with pytest.raises(ModelError, match="no model was promoted yet"):
        price_bento(
            BentoConfig(),
            online=fakes.online().lazy(),
            models=models,
            bentos=FakeBentos(),
            lake=lake,
            clock=CLOCK,
        )


def test_a_bento_waits_for_the_promotion_and_the_features():
    spec = price_bento.get_asset_spec()
    assert {dep.asset_key.to_user_string() for dep in spec.deps} == {
        "models/promotion",
        "monitoring/live_quality",
        "raw/headlines",
        "raw/tweets",
        "scored/text_sentiment",
        "serving/online_features",
    }
    assert isinstance(price_bento, dg.AssetsDefinition)


def test_the_online_features_go_to_the_store_that_is_set(tmp_path):
    unset = Settings(home=tmp_path)
    made = online_store(fakes.online().lazy(), unset)
    assert made.metadata == {"store": "none", "dagster/row_count": 0}
    settings = Settings(home=tmp_path, online_store=str(tmp_path / "shared"))
    made = online_store(fakes.online().lazy(), settings)
    store = FolderStore(tmp_path / "shared", "demo")
    assert made.metadata["version"] == store.version() == as_parquet(fakes.online())[0]
    assert made.metadata["dagster/row_count"] == 3
    assert online_store(fakes.online().lazy(), settings).metadata == made.metadata, "at every run"


def test_the_sentiment_bento_is_made_of_the_model_in_use(settings, monkeypatch):
    model = fake_scorer.bundle(settings.root / "made") / "model"
    fingerprint = model_fingerprint(model, dtype="float64")
    used = SentimentModel("small", model, fingerprint, {}, Arithmetic("cpu", "float64"))
    monkeypatch.setattr(assets, "current_sentiment_model", lambda _: used)
    kept = []

    def keep(store, bundle, *, flavour, labels):
        kept.append((store.name, read_classifier(bundle).fingerprint, flavour, labels["dtype"]))
        return Bento("sentiment_scorer:abc", Path("store")), True

    monkeypatch.setattr(BentoStore, "keep", keep)
    result = sentiment_bento(BentoConfig(), settings=settings)
    assert kept == [("sentiment_scorer", fingerprint, Flavour.CPU, "float64")]
    assert (result.metadata["tag"], result.metadata["model"]) == ("sentiment_scorer:abc", "small")


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    return load_settings()
