"""Engines: blocks in, scores of each block out with their origin; an absent Ray says so."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import ComputeError, ModelError
from finpulse_assets.gateways.compute.engine import SCORED_BLOCK, THIS_PROCESS, LocalEngine
from finpulse_assets.gateways.compute.ray_engine import RayEngine
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from tests.fakes.classifier import FakeClassifier

FLOAT32 = Arithmetic("cpu", "float32")


def block(*texts: str) -> pl.DataFrame:
    return pl.DataFrame({"text_hash": [f"hash of {text}" for text in texts], "text": texts})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    write_manifest(tmp_path)
    return tmp_path


def test_a_block_comes_back_in_its_order_and_says_where_it_was_made():
    engine = LocalEngine(lambda: FakeClassifier("mine"))
    first, second = engine.scored([block("acme beats", "acme cuts"), block("acme opens")])
    assert first.schema == second.schema == SCORED_BLOCK
    assert first["text_hash"].to_list() == ["hash of acme beats", "hash of acme cuts"]
    assert first["p_positive"].to_list() == [0.85, 0.05]
    assert second.row(0)[-4:] == ("mine", "cpu", "float32", THIS_PROCESS)


def test_the_model_is_loaded_for_the_first_block_and_once():
    loaded: list[int] = []
    engine = LocalEngine(lambda: loaded.append(1) or FakeClassifier())
    assert list(engine.scored([])) == []
    blocks = engine.scored([block("acme beats"), block("acme cuts")])
    assert loaded == []
    list(blocks)
    list(engine.scored([block("acme opens")]))
    assert loaded == [1]


def test_without_ray_the_sentence_says_how_to_install_it(monkeypatch, model: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ComputeError, match=r"package ray is not installed\. Hint: pip install -e"):
        list(RayEngine(model, FLOAT32).scored([block("acme beats")]))


def test_nothing_is_started_where_nothing_is_to_be_scored(monkeypatch, model: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    engine = RayEngine(model, FLOAT32)
    assert list(engine.scored([])) == []
    engine.close()


def test_a_changed_model_is_refused_before_a_cluster_is_asked(monkeypatch, model: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    (model / "config.json").write_text("{ }")
    with pytest.raises(ModelError, match=r"config\.json"):
        list(RayEngine(model, FLOAT32).scored([block("acme beats")]))


def test_ray_reports_nothing_to_its_makers(monkeypatch, model: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ComputeError):
        list(RayEngine(model, FLOAT32).scored([block("acme beats")]))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("actors", "gpus", "sentence"),
    [
        (5, 0.0, "5 actors need 5 CPU, the Ray cluster has 4. Hint: lower FINPULSE_RAY_ACTORS"),
        (3, 0.5, "3 actors need 1.5 GPU, the Ray cluster has 1"),
    ],
)
def test_a_cluster_without_room_is_refused(model: Path, actors: int, gpus: float, sentence: str):
    engine = RayEngine(model, FLOAT32, actors=actors, gpus_per_actor=gpus)
    with pytest.raises(ComputeError, match=sentence):
        engine.check_room({"CPU": 4.0, "GPU": 1.0})


def test_a_cluster_with_room_is_taken(model: Path):
    RayEngine(model, Arithmetic("cuda", "float16"), actors=2, gpus_per_actor=0.5).check_room(
        {"CPU": 2.0, "GPU": 1.0}
    )
