"""The registry: which versions are pruned, and the files that go with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from finpulse_assets.gateways.models.mlflow_store import (
    REGISTERED_MODEL,
    MlflowStore,
    ensure_experiment,
)


@pytest.fixture
def store(tmp_path: Path) -> MlflowStore:
    store = MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    ensure_experiment(store.uri, tmp_path / "artifacts")
    client = store._client()
    (experiment,) = client.search_experiments(filter_string="name = 'finpulse'")
    client.create_registered_model(REGISTERED_MODEL)
    (tmp_path / "logged").mkdir()
    (tmp_path / "logged" / "model.lgb").write_text("trees")
    for name in ("one", "two", "three"):
        run = client.create_run(experiment.experiment_id).info.run_id
        client.log_text(run, "a plot", "plots/accuracy.txt")
        client.log_metric(run, "accuracy", 0.5)
        model = client.create_logged_model(experiment.experiment_id, source_run_id=run)
        client.log_model_artifacts(model.model_id, str(tmp_path / "logged"))
        version = client.create_model_version(
            REGISTERED_MODEL, model.artifact_location, run_id=run, model_id=model.model_id
        )
        client.set_model_version_tag(REGISTERED_MODEL, version.version, "candidate_id", name)
    return store


def files(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "artifacts").rglob("*"))


def test_versions_of_other_candidates_are_deleted_with_their_files(store, tmp_path):
    before = files(tmp_path)
    run = store._client().get_model_version(REGISTERED_MODEL, "2").run_id
    assert store.prune(["three", "one"]) == ["2"]
    assert store.version_of("two") is None
    assert (store.version_of("one"), store.version_of("three")) == ("1", "3")
    assert files(tmp_path) == before * 2 // 3
    assert store._client().get_run(run).data.metrics == {"accuracy": 0.5}, "the scores stay"
    assert store.prune(["three", "one"]) == []
