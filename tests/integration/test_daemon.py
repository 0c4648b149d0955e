"""A real Dagster daemon: what it starts by itself, and that it starts it once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.events import DagsterEventType, StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.gateways.lake.lake import Lake
from tests.fakes.drift_reports import add_reports

ROOT = Path(__file__).parents[2]
DEADLINE = 3000.0  # seconds; only against a hang
MODEL = dg.AssetKey(["models", "price_model"])
CHAIN = {"out_of_sample", "models/price_model", "promotion"}  # fitted, judged: one run
SETTINGS = "telemetry: {enabled: false}\n"
TRAINING_SET, SIGNALS = dg.AssetKey("training_set"), dg.AssetKey("signals")
TODAY = datetime.now(UTC).date()
DAYS = build_sessions(TODAY - timedelta(days=30), TODAY)["session_date"].tail(13)


class Daemon:
    """A running daemon, seen through its instance."""

    def __init__(self, home: Path, process: subprocess.Popen, log: Path) -> None:
        self.instance = dg.DagsterInstance.from_config(str(home))
        self.lake = Lake(home / "lake")
        self._process, self._log = process, log

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        """Look until `is_so`, at most DEADLINE seconds."""
        end = time.monotonic() + DEADLINE
        while not is_so():
            tail = self._log.read_text()[-3000:]
            assert self._process.poll() is None, f"the daemon died: {tail}"
            assert time.monotonic() < end, f"{what} did not come: {tail}"
            time.sleep(0.25)

    def ticks(self, sensor: str) -> int:
        """Return how many ticks of a sensor have ended."""
        for state in self.instance.all_instigator_state():
            if state.instigator_name == sensor:
                ticks = self.instance.get_ticks(
                    state.instigator_origin_id, state.selector_id, limit=500
                )
                assert not [tick.error for tick in ticks if tick.error]
                return sum(tick.status.value != "STARTED" for tick in ticks)
        return 0

    def wait_for_ticks(self, sensor: str, count: int = 1) -> None:
        """Let the sensor look `count` times at what is there now; the first may be under way."""
        seen = self.ticks(sensor)
        self.wait_for(f"tick of {sensor}", lambda: self.ticks(sensor) > seen + count)

    def runs_of(self, name: str) -> list[dg.DagsterRun]:
        """Return the runs that make an asset, all of them ended and none failed."""
        self.wait_for("end of all runs", self.all_ended)
        runs = [run for run in self.instance.get_runs() if name in selection(run)]
        assert {run.status for run in runs} <= {dg.DagsterRunStatus.SUCCESS}
        return runs

    def freshness_of(self, key: dg.AssetKey) -> FreshnessState | None:
        record = self.instance.get_freshness_state_records([key]).get(key)
        return record.freshness_state if record else None

    def drift_runs(self) -> list[dg.DagsterRun]:
        return self.instance.get_runs(dg.RunsFilter(job_name="retrain"))

    def all_ended(self) -> bool:
        return all(run.is_finished for run in self.instance.get_runs())

    def report(self, number: int, *, is_drifted: bool) -> None:
        """Add the drift report of a recent session to the lake."""
        add_reports(
            self.lake, pl.DataFrame({"session_date": [DAYS[number]], "is_drifted": [is_drifted]})
        )


def selection(run: dg.DagsterRun) -> set[str]:
    return {key.to_user_string() for key in run.asset_selection or ()}


def materialized(instance: dg.DagsterInstance, key: dg.AssetKey, *, age: timedelta) -> None:
    """Note a materialization that happened `age` ago."""
    event = dg.DagsterEvent(
        DagsterEventType.ASSET_MATERIALIZATION.value,
        RUNLESS_JOB_NAME,
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(key)),
    )
    at = (datetime.now(UTC) - age).timestamp()
    instance.report_dagster_event(event, RUNLESS_RUN_ID, timestamp=at)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory) -> Iterator[Daemon]:
    """A daemon on a chain that was materialized a month ago."""
    home = tmp_path_factory.mktemp("dagster_home")
    (home / "dagster.yaml").write_text(SETTINGS)
    log = home / "daemon.log"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for key in (TRAINING_SET, dg.AssetKey("out_of_sample"), MODEL, dg.AssetKey("promotion")):
            materialized(instance, key, age=timedelta(days=30))
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "dagster._daemon", "run",
         "-m", "tests.integration.daemon_location"],
        cwd=ROOT,
        env={
            **os.environ, "DAGSTER_HOME": str(home), "FRESHNESS_DAEMON_INTERVAL_SECONDS": "2",
            "DAGSTER_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1",
        },
        stdout=log.open("w"), stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    running = Daemon(home, process, log)
    try:
        yield running
    finally:
        # The whole group: code servers and runs outlive a daemon. A process that was started in
        # the background may ignore SIGTERM, which Dagster ties to SIGINT.
        for stop in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, stop)
                process.wait(10)
        running.instance.dispose()


def test_nothing_starts_while_a_stale_model_has_no_newer_input_and_nothing_drifts(daemon):
    for number in range(6):
        daemon.report(number, is_drifted=number == 5)  # one drifted report is none
    daemon.wait_for_ticks("retrain_on_drift")
    daemon.wait_for("staleness", lambda: daemon.freshness_of(MODEL) == FreshnessState.FAIL)
    daemon.wait_for_ticks("retrain_when_stale")
    assert daemon.instance.get_runs() == []


def test_a_stale_model_with_a_newer_input_is_retrained_once_and_its_followers_with_it(daemon):
    materialized(daemon.instance, TRAINING_SET, age=timedelta())
    daemon.wait_for("retraining", lambda: bool(daemon.instance.get_runs()))
    (run,) = daemon.runs_of("models/price_model")
    assert selection(run) == CHAIN
    assert run.tags["dagster/from_automation_condition"] == "true"
    daemon.wait_for("signals", lambda: bool(daemon.instance.get_materialized_partitions(SIGNALS)))
    daemon.wait_for_ticks("retrain_when_stale")
    assert daemon.runs_of("models/price_model") == [run]
    assert len(daemon.runs_of("signals")) == 1
    assert len(daemon.instance.get_materialized_partitions(SIGNALS)) == 1, "the month in progress"

    # Fresh again: a newer input alone starts nothing.
    materialized(daemon.instance, TRAINING_SET, age=timedelta())
    daemon.wait_for_ticks("retrain_when_stale")
    assert daemon.runs_of("models/price_model") == [run]


def test_a_week_of_drift_is_one_retraining(daemon):
    before = len(daemon.runs_of("signals"))
    daemon.report(6, is_drifted=False)
    daemon.report(7, is_drifted=True)
    daemon.report(8, is_drifted=True)
    daemon.wait_for("retraining", lambda: bool(daemon.drift_runs()))
    for number in (9, 10, 11, 12):
        daemon.report(number, is_drifted=True)
    daemon.wait_for("end of all runs", daemon.all_ended)
    daemon.wait_for_ticks("retrain_on_drift")
    daemon.wait_for_ticks("retrain_when_stale")
    (run,) = daemon.drift_runs()
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.tags["finpulse/reason"] == f"drift in 2 reports in a row, the last on {DAYS[8]}"
    assert run.tags["dagster/run_key"] == f"drift-{DAYS[8]}"
    assert len(daemon.runs_of("signals")) == before, "they are made in the same run"
