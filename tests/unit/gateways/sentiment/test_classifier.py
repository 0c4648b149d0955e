"""The classifier: one contract over the fake and a real small BERT, then what only torch has."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import model_fingerprint, write_manifest
from tests.fakes.classifier import WORDS, FakeClassifier, save_small_bert, small_bert

TEXTS = ["acme beats the report", "bolt cuts profit", "core opens", "", "acme beats the report"]
LONG = "acme " * 200
sentences = st.lists(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), max_size=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = save_small_bert(tmp_path_factory.mktemp("small") / "bert")
    write_manifest(made)
    return made


@pytest.fixture(scope="module")
def small(folder: Path) -> Classifier:
    return Classifier.load(folder, device="cpu", max_length=32, token_budget=256)


@pytest.fixture(params=["fake", "small"])
def classifier(request, small: Classifier):
    return FakeClassifier(max_length=32) if request.param == "fake" else small


def copy_of(folder: Path, target: Path, **config) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    settings_file = target / "config.json"
    settings_file.write_text(json.dumps(json.loads(settings_file.read_text()) | config))
    write_manifest(target)
    return target


def test_contract_values(classifier) -> None:
    scores = classifier.score(TEXTS)
    parts = [scores.p_positive, scores.p_negative, scores.p_neutral]
    for part in parts:
        assert part.shape == (5,)
        assert part.dtype == np.float64
        assert (part == part.round(6)).all()
        assert part[0] == part[4]
    assert np.abs(sum(parts) - 1).max() < 2e-6
    assert min(part.min() for part in parts) >= 0
    assert scores.is_truncated.tolist() == [False] * 5
    assert scores.device == "cpu"
    assert scores.dtype in ("float32", "float64")
    assert scores.texts_per_second > 0
    assert scores.token_count > 0


def test_contract_reports_truncation(classifier) -> None:
    scores = classifier.score([LONG, *TEXTS])
    assert scores.is_truncated.tolist() == [True] + [False] * 5


def test_contract_empty_and_wrong_input(classifier) -> None:
    scores = classifier.score([])
    assert scores.p_positive.shape == scores.is_truncated.shape == (0,)
    assert scores.token_count == 0
    with pytest.raises(ModelError, match="text 1 is None, it should be a string"):
        classifier.score(["acme", None])


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=sentences, draw=st.randoms(use_true_random=False))
def test_order_and_batches_do_not_matter(small: Classifier, texts: list[str], draw) -> None:
    order = list(range(len(texts)))
    draw.shuffle(order)
    straight = small.score(texts)
    mixed = replace(small, token_budget=32).score([texts[i] for i in order])
    for name in ("p_positive", "p_negative", "p_neutral"):
        moved = getattr(straight, name)[order]
        assert getattr(mixed, name).tobytes() == moved.tobytes()


def test_a_text_alone_has_the_score_that_it_has_among_hundreds(small: Classifier) -> None:
    """A home that grew day by day equals one that was made at once; float32 moves some."""
    draw = random.Random(7)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 28))) for _ in range(400)]
    together = small.score(texts)
    alone = [small.score([text]) for text in texts]
    for name in ("p_positive", "p_negative", "p_neutral"):
        assert [getattr(it, name)[0] for it in alone] == getattr(together, name).tolist()
    assert together.dtype == "float64"


def test_probabilities_are_those_of_transformers(small: Classifier, folder: Path) -> None:
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        logits = small_bert()(**tokenizer("bolt cuts profit", return_tensors="pt")).logits
    expected = logits.softmax(dim=1)[0].tolist()
    scores = small.score(["bolt cuts profit"])
    found = [scores.p_positive[0], scores.p_negative[0], scores.p_neutral[0]]
    assert found == pytest.approx(expected, abs=1e-6)
    assert max(found) - min(found) > 0.05


def test_label_order_comes_from_the_config(small: Classifier, folder: Path, tmp_path) -> None:
    names = {"0": "Bearish", "1": "Neutral", "2": "Bullish"}
    other = Classifier.load(copy_of(folder, tmp_path / "m", id2label=names), max_length=32)
    ours, theirs = small.score(TEXTS), other.score(TEXTS)
    assert ours.p_positive == pytest.approx(theirs.p_negative, abs=2e-6)
    assert ours.p_neutral == pytest.approx(theirs.p_positive, abs=2e-6)
    assert other.fingerprint != small.fingerprint


def test_fingerprint_is_known_without_loading(small: Classifier, folder: Path) -> None:
    assert small.fingerprint == model_fingerprint(folder, dtype="float64", max_length=32)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_a_reduced_dtype_is_close_and_has_a_fingerprint_of_its_own(
    small: Classifier, folder: Path, dtype: str
) -> None:
    other = Classifier.load(folder, device="cpu", dtype=dtype, max_length=32)
    scores, expected = other.score(TEXTS), small.score(TEXTS)
    assert scores.dtype == dtype
    assert scores.p_positive == pytest.approx(expected.p_positive, abs=0.06)
    assert (scores.p_positive != expected.p_positive).any() == (dtype != "float32")
    assert other.fingerprint == model_fingerprint(folder, dtype=dtype, max_length=32)
    assert other.fingerprint != small.fingerprint


def out_of_memory_above(limit: int, monkeypatch) -> list[int]:
    import torch

    sizes: list[int] = []
    forward = Classifier._forward

    def limited(self, token_ids):
        sizes.append(len(token_ids))
        if len(token_ids) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, token_ids)

    monkeypatch.setattr(Classifier, "_forward", limited)
    return sizes


def test_out_of_memory_halves_the_budget(small: Classifier, monkeypatch, caplog) -> None:
    texts = ["acme beats the report"] * 40
    expected = small.score(texts)
    sizes = out_of_memory_above(12, monkeypatch)
    scores = small.score(texts)
    assert scores.p_positive == pytest.approx(expected.p_positive, abs=2e-6)
    assert sizes[:3] == [40, 21, 10]
    assert "token budget now 64" in caplog.text


def test_out_of_memory_on_one_text_is_an_error(small: Classifier, monkeypatch) -> None:
    out_of_memory_above(0, monkeypatch)
    with pytest.raises(ModelError, match="one text of 6 tokens exceeds the memory of cpu"):
        small.score(["acme beats the report"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 65}, "max_length is 65 tokens, bert reads 3 to 64"),
        ({"max_length": 2}, "max_length is 2 tokens"),
        ({"max_length": 64, "token_budget": 32}, "token_budget is 32 tokens.*64"),
    ],
)
def test_limits(folder: Path, options: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Classifier.load(folder, **options)


def test_untrained_head_is_refused(tmp_path: Path) -> None:
    folder = save_small_bert(tmp_path / "encoder", small_bert().bert)
    config = json.loads((folder / "config.json").read_text())
    names = {"0": "positive", "1": "negative", "2": "neutral"}
    (folder / "config.json").write_text(json.dumps(config | {"id2label": names}))
    write_manifest(folder)
    with pytest.raises(ModelError, match=r"lacks 2 weights .*classifier\.bias.*trained head"):
        Classifier.load(folder, max_length=32)


def test_the_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    """A token past the embeddings would stop a run at the first text that has it."""
    mixed = save_small_bert(tmp_path / "mixed")
    with (mixed / "vocab.txt").open("a") as file:
        file.write("another\nmodel\n")
    write_manifest(mixed)
    with pytest.raises(ModelError, match=r"mixed has 30 tokens, the model knows 28"):
        Classifier.load(mixed, device="cpu", max_length=64)


def test_pickled_weights_are_never_read(folder: Path, tmp_path: Path) -> None:
    import torch

    pickled = copy_of(folder, tmp_path / "pickled")
    torch.save(small_bert().state_dict(), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    write_manifest(pickled)
    with pytest.raises(ModelError, match=r"cannot be loaded .* Hint: .*model\.safetensors"):
        Classifier.load(pickled, max_length=32)


def test_damaged_weights_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    broken = copy_of(folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\x00" * 40)
    write_manifest(broken)
    with pytest.raises(ModelError, match="broken cannot be loaded as a sequence classifier"):
        Classifier.load(broken, max_length=32)


def test_remote_code_is_not_run(folder: Path, tmp_path: Path) -> None:
    auto_map = {"AutoModelForSequenceClassification": "evil.Evil", "AutoConfig": "evil.EvilConfig"}
    evil = copy_of(folder, tmp_path / "evil", auto_map=auto_map, model_type="evil")
    (evil / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    write_manifest(evil)
    with pytest.raises(ModelError, match="evil cannot be loaded as a sequence classifier"):
        Classifier.load(evil, max_length=32)
    assert not (tmp_path / "ran").exists()


def test_changed_weights_are_refused_before_torch_sees_them(folder: Path, tmp_path) -> None:
    changed = copy_of(folder, tmp_path / "changed")
    with (changed / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(ModelError, match=r"model\.safetensors has the sha256"):
        Classifier.load(changed, max_length=32)


def test_nan_is_an_error(small: Classifier, tmp_path: Path) -> None:
    model = small_bert()
    model.classifier.bias.data[:] = float("nan")
    folder = save_small_bert(tmp_path / "nan", model)
    write_manifest(folder)
    with pytest.raises(ModelError, match="answers with NaN in float64 on cpu"):
        Classifier.load(folder, max_length=32).score(["acme"])
