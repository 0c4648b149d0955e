"""The registry: which versions are pruned with their files; the paths of a moved home."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from finpulse_assets.gateways.models.mlflow_store import (
    EXPERIMENT,
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


def count(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "artifacts").rglob("*"))


def test_versions_of_other_candidates_are_deleted_with_their_files(store, tmp_path):
    before = count(tmp_path)
    run = store._client().get_model_version(REGISTERED_MODEL, "2").run_id
    assert store.prune(["three", "one"]) == ["2"]
    assert store.version_of("two") is None
    assert (store.version_of("one"), store.version_of("three")) == ("1", "3")
    assert count(tmp_path) == before * 2 // 3
    assert store._client().get_run(run).data.metrics == {"accuracy": 0.5}, "the scores stay"
    assert store.prune(["three", "one"]) == []


def test_a_run_logs_several_candidates_and_keeps_the_files_of_those_that_stay(store, tmp_path):
    """Defect: the parameters of a second candidate were those of the first, changed: refused."""
    import mlflow

    mlflow.set_tracking_uri(store.uri)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    with mlflow.start_run(
        experiment_id=store._client().search_experiments()[0].experiment_id
    ) as run:
        versions = [
            store.log_candidate(
                folder, candidate_id=name, booster_text=None, params={"rounds": at},
                importance={"rsi_14": 1.0},
            )
            for at, name in enumerate(("four", "five"))
        ]  # fmt: skip
    assert versions == ["4", "5"]
    logged = store._client().get_run(run.info.run_id)
    assert logged.data.params == {"four/rounds": "0", "five/rounds": "1"}
    kept = "price_model/five/model.json"
    assert set(store.prune(["five"])) == {"1", "2", "3", "4"}
    names = [it.path for it in store._client().list_artifacts(run.info.run_id, "price_model/five")]
    assert names == [kept], "the run is that of a candidate that stays"
    source = store._client().get_model_version(REGISTERED_MODEL, "5").source
    assert source.endswith("price_model/five")
    assert store.prune([]) == ["5"]


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


def test_a_training_is_logged_with_its_parameters_figures_and_report(store, tmp_path):
    import mlflow

    report = {"mode": "head", "train_rows": 900, "left_out": {"a": {"repeated": 2}},
              "dev": {"Financial PhraseBank": {"weighted_f1": 0.8, "row_count": 484}}}  # fmt: skip
    mlflow.set_tracking_uri(store.uri)
    with mlflow.start_run(experiment_id="1") as run:
        store.log_training("sentiment", report)
    found = store._client().get_run(run.info.run_id).data
    assert found.params == {"sentiment_mode": "head", "sentiment_train_rows": "900"}
    assert found.metrics["sentiment/Financial PhraseBank/weighted_f1"] == 0.8
    (file,) = (tmp_path / "artifacts").rglob("sentiment_training.json")
    assert json.loads(file.read_text()) == report
