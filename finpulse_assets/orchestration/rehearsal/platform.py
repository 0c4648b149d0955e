"""The rehearsed platform: its definitions on an instance of their own, by a clock that is given.

Whatever Dagster's daemon would do at a moment (tick the schedule and the sensors, evaluate the
freshness policies and automation conditions, launch what they ask for) is done here at that moment,
in this process, without waiting.
https://docs.dagster.io/guides/test/unit-testing-assets-and-ops
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.domain.monitoring.alert import Message
from finpulse_assets.gateways.sources.simulated.scripted_source import EXCHANGE
from finpulse_assets.gateways.sources.source import Sources
from finpulse_assets.orchestration.alerting.runs import failure_reason
from finpulse_assets.orchestration.dbt.in_process import DbtInProcess
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.rehearsal.freshness import note_freshness
from finpulse_assets.orchestration.rehearsal.kill import Kill, dying
from finpulse_assets.orchestration.rehearsal.record import RunRecord
from finpulse_assets.orchestration.run.dagster_internals import PARTITION_NAME_TAG, freeze_time
from finpulse_assets.orchestration.run.killed_runs import HOST_TAG, PID_TAG
from finpulse_assets.orchestration.run.resources import build_resources
from finpulse_assets.settings import Settings

DBT_TARGET = "dbt_target"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SERVING = dg.AssetSelection.groups("serving")
MOST_ROUNDS = 5  # of automation conditions that follow from each other at one moment
NO_PROCESS = 2**30  # a process id that no system gives


@dataclass
class GivenClock:
    """The platform's `Now`: the time that the rehearsal says it is."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass
class MemorySender:
    """Takes every message to one destination, which is a list."""

    messages: list[Message] = field(default_factory=list)
    destinations: tuple[str, ...] = ("rehearsal",)

    def send(self, destination: str, message: Message) -> None:  # noqa: ARG002
        self.messages.append(message)


class RehearsedPlatform:
    """Drives the platform's own definitions.

    Args:
        load: loads the definitions of the code location.
        settings: of the rehearsal; its home is written.
        instance: a Dagster instance of its own.
        sources: what its sources show at a time.
        clock: the time, set by the driver.
        dbt: builds the warehouse.
    """

    def __init__(
        self,
        load: Callable[[], dg.Definitions],
        settings: Settings,
        instance: dg.DagsterInstance,
        sources: Callable[[datetime], Sources],
        clock: GivenClock,
        dbt: DbtInProcess,
    ) -> None:
        self.instance, self.clock, self.sender = instance, clock, MemorySender()
        self._load, self._sources, self._dbt = load, sources, dbt
        self._cursors: dict[str, object] = {}
        self._asked: set[tuple[str, str]] = set()
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Go on under these settings: a new deployment on the same home."""
        self.settings, loaded = settings, self._load()
        sources = dg.ResourceDefinition(lambda _: self._sources(self.clock()))
        own = {"sources": sources, "alert_sender": self.sender, "dbt": self._dbt}
        self._resources = {**build_resources(settings, now=self.clock), **own}
        self.definitions = dg.Definitions(
            assets=loaded.assets,
            asset_checks=loaded.asset_checks,
            jobs=loaded.jobs,
            schedules=loaded.schedules,
            sensors=loaded.sensors,
            executor=loaded.executor,
            resources=self._resources,
        )
        self.repository = self.definitions.get_repository_def()
        graph = self.repository.asset_graph
        self._left_out = set() if settings.publish else SERVING.resolve(graph)
        warehouse = next(
            one
            for one in loaded.assets
            if isinstance(one, dg.AssetsDefinition) and dg.AssetKey([DAILY_FEATURES]) in one.keys
        )
        self._data_tests = frozenset(warehouse.check_keys)

    def market_begins(self) -> date:
        """Return the first day of which the sources have something."""
        extent = self._sources(self.clock()).named(EXCHANGE).prices.extent()
        return extent.first.astimezone(NEW_YORK).date()

    @contextmanager
    def moment(self, at: datetime) -> Iterator[None]:
        """Let it be `at` (UTC) for the platform and for Dagster; what is printed goes to a file."""
        self.clock.at = at
        log = self.settings.home / "rehearsal.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with (
            freeze_time(at),
            log.open("a", encoding="utf-8") as file,
            redirect_stdout(file),
            redirect_stderr(file),
        ):
            yield

    def tick_schedules(self, *, kill: Kill | None = None) -> list[RunRecord]:
        """Tick every schedule that is due now, and execute what it requests.

        Args:
            kill: where the process of the run is killed, None for a run that goes on.
        """
        records = []
        for schedule in self.repository.schedule_defs:
            with dg.build_schedule_context(
                self.instance,
                scheduled_execution_time=self.clock(),
                repository_def=self.repository,
                resources=self._needed(schedule.required_resource_keys),
            ) as context:
                data = schedule.evaluate_tick(context)
            requests = self._new(schedule.name, data.run_requests)
            job = schedule.job_name
            records += [self._requested(schedule.name, job, one, kill=kill) for one in requests]
        return records

    def tick_sensors(self) -> list[RunRecord]:
        """Note the freshness of now, tick every sensor, and execute what they ask for."""
        note_freshness(self.instance, self.repository.asset_graph, self.clock())
        records = []
        # The alerts come first and last: they are sensed more often than what retrains.
        alerts = self.repository.get_sensor_def("alerts")
        others = [one for one in self.repository.sensor_defs if one is not alerts]
        for sensor in (alerts, *others, alerts):
            if isinstance(sensor, dg.AutomationConditionSensorDefinition):
                records += self._automation(sensor)
                continue
            with dg.build_sensor_context(
                self.instance,
                cursor=self._cursors.get(sensor.name),
                repository_def=self.repository,
                resources=self._needed(sensor.required_resource_keys),
            ) as context:
                data = sensor.evaluate_tick(context)
            self._cursors[sensor.name] = data.cursor
            for one in self._new(sensor.name, data.run_requests or []):
                records.append(self._requested(sensor.name, one.job_name or sensor.job_name, one))
        return records

    def execute(
        self,
        cause: str,
        job: str,
        *,
        tags: dict[str, str],
        assets: Sequence[dg.AssetKey] | None = None,
        reason: str = "",
        kill: Kill | None = None,
    ) -> RunRecord:
        """Execute a job in this process, as the platform's own run would."""
        definition = self.definitions.resolve_job_def(job)
        graph = self.repository.asset_graph
        keys = set(assets or definition.asset_layer.selected_asset_keys) - self._left_out
        chosen: list[dg.AssetKey] | None = sorted(keys)
        checks = {key for key in graph.asset_check_keys if key.asset_key in keys}
        if not self._dbt.with_tests and checks & self._data_tests:
            # A data test that is not run is not planned: Dagster notes each of the 140 as such.
            checks -= self._data_tests
            definition = definition.get_subset(asset_selection=keys, asset_check_selection=checks)
            chosen = None  # it would select the checks again
        pid = NO_PROCESS if kill else os.getpid()
        began = _cpu_seconds()
        with dying(self.instance, kill):
            result = definition.execute_in_process(
                instance=self.instance,
                run_config=QUIET,
                asset_selection=chosen,
                tags={**tags, PID_TAG: str(pid), HOST_TAG: socket.gethostname()},
                raise_on_error=False,
            )
        problem = None if result.success else failure_reason(self.instance, result.run_id)
        return RunRecord(
            cause=cause,
            reason=reason or job,
            outcome="killed" if kill else "success" if result.success else "failure",
            at=self.clock(),
            cpu_seconds=_cpu_seconds() - began,
            new_rows=_new_rows(result),
            problem=problem,
        )

    def _requested(
        self, cause: str, job: str, request: dg.RunRequest, *, kill: Kill | None = None
    ) -> RunRecord:
        return self.execute(
            cause,
            job,
            tags=dict(request.tags),
            assets=request.asset_selection,
            reason=request.tags.get("finpulse/reason", ""),
            kill=kill,
        )

    def _new(self, name: str, requests: Sequence[dg.RunRequest]) -> list[dg.RunRequest]:
        """Return the requests whose run key was not seen before, as the daemon launches them."""
        new = []
        for request in requests:
            if request.run_key is None or (name, request.run_key) not in self._asked:
                self._asked.add((name, request.run_key))
                new.append(request)
        return new

    def _automation(self, sensor: dg.AutomationConditionSensorDefinition) -> list[RunRecord]:
        records = []
        for _ in range(MOST_ROUNDS):
            result = dg.evaluate_automation_conditions(
                self.definitions,
                self.instance,
                asset_selection=sensor.asset_selection,
                evaluation_time=self.clock(),
                cursor=self._cursors.get(sensor.name),
            )
            self._cursors[sensor.name] = result.cursor
            wanted: dict[str | None, list[dg.AssetKey]] = {}
            selected = sensor.asset_selection.resolve(self.repository.asset_graph)
            for key in sorted(selected - self._left_out):
                for partition in result.get_requested_partitions(key):
                    wanted.setdefault(partition, []).append(key)
            if not wanted:
                break
            for partition, keys in wanted.items():
                job = self.definitions.resolve_implicit_job_def_def_for_assets(keys).name
                tags = {PARTITION_NAME_TAG: partition} if partition else {}
                records.append(self.execute(sensor.name, job, tags=tags, assets=keys))
        return records

    def _needed(self, keys: set[str]) -> dict[str, object]:
        return {name: value for name, value in self._resources.items() if name in keys}


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _new_rows(result: dg.ExecuteInProcessResult) -> int:
    found = 0
    for event in result.get_asset_materialization_events():
        metadata = event.step_materialization_data.materialization.metadata
        if "new_rows" in metadata:
            found += int(metadata["new_rows"].value)
    return found


def files_below(folder: Path) -> int:
    """Return how many files a folder and its folders hold, dbt's working folder left out.

    That one holds a file a model and a test, and a rehearsal runs the tests now and then.
    """
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(1 for path in files if DBT_TARGET not in path.parts)
