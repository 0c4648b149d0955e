"""The sentiment assets in Dagster: a model that is trained, its leaderboard, and its scores."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.defs.sentiment import assets, devices
from finpulse_assets.defs.sentiment.checks import (
    one_model_scored_every_month,
    trained_on_no_dev_text,
)
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment import device_speed
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.companion import Companion
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from finpulse_assets.orchestration.automation.schedule import span_tags
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.lake_io import LakeIOManager, lake_io_manager
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.schemas import (
    DEVICE_COMPARISON,
    HEADLINES,
    SENTIMENT_LEADERBOARD,
    TEXT_SENTIMENT,
    TWEETS,
)
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import (
    FakeClassifier,
    opinion_sentences,
    save_small_bert,
    small_bert,
)
from tests.fakes.texts import noon, tweets
from tests.fakes.tracking import InMemoryTracking

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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A home in which the tiny model was trained on one file, with the run and its tracking."""
    home: Path = tmp_path_factory.mktemp("home")
    labelled = home / "sentences.csv"
    opinion_sentences(500).write_csv(labelled)
    settings = load_settings(home=home, sentiment_model="tiny", labelled_texts_path=labelled)
    tracking, lake = InMemoryTracking(), Lake(settings.lake)

    def run(**changed: object) -> dg.ExecuteInProcessResult:
        own = settings.model_copy(update=changed)
        return dg.materialize(
            [assets.sentiment_model, assets.sentiment_leaderboard, trained_on_no_dev_text],
            resources={
                "settings": own,
                "tracking": tracking,
                "io_manager": lake_io_manager(lake),
                "clock": RunClock(noon(date(2024, 1, 9)), date(2024, 1, 1)),
            },
        )

    return run, run(), tracking, lake, labelled


def of(result: dg.ExecuteInProcessResult, asset: dg.AssetsDefinition) -> dict[str, object]:
    (event,) = result.asset_materializations_for_node(asset.op.name)
    return {name: it.value for name, it in event.metadata.items()}


def test_a_training_is_shown_and_logged_once(trained):
    run, first, tracking, *_ = trained
    shown = of(first, assets.sentiment_model)
    assert "sentences" in shown["labelled_sets"]
    assert "weighted_f1" in shown["dev_figures"]
    assert of(run(), assets.sentiment_model)["fingerprint"] == shown["fingerprint"]
    assert [one["mode"] for one in tracking.trainings] == ["full"]
    assert tracking.trainings[0]["dev"]["sentences"]["accuracy"] > 0.8


def test_the_leaderboard_has_every_model_of_the_home_and_what_is_published(trained):
    _, first, _, lake, _ = trained
    rows = lake.scan(SENTIMENT_LEADERBOARD).collect()
    folder = Path(of(first, assets.sentiment_model)["folder"])
    has_companion = Companion.load(folder) is not None
    companions = {f"TF-IDF of {folder.name}"} if has_companion else set()
    assert set(rows["model"]) == {"VADER", folder.name, *companions}
    assert rows["seen_count"].sum() == 0
    shown = of(first, assets.sentiment_leaderboard)
    board = shown["leaderboard"]
    assert board.index(folder.name) < board.index("VADER")
    assert re.search(r"\| VADER \| 0\.\d{3} \\\[0\.\d{3}\u2060–\u2060[01]\.\d{3}\\\] \|", board)
    assert "arXiv 1908.10063" in shown["published"]
    assert "seen" in shown["contamination"]


def test_a_model_trained_on_what_is_now_a_dev_text_fails_its_check(trained, tmp_path):
    run, first, _, _, labelled = trained
    (check,) = first.get_asset_check_evaluations()
    assert check.passed
    folder = of(first, assets.sentiment_model)["folder"]
    later = tmp_path / "later.parquet"
    pl.read_csv(labelled).with_columns(split=pl.lit("dev")).write_parquet(later)
    later.with_suffix(".toml").write_text('split = "split"')
    again = run(sentiment_model=folder, labelled_texts_path=(later,))
    (check,) = again.get_asset_check_evaluations()
    assert not check.passed
    assert re.fullmatch(r"\d+ texts of later", check.description)


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
    monkeypatch.setattr(device_speed, "_PEAK_SECONDS", 0.0)
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
    assert "float32" in made.metadata["best_batches"].value
