"""Runs that did not come to their end: noted as failed or canceled, and what they held is freed."""

from __future__ import annotations

import socket

import dagster as dg

from finpulse_assets.gateways.atomic import is_alive

PID_TAG, HOST_TAG = "finpulse/pid", "finpulse/host"


def end_killed_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs of this host whose process is gone as failed, and free what they held."""
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING],
        tags={HOST_TAG: socket.gethostname()},
    )
    for run in instance.get_runs(unfinished):
        pid = run.tags.get(PID_TAG, "")
        if pid.isdigit() and not is_alive(int(pid)):
            instance.report_run_failed(run, f"the process {pid} of this run is gone")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def note_stopped(instance: dg.DagsterInstance, run_id: str) -> None:
    """Mark a run of this process as canceled by its user, and free what it held."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    instance.report_run_canceled(run, "stopped by its user (Ctrl-C)")
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
