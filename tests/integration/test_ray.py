"""Scoring on a Ray cluster of two nodes, one of which is killed midway; `make test-ray`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import psutil
import pytest

from finpulse_assets.domain.evaluation.tuning import SPACE, best_of, default_settings
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import ComputeError, ModelError
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.compute.ray_engine import RayEngine
from finpulse_assets.gateways.compute.ray_search import ray_trials
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES, ScoreStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from tests.fakes.classifier import opinion_sentences, save_small_bert, small_bert

pytestmark = pytest.mark.ray

MEMORY = 150 * 2**20  # bytes of the object store, which Ray would make a third of the machine's
CHUNK = 16
FLOAT32 = Arithmetic("cpu", "float32")


@pytest.fixture(scope="module", autouse=True)
def quiet_ray() -> None:
    """Ray reads these when it is imported."""
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "180",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback only
    }
    pytest.importorskip("ray", reason="the extra [ray] is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A cluster of two nodes on loopback, this process not yet connected to it."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in float32, whose scores depend on the batch by their last decimal."""
    folder = tmp_path_factory.mktemp("model")
    save_small_bert(folder, small_bert(max_tokens=128))
    write_manifest(folder)
    return folder


@pytest.fixture(scope="module")
def words() -> pl.DataFrame:
    texts = sorted(set(opinion_sentences(1600)["text"]))
    return pl.DataFrame({"text_hash": [text_hash(text) for text in texts], "text": texts})


def test_a_node_is_killed_midway_and_every_score_is_that_of_one_process(
    cluster, model: Path, words: pl.DataFrame, tmp_path: Path
) -> None:
    kept_before: list[int] = []

    def kill_a_node_once_both_have_scored(done: int, of: int) -> None:
        if len(by_ray.report.texts_by_node) == 2 and not kept_before:
            kept_before.append(store.known(words["text_hash"]).height)
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    def load() -> Classifier:
        return Classifier.load(model, device="cpu", dtype="float32")

    fingerprint = load().fingerprint
    engine = RayEngine(model, FLOAT32, address=cluster.address)
    by_ray = TextScorer(
        tmp_path / "ray", fingerprint, engine, CHUNK, kill_a_node_once_both_have_scored
    )
    store = ScoreStore(tmp_path / "ray", fingerprint, MODEL_SCORES)
    with closing(engine):
        found = by_ray.scores(words["text_hash"], lambda _: words)
    assert 0 < kept_before[0] < words.height
    in_process = TextScorer(tmp_path / "local", fingerprint, LocalEngine(load), CHUNK)
    expected = in_process.scores(words["text_hash"], lambda _: words)
    assert found.height == words.height
    assert found.sort("text_hash").equals(expected.sort("text_hash"))
    assert store.known(words["text_hash"]).height == words.height


def test_actors_that_find_no_room_are_refused(cluster, model: Path, words: pl.DataFrame) -> None:
    engine = RayEngine(model, FLOAT32, address=cluster.address, actors=99)
    with closing(engine), pytest.raises(ComputeError, match="99 actors need 99 CPU, the Ray"):
        list(engine.scored([words]))


@pytest.mark.parametrize(
    ("device", "text", "sentence"),
    [
        ("cuda", "acme beats", "torch finds no CUDA device here"),
        ("cpu", None, "text 0 is None, it should be a string"),
    ],
)
def test_what_an_actor_refuses_is_said_as_in_one_process(
    cluster, model: Path, device: str, text: str | None, sentence: str
) -> None:
    where = Arithmetic(device, "float32")
    engine = RayEngine(model, where, address=cluster.address, actors=1)
    block = pl.DataFrame({"text_hash": ["a"], "text": [text]}, schema_overrides={"text": pl.String})
    with closing(engine), pytest.raises(ModelError, match=sentence):
        list(engine.scored([block]))


def test_a_search_on_two_nodes_tries_the_same_space_and_begins_with_the_default(cluster) -> None:
    def measured_hill(chosen):  # in here, so that it travels by its code
        for fold in range(3):
            days = pl.date_range(pl.date(2024, fold + 1, 1), pl.date(2024, fold + 1, 4), eager=True)
            height = -0.01 * abs(chosen["num_leaves"] - 8)
            yield pl.DataFrame({"session_date": days, "rank_ic": [height] * 4})

    trials = list(
        ray_trials(
            measured_hill, trials=8, first=default_settings(), address=cluster.address, at_once=2
        )
    )
    assert len(trials) == 8
    assert trials[0].chosen == default_settings()
    assert trials[0].is_complete
    for trial in trials:
        for name, value in trial.chosen.items():
            assert SPACE[name].low <= value <= SPACE[name].high, name
        assert trial.rank_ic == pytest.approx(-0.01 * abs(trial.chosen["num_leaves"] - 8))
    best = best_of(trials, split="walk_forward")
    assert best.rank_ic == max(it.rank_ic for it in trials if it.is_complete)
    assert best.trials == 8


def test_a_trial_that_fails_on_ray_is_named(cluster) -> None:
    def failing(chosen):
        raise ValueError("no such rows")
        yield

    with pytest.raises(ComputeError, match=r"2 of 2 trials failed on Ray: .*no such rows"):
        list(ray_trials(failing, trials=2, first=default_settings(), address=cluster.address))


# The last one: a process that had a Ray of its own and connects to a cluster afterwards loses its
# actors before they start (Ray 2.60). The address is a setting, so no run of ours does both.
def test_a_ray_of_this_machine_listens_on_loopback_alone_and_ends_with_the_engine(
    model: Path, words: pl.DataFrame
) -> None:
    before = set(psutil.Process().children(recursive=True))
    engine = RayEngine(model, FLOAT32, actors=1)
    with closing(engine):
        (made,) = engine.scored([words.head(CHUNK)])
        assert made["text_hash"].equals(words["text_hash"].head(CHUNK))
        started = set(psutil.Process().children(recursive=True)) - before
        assert "raylet" in {process.name() for process in started}
        addresses = {
            connection.laddr.ip.removeprefix("::ffff:")
            for process in started
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert addresses == {"127.0.0.1"}
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []
