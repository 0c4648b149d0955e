"""MLflow: runs of candidates and the registry with its aliases.

Every call to MLflow but the run's life, which dagster-mlflow keeps (orchestration. tracking).
MLflow holds a copy for people and other tools; what FinPulse serves is the sealed folder, checked
by sha256.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finpulse_assets.errors import TrackingError

log = logging.getLogger(__name__)

EXPERIMENT = "finpulse"
REGISTERED_MODEL = "price_model"
CHALLENGER, CHAMPION = "challenger", "champion"
# Where MLflow 3 keeps paths of artifacts.
PATHS = (
    ("experiments", "artifact_location"), ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"), ("model_versions", "storage_location"),
    ("model_versions", "source"),
)  # fmt: skip
_HINT = "check FINPULSE_MLFLOW_TRACKING_URI, or unset it for the embedded store"


def silence() -> None:
    """Turn MLflow's telemetry off and its retries down, before it is first imported."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # The default waits minutes for a server that is not there.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")


def without_credentials(uri: str) -> str:
    """Return an address with its user and password masked.

    >>> without_credentials("postgresql://bob:hunter2@db/mlflow")
    'postgresql://***@db/mlflow'
    """
    return re.sub(r"://[^/@]*@", "://***@", uri)


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn MLflow's, the database's and the network's errors into one sentence."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, sqlite3.Error, OSError) as error:
        first_line = str(error).strip().splitlines()[0][:200]
        address = without_credentials(uri)
        first_line = first_line.replace(uri, address)
        raise TrackingError(f"MLflow at {address} failed: {first_line}", hint=_HINT) from error


def ensure_experiment(uri: str, artifacts: Path, name: str = EXPERIMENT) -> None:
    """Create the experiment with its artifact folder, which is else the working folder.

    A server (http) keeps its own artifacts, so the folder is only for a database store. A database
    that lies beside the folder belongs to one home: where that was copied or moved, its paths
    follow.

    Raises:
        TrackingError: the store cannot be reached or read.
    """
    silence()
    import mlflow

    database = Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
    with translated(uri):
        if database is not None and database.exists() and database.parent == artifacts.parent:
            _move_artifacts(database, artifacts.absolute().as_uri(), name)
        client = mlflow.MlflowClient(tracking_uri=uri)
        if client.get_experiment_by_name(name) is None:
            location = None if uri.startswith("http") else artifacts.absolute().as_uri()
            client.create_experiment(name, artifact_location=location)


def _move_artifacts(database: Path, location: str, experiment: str) -> None:
    """Point every path of an embedded store at `location`, where it still names another home.

    MLflow writes whole paths and has no call to change them.
    """
    with closing(sqlite3.connect(database)) as file, file:
        known = {name for (name,) in file.execute("select name from sqlite_master")}
        if "experiments" not in known:
            return
        found = file.execute(
            "select artifact_location from experiments where name = ?", [experiment]
        ).fetchone()
        if found is None or found[0] == location:
            return
        for table, column in PATHS:
            if table in known:
                file.execute(
                    f"update {table} set {column} = ? || substr({column}, ?) "  # noqa: S608
                    f"where substr({column}, 1, ?) = ?",
                    [location, len(found[0]) + 1, len(found[0]), found[0]],
                )
    log.warning("the home was moved: the artifacts of MLflow are now at %s", location)


@dataclass(frozen=True)
class MlflowStore:
    """The active run of this Dagster run, and the registry, at `uri`."""

    uri: str

    def log_candidate(
        self,
        folder: Path,
        *,
        candidate_id: str,
        booster_text: str | None,
        params: Mapping[str, object],
        importance: Mapping[str, float],
    ) -> str:
        """Log a sealed model folder and register its model; return the version.

        A run may log several candidates: parameters and files stand under their ids. What is
        registered is LightGBM's text where there is one, else the folder itself. A candidate
        that is registered already keeps its version. The alias `challenger` moves to it.
        """
        import mlflow

        path = f"price_model/{candidate_id}"
        with translated(self.uri):
            mlflow.set_tag("candidate_id", candidate_id)
            mlflow.log_params({f"{candidate_id}/{name}": it for name, it in params.items()})
            mlflow.log_dict(dict(importance), f"feature_importance/{candidate_id}.json")
            mlflow.log_artifacts(str(folder), path)
            version = self.version_of(candidate_id)
            if version is None:
                version = self._registered(path, booster_text)
                self._client().set_model_version_tag(
                    REGISTERED_MODEL, version, "candidate_id", candidate_id
                )
            self._client().set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version)
        return version

    def _registered(self, path: str, booster_text: str | None) -> str:
        """Register a model of the active run, by default what lies at `path`; its version."""
        import mlflow

        if booster_text is not None:
            import lightgbm
            from mlflow.lightgbm import log_model

            logged = log_model(
                lightgbm.Booster(model_str=booster_text),
                name="direction",
                registered_model_name=REGISTERED_MODEL,
                pip_requirements=["lightgbm"],
            )
            return str(logged.registered_model_version)
        client, source = self._client(), mlflow.get_artifact_uri(path)
        if not client.search_registered_models(filter_string=f"name = '{REGISTERED_MODEL}'"):
            client.create_registered_model(REGISTERED_MODEL)
        run = mlflow.active_run().info.run_id
        return str(client.create_model_version(REGISTERED_MODEL, source, run_id=run).version)

    def log_evaluation(
        self, metrics: Mapping[str, float], plots: Mapping[str, bytes], tags: Mapping[str, str]
    ) -> None:
        """Log metrics, plots (PNG by file name) and tags to the active run."""
        import mlflow

        with translated(self.uri), tempfile.TemporaryDirectory() as folder:
            mlflow.log_metrics(dict(metrics))
            mlflow.set_tags(dict(tags))
            for name, image in plots.items():
                (Path(folder) / name).write_bytes(image)
            mlflow.log_artifacts(folder, "plots")

    def log_training(self, name: str, report: Mapping[str, Any]) -> None:
        """Log a training report to the active run: `dev` as metrics by set, plain values as
        parameters, all of it as a file.

        Args:
            name: begins the name of each parameter, metric and file.
            report: JSON values; `dev` has figures by labelled set.
        """
        import mlflow

        plain = {key: it for key, it in report.items() if isinstance(it, str | int | float)}
        with translated(self.uri):
            mlflow.log_params({f"{name}_{key}": value for key, value in plain.items()})
            mlflow.log_metrics(
                {
                    f"{name}/{labelled_set}/{metric}": value
                    for labelled_set, found in report["dev"].items()
                    for metric, value in found.items()
                }
            )
            mlflow.log_dict(dict(report), f"{name}_training.json")

    def promote(self, candidate_id: str, *, verdict: str) -> None:
        """Move the alias `champion` to the candidate's version and tag it with the verdict."""
        with translated(self.uri):
            version = self.version_of(candidate_id)
            if version is None:
                raise TrackingError(
                    f"candidate {candidate_id} is not in the registry",
                    hint="materialize models/price_model again",
                )
            client = self._client()
            client.set_model_version_tag(REGISTERED_MODEL, version, "verdict", verdict)
            client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version)

    def prune(self, kept: Collection[str]) -> list[str]:
        """Delete the registry versions of all candidates but `kept`; return the versions.

        The files of a run go with its last version, model and plots; its parameters and scores
        stay.
        """
        client = self._client()
        with translated(self.uri):
            versions = self._versions()
            gone = [v for v in versions if v.tags.get("candidate_id") not in kept]
            runs_kept = {v.run_id for v in versions if v not in gone}
            for version in gone:
                client.delete_model_version(REGISTERED_MODEL, version.version)
                if version.run_id and version.run_id not in runs_kept:
                    self._delete_files_of(version.run_id)
        return [str(version.version) for version in gone]

    def _delete_files_of(self, run_id: str) -> None:
        client = self._client()
        run = client.get_run(run_id).info
        _delete_files(run.artifact_uri)
        of_run = f"source_run_id = '{run_id}'"
        for model in client.search_logged_models([run.experiment_id], filter_string=of_run):
            _delete_files(model.artifact_location)
            client.delete_logged_model(model.model_id)

    def version_of(self, candidate_id: str) -> str | None:
        """Return the registry version of a candidate, or None."""
        found = [v for v in self._versions() if v.tags.get("candidate_id") == candidate_id]
        return str(found[0].version) if found else None

    def _versions(self) -> list[Any]:
        return list(self._client().search_model_versions(f"name = '{REGISTERED_MODEL}'"))

    def _client(self):
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)


def _delete_files(location: str) -> None:
    """Delete what lies at an artifact location, where its kind of store can."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with suppress(NotImplementedError, FileNotFoundError):
        get_artifact_repository(location).delete_artifacts()
