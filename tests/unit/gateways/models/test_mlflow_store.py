"""The registry: which versions are pruned; the paths of a home that was moved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finpulse_assets.gateways.models.mlflow_store import (
    EXPERIMENT,
    REGISTERED_MODEL,
    MlflowStore,
    ensure_experiment,
    silence,
)


@pytest.fixture
def store(tmp_path) -> MlflowStore:
    silence()
    store = MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    client = store._client()
    client.create_registered_model(REGISTERED_MODEL)
    for name in ("one", "two", "three"):
        version = client.create_model_version(REGISTERED_MODEL, source=f"{tmp_path}/{name}")
        client.set_model_version_tag(REGISTERED_MODEL, version.version, "candidate_id", name)
    return store


def test_versions_of_other_candidates_are_deleted(store):
    assert store.prune(["three", "one"]) == ["2"]
    assert store.version_of("two") is None
    assert (store.version_of("one"), store.version_of("three")) == ("1", "3")
    assert store.prune(["three", "one"]) == []


def opened(home: Path, artifacts: Path | None = None) -> MlflowStore:
    uri = f"sqlite:///{home / 'mlflow.db'}"
    ensure_experiment(uri, artifacts or home / "mlflow_artifacts")
    return MlflowStore(uri)


def log_a_plot(store: MlflowStore) -> str:
    """Log a file to a new run, and return the run's id."""
    client = store._client()
    run = client.create_run(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    client.log_text(run.info.run_id, "a plot", "plot.txt")
    return run.info.run_id


def files(home: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in (home / "mlflow_artifacts").rglob("*") if p.is_file()}


def test_a_copied_home_reads_and_writes_its_own_artifacts(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new's"
    first = log_a_plot(opened(old))
    version = opened(old)._client()
    version.create_registered_model(REGISTERED_MODEL)
    source = (old / "mlflow_artifacts" / "m").as_uri()
    version.create_model_version(REGISTERED_MODEL, source=source)
    shutil.copytree(old, new)
    before = files(old)
    store = opened(new)
    second = log_a_plot(store)
    assert files(old) == before
    client = store._client()
    for run in (first, second):
        inside = (new / "mlflow_artifacts").as_uri()
        assert client.get_run(run).info.artifact_uri.startswith(inside)
        assert [it.path for it in client.list_artifacts(run)] == ["plot.txt"]
    (moved,) = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
    assert moved.source == (new / "mlflow_artifacts" / "m").as_uri()


def test_a_database_that_homes_share_keeps_its_paths(tmp_path):
    opened(tmp_path, tmp_path / "one" / "mlflow_artifacts")
    store = opened(tmp_path, tmp_path / "two" / "mlflow_artifacts")
    location = store._client().get_experiment_by_name(EXPERIMENT).artifact_location
    assert location == (tmp_path / "one" / "mlflow_artifacts").as_uri()
