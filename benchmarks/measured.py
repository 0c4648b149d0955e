"""Measuring a command: seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
POLL_SECONDS = 0.1
FINPULSE = (sys.executable, "-W", "ignore", "-m", "finpulse_assets.cli.app")


@dataclass(frozen=True)
class Measured:
    """What a command took and printed."""

    seconds: float
    peak_gb: float
    stdout: str


def finpulse(
    arguments: Sequence[str], home: Path, settings: Mapping[str, str] | None = None
) -> Measured:
    """Run the command line with every file below `home`; stop the benchmark if it fails."""
    command = [*FINPULSE, *arguments]
    return run(command, environment_of(home, settings))


def environment_of(home: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment in which the command line keeps every file below `home`."""
    instance = home / "dagster"
    instance.mkdir(parents=True, exist_ok=True)
    (instance / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FINPULSE_")}
    return {
        **clean,
        "FINPULSE_HOME": str(home),
        "DAGSTER_HOME": str(instance),
        "OMP_WAIT_POLICY": "PASSIVE",
        **(settings or {}),
    }


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str], *, repeats: int) -> float:
    """Return the CPU seconds of a command that takes about one, the least of `repeats`."""
    found = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def run(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command and sum the resident memory of it and its children while it runs."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, text=True
    )
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, _resident(watched))
        time.sleep(POLL_SECONDS)
    stdout, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return Measured(time.perf_counter() - started, peak / 1e9, stdout)


def _resident(process: psutil.Process) -> int:
    try:
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family)
    except psutil.Error:  # a child ended between the two calls
        return 0


def verdict(claims: Mapping[str, bool]) -> None:
    """Print each claim with its verdict and exit with 1 when one does not hold."""
    for claim, holds in claims.items():
        print(f"{'holds' if holds else 'FAILS'}: {claim}")
    if not all(claims.values()):
        raise SystemExit(1)
