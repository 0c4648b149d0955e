"""What is served follows the newest bundle, and keeps the old one where the new is not trusted."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bentos.price_predictor import metrics, served
from bentos.price_predictor.front import Front
from bentos.price_predictor.served import Served
from tests.bentos.front_client import Client, follow, refuse
from tests.fakes import serving as fakes


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(served, "LOOK_SECONDS", 0.005)


def bento(store: Path, version: str, *, is_proven: bool) -> Path:
    """Put a bento into a store, as it lies there, and point to it."""
    folder = store / version
    fakes.bundle(folder / "src" / "bentos" / "price_predictor" / "bundle", is_proven=is_proven)
    (folder / "bento.yaml").write_text("name: price_predictor\n")
    (store / "latest").write_text(version)
    return folder


def is_proven(found: Served) -> bool:
    return found.answering.predictor.is_proven


def test_a_newer_bento_in_the_store_is_taken_without_a_lost_request(tmp_path):
    bento(tmp_path, "one", is_proven=False)
    found = Served()
    found.start(tmp_path / "absent", tmp_path)
    assert not is_proven(found)
    statuses = follow(
        found, lambda: bento(tmp_path, "two", is_proven=True), lambda: is_proven(found)
    )
    assert set(statuses) == {200}


def test_a_bundle_written_anew_in_its_place_is_taken(tmp_path):
    fakes.bundle(tmp_path / "bundle", is_proven=False)
    found = Served()
    found.start(tmp_path / "bundle", None)

    def replace() -> None:
        shutil.rmtree(tmp_path / "bundle")
        fakes.bundle(tmp_path / "bundle", is_proven=True)

    assert set(follow(found, replace, lambda: is_proven(found))) == {200}


def test_a_newer_bundle_under_a_broken_seal_is_refused_and_the_old_one_stays(tmp_path, caplog):
    bento(tmp_path, "one", is_proven=True)
    found = Served()
    found.start(tmp_path / "absent", tmp_path)
    before = found.current

    def broken() -> None:
        folder = bento(tmp_path, "two", is_proven=False)
        fakes.flip_a_byte(folder / "src/bentos/price_predictor/bundle/online_features.parquet")

    statuses = follow(found, broken, lambda: metrics.RELOAD_FAILED.values[()] == 1)
    assert found.current is before
    assert set(statuses) == {200}
    assert "the old bundle is kept: " in caplog.text
    taken = metrics.RELOADS.values[("taken",)]
    follow(found, lambda: bento(tmp_path, "three", is_proven=False),
           lambda: metrics.RELOADS.values[("taken",)] > taken)  # fmt: skip
    assert metrics.RELOAD_FAILED.values[()] == 0


def test_a_service_that_began_without_a_bundle_takes_the_first_one(tmp_path):
    found = Served()
    found.start(tmp_path / "bundle", None)
    assert found.current is None
    statuses = follow(
        found,
        lambda: fakes.bundle(tmp_path / "bundle"),
        lambda: found.current is not None,
    )
    assert set(statuses) <= {503}


def test_the_answer_after_a_reload_is_the_new_models(tmp_path):
    fakes.bundle(tmp_path / "bundle", is_proven=False)
    found = Served()
    found.start(tmp_path / "bundle", None)

    def reasons() -> list[str]:
        client = Client("/predict", b'{"symbol":"AAPL"}')
        asyncio.run(client.ask(Front(refuse, found)))
        return json.loads(client.sent[1]["body"])["abstain_reasons"]

    assert "no_proven_skill" in reasons()
    follow(found, lambda: fakes.bundle(tmp_path / "bundle"), lambda: is_proven(found))
    assert "no_proven_skill" not in reasons()
