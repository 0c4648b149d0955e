"""Where a run belongs: the job of the code location that workspace.yaml names.

A run that the command line executes in its own process comes from no code location, so that the
UI's timeline leaves it out. What it executes is the same job; this notes so.
"""

from __future__ import annotations

import dagster as dg

from finpulse_assets.orchestration.run.dagster_internals import (
    REPOSITORY_LABEL_TAG,
    LoadableTargetOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteRepositoryOrigin,
)

LOCATION, MODULE = "finpulse", "finpulse_assets.definitions"  # as in workspace.yaml
REPOSITORY = "__repository__"  # Dagster's name for what one module defines
OF_LOCATION = {REPOSITORY_LABEL_TAG: f"{REPOSITORY}@{LOCATION}"}


def note_origin(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note of a run that has ended that it was one of the code location's.

    Args:
        instance: which holds the run; one without it is left as it is.
        run_id: of a run with the tags `OF_LOCATION`.
    """
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    target = LoadableTargetOrigin(module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    repository = RemoteRepositoryOrigin(location, REPOSITORY)
    instance.run_storage.replace_job_origin(run, repository.get_job_origin(run.job_name))
