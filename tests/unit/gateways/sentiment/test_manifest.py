"""The manifest, the label order and the fingerprint of a model folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import sha256_of_file
from finpulse_assets.gateways.sentiment.manifest import (
    check_manifest,
    model_fingerprint,
    publish,
    read_labels,
    read_manifest,
    write_manifest,
)

FINBERT = {"0": "positive", "1": "negative", "2": "neutral"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"id2label": FINBERT}))
    (made / "model.safetensors").write_bytes(b"weights")
    write_manifest(made, {"revision": "abc"})
    return made


def test_manifest_lists_every_file_and_keeps_notes(folder: Path) -> None:
    hashes = check_manifest(folder)
    assert hashes == {
        "config.json": hashlib.sha256((folder / "config.json").read_bytes()).hexdigest(),
        "model.safetensors": hashlib.sha256(b"weights").hexdigest(),
    }
    assert read_manifest(folder)["notes"] == {"revision": "abc"}


def test_changed_file_is_named_with_both_hashes(folder: Path) -> None:
    before = check_manifest(folder)["model.safetensors"][:12]
    (folder / "model.safetensors").write_bytes(b"other")
    after = sha256_of_file(folder / "model.safetensors")[:12]
    with pytest.raises(ModelError, match=rf"has the sha256 {after}.*{before}.*Hint"):
        check_manifest(folder)


def test_missing_file_is_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read: No such file"):
        check_manifest(folder)


def test_added_file_is_refused_and_a_hidden_one_is_not(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"x")
    check_manifest(folder)
    (folder / "added_tokens.json").write_text("{}")
    with pytest.raises(ModelError, match=r"added_tokens\.json is not in the manifest"):
        check_manifest(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"has no manifest\.json"),
        ("{", "cannot be read as JSON"),
        ("[]", "lists no files"),
        ('{"files": {}}', "lists no files"),
    ],
)
def test_unusable_manifest(folder: Path, content: str | None, message: str) -> None:
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        check_manifest(folder)


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (FINBERT, ("positive", "negative", "neutral")),
        ({"0": "Bearish", "1": "Bullish", "2": "Neutral"}, ("negative", "positive", "neutral")),
        ({"2": "NEGATIVE", "0": "neutral", "1": "Positive"}, ("neutral", "positive", "negative")),
    ],
)
def test_label_order_is_the_models_own(folder: Path, names: dict, order: tuple) -> None:
    (folder / "config.json").write_text(json.dumps({"id2label": names}))
    assert read_labels(folder) == order


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "has the labels none"),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "labels 0: LABEL_0, 1: LABEL_1"),
        ({"id2label": {"0": "positive", "1": "negative"}}, "0: positive, 1: negative; needed"),
        ({"id2label": {"0": "positive", "1": "bullish", "2": "neutral"}}, "1: bullish"),
    ],
)
def test_other_labels_are_refused_and_listed(folder: Path, config: dict, message: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=message):
        read_labels(folder)


def test_fingerprint_follows_files_and_settings_but_not_notes(folder: Path) -> None:
    first = model_fingerprint(folder)
    assert len(first) == 64
    assert model_fingerprint(folder, max_length=64) != first
    write_manifest(folder, {"revision": "other"})
    assert model_fingerprint(folder) == first
    (folder / "model.safetensors").write_bytes(b"other")
    write_manifest(folder)
    assert model_fingerprint(folder) != first


def test_fingerprint_follows_the_normalisation(folder: Path, monkeypatch) -> None:
    first = model_fingerprint(folder)
    monkeypatch.setattr("finpulse_assets.gateways.sentiment.manifest.NORMALISATION_VERSION", 99)
    assert model_fingerprint(folder) != first


def test_publish_replaces_a_model_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    publish(folder, target)
    assert check_manifest(target)
    other = tmp_path / "documents"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="documents exists and has no manifest"):
        publish(target, other)
    assert (other / "thesis.txt").read_text() == "years of work"
