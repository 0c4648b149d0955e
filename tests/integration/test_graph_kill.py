"""`kill -9` in every stage, then a run to the end: the tables are those of a clean run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.graph_cli import (
    ROOT,
    SMALL,
    command,
    demo_json,
    environment,
    table_hashes,
)

LIMIT_SECONDS = 120


def _months_of(table: str, count: int) -> Callable[[Path], bool]:
    """True once `count` months of a table are written, so that others are not."""
    return lambda root: len(list((root / "lake" / table).glob("[!.]*.parquet"))) >= count


def _exists(pattern: str) -> Callable[[Path], bool]:
    return lambda root: any(root.glob(pattern))


# Stage -> the sign on disk that the run is inside it.
KILL_POINTS = {
    "saving the sentiment model": _exists("models/sentiment"),
    "ingesting prices": _months_of("raw/prices", 2),
    "scoring texts": _exists("models/scores/*/*.parquet"),
    "building the warehouse": _exists("finpulse.duckdb*"),
    "saving the price model": _exists("models/price/*/*"),
    "promoting": _exists("lake/models/evaluation/all.parquet"),
}


@pytest.fixture(scope="module")
def clean_tables(tmp_path_factory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("clean")
    demo_json(home)
    return table_hashes(home / "demo")


def test_killed_in_every_stage_and_run_again_equals_a_clean_run(tmp_path, clean_tables):
    """One home is killed stage after stage, so each run also starts from the last one's ruins."""
    root = tmp_path / "demo"
    for stage, is_inside in KILL_POINTS.items():
        _run_until(tmp_path, is_inside, stage)
    demo_json(tmp_path)
    assert table_hashes(root) == clean_tables
    assert not list(root.rglob("*.tmp")), "a temporary file was left behind"


def _run_until(home: Path, is_inside: Callable[[Path], bool], stage: str) -> None:
    """Start a run, and kill its process at the first sign of the stage."""
    process = subprocess.Popen(
        command("demo", "--json"),
        env=environment(home, SMALL),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_inside(home / "demo"):
        assert process.poll() is None, f"the run ended before {stage}"
        assert time.monotonic() < deadline, f"no sign of {stage} within {LIMIT_SECONDS} s"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
