"""Parity: what the service reads for a ticker is the offline row, bit for bit."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import polars as pl

from finpulse_assets.domain.features.online import latest_features
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.predictions.signals import current_signals
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.bundle import read_bundle, write_bundle
from finpulse_assets.gateways.serving.online_store import FolderStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.schemas import DAILY_SIGNALS, TICKERS
from tests.fakes.parity import AS_SIGNAL, as_signal

NEWEST = (
    "from fct_daily_features qualify session_date = max(session_date) over (partition by ticker)"
)


def bits(frame: pl.DataFrame) -> dict[str, bytes]:
    """Return each feature's bits over all tickers, unknown values as null alone."""
    values = pl.col(feature_names()).cast(pl.Float64)
    known = frame.sort("ticker").with_columns(pl.when(values.is_finite()).then(values))
    flags = known.select(pl.col(feature_names()).is_null().cast(pl.UInt8))
    return {
        name: known[name].fill_null(0.0).to_numpy().tobytes() + flags[name].to_numpy().tobytes()
        for name in feature_names()
    }


def published(root: Path, bundle: Path) -> tuple[pl.DataFrame, Predictor]:
    """Return the offline row of each ticker, and what a service reads once it is published."""
    offline = Warehouse(root / "finpulse.duckdb").query(NEWEST)
    closes = offline.select("ticker", "session_date", close=pl.lit(10.0))
    online = latest_features(offline, Lake(root / "lake").scan(TICKERS).collect(), closes)
    models = ModelStore(root / "models" / "price")
    decision = models.in_force()
    champion = models.load(decision.champion.candidate_id)
    write_bundle(bundle, champion, decision, online)
    return offline, read_bundle(bundle)


def test_every_answer_is_the_row_of_daily_signals(demo_home: Path, tmp_path: Path):
    """What a service says just after the run's as-of time."""
    root = demo_home / "demo"
    signals = current_signals(Lake(root / "lake").scan(DAILY_SIGNALS).collect())
    newest = signals.filter(pl.col("session_date") == pl.col("session_date").max())
    _, predictor = published(root, tmp_path / "bundle")
    answering = Answering(predictor)
    assert newest.height > 1
    for signal in newest.iter_rows(named=True):
        body = json.dumps({"symbol": signal["ticker"]}).encode()
        answer = answering.answer(body, now=signal["predicted_at"])
        close = predictor.rows[signal["ticker"]]["close"]
        assert as_signal(answer, close=close) == {name: signal[name] for name in AS_SIGNAL}


def test_every_row_of_the_bento_and_of_the_store_has_the_bits_of_the_offline_row(
    demo_home: Path, tmp_path: Path
):
    root = demo_home / "demo"
    offline, served = published(root, tmp_path / "bundle")
    assert offline.height > 1
    store = FolderStore(tmp_path, "demo")
    kept = pl.read_parquet(BytesIO(store.read(store.publish(served.online))))
    expected = bits(offline)
    for online in (served.online, kept):
        assert online["ticker"].sort().to_list() == offline["ticker"].sort().to_list()
        found = bits(online)
        assert [name for name in expected if found[name] != expected[name]] == []
    read = [served.features_of(ticker) for ticker in offline["ticker"].sort()]
    model = list(served.model.features)
    assert bits(kept.sort("ticker").with_columns(
        pl.DataFrame(read, schema=dict.fromkeys(model, pl.Float64))
    )) == expected  # fmt: skip
