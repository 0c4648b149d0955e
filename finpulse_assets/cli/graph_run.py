"""One run of the whole graph in this process."""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from finpulse_assets.cli.console import begin, errors, short
from finpulse_assets.errors import FinPulseError, SettingError
from finpulse_assets.gateways.atomic import check_writable
from finpulse_assets.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg

    from finpulse_assets.orchestration.run.clock import RunClock

JOB, JOB_WITHOUT_SERVING = "whole_graph", "signal_chain"
RUN_LOG = "last_run.log"
WAKE_SECONDS = 0.2
INSTANCE = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"


class GraphFailedError(FinPulseError):
    """A step of the graph failed; the message is the step's own."""


@dataclass(frozen=True)
class GraphRun:
    """A finished run: its id, as-of time, months, and seconds by step."""

    run_id: str
    as_of: str
    months: int
    seconds: float
    steps: dict[str, float] = field(default_factory=dict)


def settings_for(overrides: dict[str, object]) -> Settings:
    """Put command-line options into the environment, where every process finds them, and load."""
    for name, value in overrides.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
    return load_settings()


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Return the Dagster instance: DAGSTER_HOME, the project's own, or one in the home folder."""
    import dagster as dg

    if not os.environ.get("DAGSTER_HOME"):
        home = instance_folder(settings)
        check_writable(home.absolute())
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").write_text(INSTANCE)
        os.environ["DAGSTER_HOME"] = str(home.absolute())
    home = Path(os.environ["DAGSTER_HOME"])
    if not home.is_absolute() or not home.is_dir():
        raise SettingError(
            f"DAGSTER_HOME is {str(home)!r}, it should be an absolute folder that exists",
            hint="unset it for the project's own .dagster",
        )
    return dg.DagsterInstance.get()


def instance_folder(settings: Settings) -> Path:
    """Return the folder of runs and events: DAGSTER_HOME, the project's own, or in the home."""
    if named := os.environ.get("DAGSTER_HOME"):
        return Path(named)
    own = Path(".dagster/dagster.yaml")
    return own.parent if own.exists() else settings.home / "dagster"


def run_graph(
    settings: Settings, *, days: tuple[date, date] | None = None, force: bool = False
) -> GraphRun:
    """Materialize every asset, printing each step as it ends.

    Args:
        settings: of the deployment.
        days: first and last day whose months are run; None for all months of the sources.
        force: whether what is unchanged is made again.

    Raises:
        GraphFailedError: a step failed; nothing half-written is left.
        FinPulseError: a setting or a source cannot be used.
        KeyboardInterrupt: the run was stopped (Ctrl-C) and is noted as canceled. Its thread still
            works: end the process by `os._exit`.
    """
    started = time.monotonic()
    check_writable(settings.root)
    begin("loading FinPulse for", settings.root)
    from finpulse_assets.definitions import defs
    from finpulse_assets.orchestration.automation.schedule import span_tags
    from finpulse_assets.orchestration.run.killed_runs import (
        HOST_TAG,
        PID_TAG,
        end_killed_runs,
        note_stopped,
    )
    from finpulse_assets.orchestration.run.once import FORCE_TAG
    from finpulse_assets.orchestration.run.origin import OF_LOCATION, note_origin
    from finpulse_assets.orchestration.run.resources import begin_run, build_sources

    clock = begin_run(settings, build_sources(settings))
    months = clock.months_from(*days) if days else _months(settings, clock)
    errors.print(
        f"profile {settings.profile.value}, as of {clock.as_of:%Y-%m-%d %H:%M} UTC, "
        f"{len(months)} months from {months[0][:7]}, data in {short(settings.root)}",
        highlight=False,
        soft_wrap=True,
    )
    instance = open_instance(settings)
    end_killed_runs(instance)
    run_id = str(uuid.uuid4())
    progress = _Progress()
    instance.add_event_listener(run_id, progress)
    job = defs().resolve_job_def(JOB if settings.publish else JOB_WITHOUT_SERVING)
    tags = {
        PID_TAG: str(os.getpid()),
        HOST_TAG: socket.gethostname(),
        **OF_LOCATION,
        **({FORCE_TAG: "true"} if force else {}),
    }
    with _output_kept_in(settings.root / RUN_LOG):
        # On the main thread Dagster takes Ctrl-C for a failure, and prints where it came from.
        running = ThreadPoolExecutor(1).submit(
            job.execute_in_process,
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            tags={**span_tags(months[0], months[-1]), **tags},
        )
        try:
            # A signal may reach the other thread, which does not wake this one.
            while not running.done():
                wait([running], timeout=WAKE_SECONDS)
            result = running.result()
        except KeyboardInterrupt:
            note_stopped(instance, run_id)
            raise
        finally:
            note_origin(instance, run_id)
    if not result.success:
        raise GraphFailedError(
            failure_of(result), hint=f"the whole log is {short(settings.root / RUN_LOG)}"
        )
    seconds = time.monotonic() - started
    return GraphRun(run_id, clock.as_of.isoformat(), len(months), seconds, progress.steps)


def _months(settings: Settings, clock: RunClock) -> list[str]:
    """Return the months of a run, older ones that the home holds among them."""
    from finpulse_assets.orchestration.run.clock import RunClock
    from finpulse_assets.orchestration.run.partitions import first_month

    return RunClock(clock.as_of, date.fromisoformat(first_month(settings))).months


@contextmanager
def _output_kept_in(path: Path) -> Iterator[None]:
    """Send what dbt, Dagster and libraries print to a file; the terminal shows the progress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        yield


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Return the sentence of the first check that stopped the run, of a failed step, or its own."""
    import dagster as dg

    from finpulse_assets.orchestration.alerting.failures import sentence_of

    for check in result.get_asset_check_evaluations():
        is_error = check.severity == dg.AssetCheckSeverity.ERROR
        if not check.passed and check.blocking and is_error:
            name = check.asset_key.to_user_string()
            return f"{name} fails the check {check.check_name}: {check.description or 'see the UI'}"
    for event in result.all_events:
        if event.is_step_failure:
            return f"step {event.step_key.replace('__', '/')} failed: {sentence_of(event)}"
        if event.event_type == dg.DagsterEventType.RUN_FAILURE:
            return f"the run failed before its first step: {sentence_of(event)}"
    return "the run ended before its first step"


class _Progress:
    """Prints a line when an asset's step ends: its name, its rows and its seconds."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._rows: dict[str, int | None] = {}
        self._unchanged: set[str] = set()
        # Bound to the terminal now: while the graph runs, stdout and stderr go to the run's log.
        self._print: Callable[..., None] = Console(file=sys.stderr).print

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        if event.is_step_materialization:
            self._note_rows(event)
        elif event.is_step_success:
            step, ms = event.step_key, event.step_success_data.duration_ms
            self.steps[step] = ms / 1000
            if step not in self._rows:  # the step of a check
                return
            rows = self._rows[step]
            count = f"{rows:>9,} rows" if rows is not None else " " * 14
            note, name = "  unchanged" if step in self._unchanged else "", step.replace("__", "/")
            self._print(
                f"  [green]✓[/green] {name:<40}{count} {ms / 1000:>7.1f} s{note}",
                highlight=False,
                soft_wrap=True,
            )
        elif event.is_step_failure:
            self._print(f"  [red]✗[/red] {event.step_key.replace('__', '/')}", highlight=False)

    def _note_rows(self, event: dg.DagsterEvent) -> None:
        from finpulse_assets.orchestration.run.once import UNCHANGED_SINCE

        metadata = event.step_materialization_data.materialization.metadata
        rows = metadata.get("dagster/row_count")
        if event.step_key:
            self._rows[event.step_key] = int(rows.value) if rows is not None else None
            if UNCHANGED_SINCE in metadata:
                self._unchanged.add(event.step_key)
