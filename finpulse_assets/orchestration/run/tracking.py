"""Tracking: one MLflow run for each Dagster run, opened when first used and always closed.

https://docs.dagster.io/integrations/libraries/mlflow
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from finpulse_assets.gateways.models.mlflow_store import (
    EXPERIMENT,
    MlflowStore,
    ensure_experiment,
    silence,
    translated,
)
from finpulse_assets.settings import Settings


@dataclass
class Tracking:
    """Opens the MLflow run of this Dagster run on first use; until then MLflow is not imported."""

    context: dg.InitResourceContext
    settings: Settings
    _store: MlflowStore | None = field(default=None, init=False)

    def store(self) -> MlflowStore:
        """Return the store with the run active.

        Raises:
            TrackingError: MLflow cannot be reached.
        """
        if self._store is None:
            silence()
            uri = self.settings.tracking_uri
            ensure_experiment(uri, self.settings.root / "mlflow_artifacts")
            from dagster_mlflow.resources import MlFlow

            config = {
                "experiment_name": EXPERIMENT,
                "mlflow_tracking_uri": uri,
                "env": {},
                "extra_tags": {"profile": self.settings.profile.value},
            }
            with translated(uri):
                import mlflow

                MlFlow(self.context.replace_config(config))
                mlflow.set_tag("mlflow.runName", self._name)
            self._store = MlflowStore(uri)
        return self._store

    @property
    def _name(self) -> str:
        """What people know the run by: its job and its id in Dagster, as the UI shows them."""
        run = self.context.dagster_run
        return f"{run.job_name} {run.run_id[:8]} ({self.settings.profile.value})"

    def close(self) -> None:
        """End the run, if one was opened, as failed where a step of the Dagster run failed.

        Dagster raises no step's error here, so the event log is asked.
        """
        if self._store is not None:
            import mlflow

            failures = self.context.instance.all_logs(
                self.context.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
            )
            with translated(self._store.uri):
                mlflow.end_run("FAILED" if failures else "FINISHED")
            self._store = None


def tracking_resource(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource `tracking`."""

    @contextmanager
    def opened(context: dg.InitResourceContext) -> Iterator[Tracking]:
        tracking = Tracking(context, settings)
        try:
            yield tracking
        finally:
            tracking.close()

    return dg.ResourceDefinition(opened)
