"""Ctrl-C in a run: one sentence, the run is canceled, and nothing of it is an alert."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import dagster as dg

from finpulse_assets.definitions import defs
from finpulse_assets.orchestration.alerting.runs import RunHistory
from tests.integration.fork_server import KillPoint
from tests.integration.graph_cli import finpulse


def test_a_stopped_run_is_canceled_and_no_alert(tmp_path):
    done = finpulse(tmp_path, "demo", kill_at=KillPoint("/lake/", signal=signal.SIGINT))
    assert done.returncode == 130
    lines = [line for line in done.stderr.splitlines() if "✓" not in line]
    assert lines[-1] == "stopped; run the command again, nothing is half-written"
    assert "Traceback" not in done.stderr
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.CANCELED
        history = RunHistory(instance, defs().get_repository_def())
        assert history.failures(since=datetime.now(UTC) - timedelta(days=1), known=[]) == []
