"""Fetching a model from a folder and from a hub on the loopback, in both kinds of weights."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.hub import fetch_model
from finpulse_assets.gateways.sentiment.manifest import check_manifest, read_manifest
from tests.fakes.classifier import save_small_bert, small_bert
from tests.fakes.hub import COMMIT, MODEL, Hub

TEXTS = ["acme beats the report", "bolt cuts profit", "core opens on the report"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def old_state() -> dict:
    """The state dict as FinBERT's was saved: gamma and beta, a buffer, memory shared twice."""
    state = small_bert().state_dict()
    weights = {}
    for name, value in state.items():
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        weights[old.replace("LayerNorm.bias", "LayerNorm.beta")] = value
    import torch

    weights["bert.embeddings.position_ids"] = torch.arange(64).unsqueeze(0)
    key = "bert.encoder.layer.0.attention.self.key.bias"
    weights[key] = weights["bert.encoder.layer.0.attention.self.query.bias"].view(-1)
    return weights


@pytest.fixture(scope="module")
def new_files(tmp_path_factory) -> dict[str, bytes]:
    folder = save_small_bert(tmp_path_factory.mktemp("new") / "bert")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def old_files(new_files: dict[str, bytes], tmp_path_factory) -> dict[str, bytes]:
    import torch

    path = tmp_path_factory.mktemp("old") / "pytorch_model.bin"
    torch.save(old_state(), path, _use_new_zipfile_serialization=False)
    files = {name: data for name, data in new_files.items() if name != "model.safetensors"}
    return files | {"pytorch_model.bin": path.read_bytes()}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def scores_of(folder: Path) -> list[list[float]]:
    scores = Classifier.load(folder, device="cpu", max_length=32).score(TEXTS)
    return [scores.p_positive.tolist(), scores.p_negative.tolist(), scores.p_neutral.tolist()]


def test_old_weights_are_converted_once_with_equal_scores(hub, old_files, tmp_path) -> None:
    import torch

    hub.files = old_files | {"README.md": b"# FinBERT", "flax_model.msgpack": b"x"}
    folder = fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert folder == tmp_path / "sentiment" / "ProsusAI--finbert@4556d1301521"
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "manifest.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.txt",
    }
    notes = read_manifest(folder)["notes"]
    source = hashlib.sha256(old_files["pytorch_model.bin"]).hexdigest()
    assert notes["converted_from"] == {"pytorch_model.bin": source}
    assert notes["revision"] == COMMIT

    model = small_bert()
    attention = model.bert.encoder.layer[0].attention.self
    attention.key.bias.data = attention.query.bias.data.clone()
    direct = save_small_bert(tmp_path / "direct", model)
    assert scores_of(folder) == scores_of(
        fetch_model(str(direct), revision=None, models_dir=tmp_path)
    )
    assert torch.get_default_dtype() == torch.float32

    requests_before = len(hub.log)
    again = fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert again == folder
    assert len(hub.log) == requests_before


def test_safetensors_is_preferred_and_only_needed_files_are_asked_for(
    hub, new_files, old_files, tmp_path
) -> None:
    hub.files = new_files | old_files
    folder = fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert not any(path.endswith("pytorch_model.bin") for path in hub.log)
    assert not any(path.endswith(".md") for path in hub.log)
    assert check_manifest(folder)["model.safetensors"] == (
        hashlib.sha256(new_files["model.safetensors"]).hexdigest()
    )


def test_branch_is_pinned_to_the_commit_of_its_first_file(hub, new_files, tmp_path) -> None:
    hub.files = new_files
    folder = fetch_model(
        MODEL, revision=None, models_dir=tmp_path, endpoint=hub.endpoint, token="secret"
    )
    assert folder.name == "ProsusAI--finbert@main"
    assert [path for path in hub.log if "/main/" in path] == [f"/{MODEL}/resolve/main/config.json"]
    assert all(f"/resolve/{COMMIT}/" in path for path in hub.log[1:])
    assert read_manifest(folder)["notes"]["revision"] == COMMIT
    assert hub.authorization == {"Bearer secret"}
    assert "secret" not in (folder / "manifest.json").read_text()


@pytest.mark.parametrize("is_right", [True, False])
def test_redirected_weights_are_held_to_the_hubs_hash(hub, new_files, tmp_path, is_right) -> None:
    hub.files = new_files
    right = hashlib.sha256(new_files["model.safetensors"]).hexdigest()
    hub.linked_etag["model.safetensors"] = right if is_right else "0" * 64
    fetch = {"revision": COMMIT, "models_dir": tmp_path, "endpoint": hub.endpoint}
    if is_right:
        assert check_manifest(fetch_model(MODEL, **fetch))["model.safetensors"] == right
        return
    with pytest.raises(ModelError, match=f"sha256 {right[:12]}, the hub says 000000000000"):
        fetch_model(MODEL, **fetch)
    assert list((tmp_path / "sentiment").iterdir()) == []


def test_folder_is_copied_and_a_changed_folder_is_another_model(new_files, tmp_path) -> None:
    source = write(tmp_path / "mine", new_files)
    first = fetch_model(str(source), revision=None, models_dir=tmp_path)
    assert first.parent == tmp_path / "sentiment"
    assert first.name.startswith("mine@")
    assert fetch_model(str(source), revision=None, models_dir=tmp_path) == first
    config = json.loads(new_files["config.json"])
    config["id2label"] = {"0": "negative", "1": "positive", "2": "neutral"}
    (source / "config.json").write_text(json.dumps(config))
    second = fetch_model(str(source), revision=None, models_dir=tmp_path)
    assert second != first
    assert scores_of(first)[0] == scores_of(second)[1]


class Malice:
    """Unpickling this object makes a folder, if anything lets it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("is_zip", [True, False])
def test_malicious_pickle_is_refused_and_not_run(new_files, tmp_path, is_zip) -> None:
    import torch

    mark = tmp_path / "was_run"
    files = {name: data for name, data in new_files.items() if name != "model.safetensors"}
    source = write(tmp_path / "evil", files)
    if is_zip:
        torch.save({"weight": Malice(mark)}, source / "pytorch_model.bin")
    else:
        (source / "pytorch_model.bin").write_bytes(pickle.dumps(Malice(mark), protocol=2))
    with pytest.raises(ModelError, match=r"something else than tensors.*could run code; refused"):
        fetch_model(str(source), revision=None, models_dir=tmp_path)
    assert not mark.exists()
    assert list((tmp_path / "sentiment").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"not weights at all"])
def test_damaged_old_weights_are_a_sentence(new_files, tmp_path, content: bytes) -> None:
    files = {name: data for name, data in new_files.items() if name != "model.safetensors"}
    source = write(tmp_path / "broken", files | {"pytorch_model.bin": content})
    with pytest.raises(ModelError, match=r"pytorch_model\.bin (is no PyTorch|holds something)"):
        fetch_model(str(source), revision=None, models_dir=tmp_path)


def test_nested_checkpoint_is_refused(new_files, tmp_path) -> None:
    import torch

    files = {name: data for name, data in new_files.items() if name != "model.safetensors"}
    source = write(tmp_path / "checkpoint", files)
    torch.save({"epoch": 3, "model": {"w": torch.ones(1)}}, source / "pytorch_model.bin")
    with pytest.raises(ModelError, match="is no flat table of named tensors"):
        fetch_model(str(source), revision=None, models_dir=tmp_path)


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("config.json", r"ProsusAI/finbert has no config\.json at revision 4556d13"),
        ("vocab.txt", r"has no tokenizer \(tokenizer\.json, vocab\.txt, vocab\.json\)"),
        ("model.safetensors", r"has neither model\.safetensors nor pytorch_model\.bin"),
    ],
)
def test_incomplete_repository(hub, new_files, tmp_path, without: str, message: str) -> None:
    hub.files = {name: data for name, data in new_files.items() if name != without}
    with pytest.raises(ModelError, match=message):
        fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert list((tmp_path / "sentiment").iterdir()) == []


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused with status 401.*token"), (500, r"cannot be fetched \(HTTPError\).*offline")],
)
def test_hub_refuses(hub, new_files, tmp_path, status: int, message: str) -> None:
    hub.files = new_files
    hub.status["model.safetensors"] = status
    with pytest.raises(ModelError, match=message):
        fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert list((tmp_path / "sentiment").iterdir()) == []


def test_broken_transfer_leaves_nothing(hub, new_files, tmp_path) -> None:
    hub.files = new_files
    hub.cut.add("model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors (cannot be fetched|ended after)"):
        fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)
    assert list((tmp_path / "sentiment").iterdir()) == []


def test_no_network_is_a_sentence(hub, tmp_path) -> None:
    hub.server.server_close()
    with pytest.raises(ModelError, match=r"cannot be fetched \(ConnectionError\).*default model"):
        fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint="http://127.0.0.1:1")


def test_branch_names_are_kept_whole(hub, new_files, tmp_path) -> None:
    hub.files = new_files
    names = {
        fetch_model(MODEL, revision=name, models_dir=tmp_path, endpoint=hub.endpoint).name
        for name in ("refs/pr/12", "refs/pr/123")
    }
    assert names == {"ProsusAI--finbert@refs--pr--12", "ProsusAI--finbert@refs--pr--123"}


def test_neither_folder_nor_id(tmp_path) -> None:
    with pytest.raises(ModelError, match="models/of/mine is neither a folder nor the id"):
        fetch_model("models/of/mine", revision=None, models_dir=tmp_path)


def test_labels_are_checked_when_fetched(hub, new_files, tmp_path) -> None:
    config = json.loads(new_files["config.json"])
    config["id2label"] = {"0": "joy", "1": "anger", "2": "neutral"}
    hub.files = new_files | {"config.json": json.dumps(config).encode()}
    with pytest.raises(ModelError, match="0: joy, 1: anger, 2: neutral; needed are positive"):
        fetch_model(MODEL, revision=COMMIT, models_dir=tmp_path, endpoint=hub.endpoint)


def test_an_encoder_that_is_to_be_trained_needs_no_labels(new_files, tmp_path) -> None:
    config = json.loads(new_files["config.json"])
    del config["id2label"], config["label2id"]
    source = write(tmp_path / "encoder", new_files | {"config.json": json.dumps(config).encode()})
    folder = fetch_model(str(source), revision=None, models_dir=tmp_path, needs_labels=False)
    assert check_manifest(folder)


def test_a_trained_folder_is_copied_with_what_belongs_to_its_weights(new_files, tmp_path) -> None:
    own = {name: b"{}" for name in ("calibration.json", "training_texts.json")}
    source = write(tmp_path / "trained", new_files | own | {"notes.txt": b"mine"})
    first = fetch_model(str(source), revision=None, models_dir=tmp_path)
    assert set(own) < {path.name for path in first.iterdir()}
    assert not (first / "notes.txt").exists()
    (source / "calibration.json").write_text('{"another": 1}')
    assert fetch_model(str(source), revision=None, models_dir=tmp_path) != first
