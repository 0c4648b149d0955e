"""scored/text_sentiment in Dagster: a daily run after a replaced model ends well, and says so."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from finpulse_assets.defs.sentiment import assets, devices
from finpulse_assets.defs.sentiment.checks import one_model_scored_every_month
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment import device_speed
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from finpulse_assets.orchestration.automation.schedule import span_tags
from finpulse_assets.orchestration.run.lake_io import LakeIOManager
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.schemas import DEVICE_COMPARISON, HEADLINES, TEXT_SENTIMENT, TWEETS
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import FakeClassifier, save_small_bert, small_bert
from tests.fakes.texts import noon, tweets

MONTHS = ["2024-01-01", "2024-02-01", "2024-03-01"]
FULL = Arithmetic("cpu", "float32")


class Model(SentimentModel):
    """A sentiment model whose classifier is the fake."""

    def load(self) -> FakeClassifier:
        return FakeClassifier(self.fingerprint)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    said = [(f"acme beats {month}", noon(date(2024, month, 9))) for month in (1, 2, 3)]
    lake.append(TWEETS, tweets(said), MONTHS)
    lake.replace(HEADLINES, HEADLINES.empty(), MONTHS)
    return lake


@pytest.fixture
def run(lake: Lake, tmp_path: Path, monkeypatch):
    """Return a function that materializes the scores of a span of months by a model."""

    def materialized(
        fingerprint: str, first: str, last: str, arithmetic: Arithmetic = FULL
    ) -> dg.ExecuteInProcessResult:
        model = Model(fingerprint, tmp_path, fingerprint, {}, arithmetic)
        monkeypatch.setattr(assets, "current_sentiment_model", lambda _: model)
        return dg.materialize(
            [assets.text_sentiment, one_model_scored_every_month],
            resources={
                "settings": load_settings(home=tmp_path),
                "lake": lake,
            },
            tags=span_tags(first, last),
        )

    return materialized


def materialized_months(result: dg.ExecuteInProcessResult) -> list[tuple[str, ...]]:
    events = result.asset_materializations_for_node("scored__text_sentiment")
    return sorted({event.partition for event in events})


def test_a_daily_run_after_a_replaced_model_passes_its_check(run):
    first = run("old", MONTHS[0], MONTHS[2])
    assert first.success
    result = run("new", MONTHS[2], MONTHS[2])
    (check,) = result.get_asset_check_evaluations()
    assert check.passed, check.description
    assert check.metadata["models"].value == 1
    assert materialized_months(result) == MONTHS
    own = result.asset_materializations_for_node("scored__text_sentiment")[-1].metadata
    assert (own["changed_partitions"].value, own["scored"].value) == (3, 3)


def test_the_next_run_scores_nothing(run):
    run("old", MONTHS[0], MONTHS[2])
    result = run("old", MONTHS[2], MONTHS[2])
    own = result.asset_materializations_for_node("scored__text_sentiment")[-1].metadata
    assert (own["changed_partitions"].value, own["scored"].value) == (0, 0)
    assert own["dagster/row_count"].value == 3
    assert materialized_months(result) == MONTHS[2:]


def test_a_dtype_that_the_parity_gate_refuses_scores_nothing(run, lake, tmp_path):
    model = small_bert(max_tokens=128)
    model.classifier.weight.data *= 1000
    write_manifest(save_small_bert(tmp_path, model))
    with pytest.raises(ModelError, match="is refused in int8 on cpu"):
        run("new", MONTHS[0], MONTHS[2], Arithmetic("cpu", "int8"))
    assert lake.partitions(TEXT_SENTIMENT) == []
    assert not (load_settings(home=tmp_path).models / "scores").exists()


def test_the_device_comparison_is_a_table_with_a_plot(lake, tmp_path, monkeypatch):
    folder = save_small_bert(tmp_path / "m")
    write_manifest(folder)
    model = SentimentModel("small", folder, "f", {}, FULL)
    monkeypatch.setattr(devices, "current_sentiment_model", lambda _: model)
    monkeypatch.setattr(devices, "arithmetics_here", lambda: [FULL])
    monkeypatch.setattr(device_speed, "_PEAK_SIZE", {"cpu": 64})
    grid = {"batch_texts": [1, 2], "text_tokens": [8], "seconds_a_cell": 0.0}
    result = dg.materialize(
        [devices.device_comparison],
        resources={
            "settings": load_settings(home=tmp_path, device_price_per_hour=2.5),
            "io_manager": LakeIOManager(lake, None),
        },
        run_config={"ops": {"models__device_comparison": {"config": grid}}},
    )
    rows = lake.scan(DEVICE_COMPARISON).collect()
    assert rows["batch_texts"].to_list() == [1, 2]
    assert (rows["cost_per_million_texts"] > 0).all()
    (made,) = result.asset_materializations_for_node("models__device_comparison")
    assert made.metadata["plot"].value.startswith("![plot](data:image/png")
    assert "float32" in made.metadata["fastest"].value
