"""features/text_embeddings: off by default, of the texts that count on request."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from finpulse_assets.defs.features import embeddings
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.training.text_traits import trait_months
from finpulse_assets.schemas import PRICES, TWEETS
from tests.fakes.embedder import CountingEmbedder
from tests.fakes.texts import noon, tweets
from tests.unit.defs.model_home import DAYS

GERMAN = "Die Aktie von Acme steigt heute stark"


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path)
    days = DAYS[:30]
    said = [
        (f"acme number {chr(97 + n)} {chr(97 + at)}", noon(day) + timedelta(minutes=n))
        for at, day in enumerate(days[:26]) for n in range(8)
    ]  # fmt: skip
    lake.append(TWEETS, tweets([*said, (GERMAN, noon(days[27]))]), [])
    trait_months(lake, [], languages=["en"])
    bars = pl.DataFrame({"session_date": days}).with_columns(
        ticker=pl.lit("AAPL"), event_time=noon(days[0]), knowledge_time=noon(days[0]),
        open=1.0, high=1.0, low=1.0, close=1.0, volume_shares=1, price_basis=pl.lit("unadjusted"),
        source=pl.lit("test"),
    )  # fmt: skip
    months = sorted({f"{day:%Y-%m-01}" for day in days})
    lake.replace(PRICES, PRICES.enforce(bars), months)
    return lake


def materialize(lake: Lake, *, kept: bool):
    settings = SimpleNamespace(embeddings=kept, models=lake.root / "models", min_train_sessions=20)
    context = SimpleNamespace(log=SimpleNamespace(info=lambda _: None))
    return embeddings.text_embeddings.op.compute_fn.decorated_fn(context, settings, lake)


def test_nothing_is_embedded_unless_it_is_asked_for(lake, monkeypatch):
    monkeypatch.setattr(embeddings, "MiniLM", None)
    made = materialize(lake, kept=False)
    assert made.value.is_empty()
    assert made.metadata["note"].startswith("off; FINPULSE_EMBEDDINGS=true")


def test_texts_that_count_are_embedded(lake, monkeypatch):
    monkeypatch.setattr(embeddings, "MiniLM", CountingEmbedder)
    made = materialize(lake, kept=True)
    assert made.value.select("ticker", "session_date").rows() == [
        ("AAPL", day) for day in DAYS[:26]
    ]
    assert made.metadata["encoder"] == "counting"
    assert (lake.root / "models" / "scores" / "embeddings-counting.sqlite").is_file()
