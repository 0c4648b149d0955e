"""The parity gate: what is measured, what is refused, and that it is measured once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment import parity
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import model_fingerprint, write_manifest
from finpulse_assets.gateways.sentiment.parity import admit, parity_of, parity_sample
from tests.fakes.classifier import opinion_sentences, save_small_bert, small_bert

BFLOAT16, INT8 = Arithmetic("cpu", "bfloat16"), Arithmetic("cpu", "int8")
TEXTS = opinion_sentences(300)["text"].to_list()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = save_small_bert(tmp_path_factory.mktemp("small") / "bert")
    write_manifest(made)
    return made


def measured(folder: Path, arithmetic: Arithmetic) -> parity.Parity:
    return parity_of(folder, arithmetic, lambda: TEXTS, max_length=32)


def never() -> list[str]:
    raise AssertionError("the sample was read though the report is kept")


@pytest.mark.parametrize("arithmetic", [BFLOAT16, INT8], ids=str)
def test_a_report_says_how_far_scores_are_from_float32(folder: Path, arithmetic) -> None:
    report = measured(folder, arithmetic)
    full = Classifier.load(folder, device="cpu", dtype="float32", max_length=32)
    reduced = Classifier.load(folder, device="cpu", dtype=arithmetic.dtype, max_length=32)
    sample = parity_sample(TEXTS)
    change = abs(full.score(sample).p_positive - reduced.score(sample).p_positive)
    assert report.texts == parity.SAMPLE_TEXTS
    assert 0 < change.max() <= report.largest_change < 1
    assert 0 < report.mean_change < report.largest_change
    assert 0 <= report.flipped <= report.texts
    assert report.times_faster > 0
    assert report.fingerprint == reduced.fingerprint


def test_a_report_is_made_once_for_a_model_a_dtype_and_a_release(folder: Path, monkeypatch) -> None:
    first = measured(folder, INT8)
    kept = folder.with_name("bert.int8-cpu.json")
    assert json.loads(kept.read_text())["dtype"] == "int8"
    assert parity_of(folder, INT8, never, max_length=32) == first
    with pytest.raises(AssertionError, match="the sample was read"):
        parity_of(folder, INT8, never, max_length=16)
    monkeypatch.setattr(parity, "version", lambda _: "another release of torch")
    with pytest.raises(AssertionError, match="the sample was read"):
        parity_of(folder, INT8, never, max_length=32)


@pytest.mark.parametrize("content", ["{", "[]", '{"dtype": "int8"}'])
def test_a_damaged_report_is_made_again(folder: Path, content: str) -> None:
    first = measured(folder, INT8)
    folder.with_name("bert.int8-cpu.json").write_text(content)
    again = measured(folder, INT8)
    assert replace(again, times_faster=1.0) == replace(first, times_faster=1.0)


def test_full_precision_needs_no_report(tmp_path: Path) -> None:
    assert admit(tmp_path / "absent", Arithmetic("cpu", "float32"), never) is None
    assert admit(tmp_path / "absent", Arithmetic("cpu", "float64"), never) is None


def test_what_is_close_is_admitted(tmp_path: Path) -> None:
    model = small_bert()
    model.classifier.weight.data *= 0.05
    model.classifier.bias.data[0] = 1.0
    folder = save_small_bert(tmp_path / "close", model)
    write_manifest(folder)
    report = admit(folder, INT8, lambda: TEXTS, max_length=32)
    assert (report.flipped, report.is_admitted) == (0, True)
    assert report.largest_change < parity.MAX_PROBABILITY_CHANGE


def test_what_is_far_is_refused_in_one_sentence_and_nothing_else_is_used(tmp_path: Path) -> None:
    model = small_bert()
    model.classifier.weight.data *= 1000  # the slightest change of a state becomes another label
    folder = save_small_bert(tmp_path / "far", model)
    write_manifest(folder)
    message = (
        r"the model far is refused in int8 on cpu: \d+\.\d% of 256 labels flip \(admitted 2%\), "
        r"the largest change of a probability is \d\.\d+ \(admitted 0\.1\).*FINPULSE_SCORING_DTYPE"
    )
    for _ in range(2):  # from a new report, and from the kept one
        with pytest.raises(ModelError, match=message):
            admit(folder, INT8, lambda: TEXTS, max_length=32)
    assert not parity_of(folder, INT8, never, max_length=32).is_admitted


def test_limits_are_those_of_labels_and_of_probabilities(folder: Path) -> None:
    report = replace(measured(folder, BFLOAT16), flipped=0, largest_change=0.0)
    assert report.is_admitted
    assert replace(report, flipped=5).is_admitted
    assert not replace(report, flipped=6).is_admitted
    assert replace(report, largest_change=0.1).is_admitted
    assert not replace(report, largest_change=0.101).is_admitted


def test_a_model_trained_anew_is_measured_anew(tmp_path: Path) -> None:
    folder = save_small_bert(tmp_path / "m")
    write_manifest(folder)
    before = measured(folder, BFLOAT16)
    save_small_bert(folder, small_bert(seed=4))
    write_manifest(folder)
    after = measured(folder, BFLOAT16)
    assert after.fingerprint != before.fingerprint
    assert after.fingerprint == model_fingerprint(folder, dtype="bfloat16", max_length=32)


def test_the_sample_is_the_same_in_any_order_and_has_long_texts() -> None:
    sample = parity_sample(TEXTS)
    assert parity_sample([*reversed(TEXTS), *TEXTS]) == sample
    lengths = [len(text.split()) for text in sample]
    assert len(sample) == 256
    assert sum(length > 30 for length in lengths) == 32
    with pytest.raises(ModelError, match="no text to compare"):
        parity_sample([])
