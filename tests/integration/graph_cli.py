"""Running the real command line on a small simulated market, each home in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from tests.integration.fork_server import ForkServer, KillPoint

ROOT = Path(__file__).parents[2]
END = "2024-06-28"
SMALL = {
    "FINPULSE_AS_OF": END,
    "FINPULSE_SIMULATOR_TICKERS": "6",
    "FINPULSE_SIMULATOR_SESSIONS": "150",
    "FINPULSE_SIMULATOR_MINUTE_SESSIONS": "2",
    "FINPULSE_SENTIMENT_MODEL": "tiny",
    "FINPULSE_MIN_TRAIN_SESSIONS": "60",
    "FINPULSE_FOLDS": "2",
    "FINPULSE_RESAMPLES": "200",
    "FINPULSE_MODEL_THREADS": "1",
    "FINPULSE_PUBLISH": "false",  # services and reports have tests of their own
}
DAGSTER_YAML = "telemetry:\n  enabled: false\n"
KILLED = -9
SERVER = ForkServer()


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process whose every file lies below `home`."""
    instance = home / "dagster"
    instance.mkdir(parents=True, exist_ok=True)
    (instance / "dagster.yaml").write_text(DAGSTER_YAML)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "FINPULSE_HOME": str(home),
        "DAGSTER_HOME": str(instance),
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        **settings,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "finpulse_assets.cli.app", *arguments]


def finpulse(
    home: Path,
    *arguments: str,
    settings: Mapping[str, str] = SMALL,
    kill_at: KillPoint | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, or to a kill, and return what it printed."""
    return SERVER.run(arguments, environment=environment(home, settings), kill_at=kill_at)


def demo_json(home: Path, settings: Mapping[str, str] = SMALL) -> dict[str, object]:
    """Run `finpulse demo --json`, which must succeed, and return its report."""
    done = finpulse(home, "demo", "--json", settings=settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` filled, once for all workers of this test session."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    made = folder.with_suffix(".made")
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a failure before left
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def train_sentiment_model(folder: Path) -> None:
    """Leave in `folder` the sentiment model that every run with these settings would train."""
    home = folder / "home"
    done = finpulse(home, "demo", kill_at=KillPoint("/lake/"))
    assert done.returncode == KILLED, done.stderr
    for model in (home / "demo/models/sentiment").glob("[!.]*-*"):
        model.rename(folder / model.name)
    shutil.rmtree(home)


def give_sentiment_model(trained: Path, home: Path, profile: str = "demo") -> Path:
    """Put the trained model into a home, as an earlier run would leave it; return the home."""
    shutil.copytree(trained, home / profile / "models" / "sentiment")
    return home


def table_hashes(root: Path) -> dict[str, str]:
    """Return the content, mostly hashed, of every lake table and pointer of a profile.

    Without the log of requests: how many rows were new to a request tells of kills before it.
    """
    hashes = {}
    folders = {path.parent for path in (root / "lake").rglob("*.parquet")}
    for folder in sorted(folder for folder in folders if folder.name != "requests"):
        frame = pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("[!.]*.parquet"))])
        content = frame.write_csv().encode()
        hashes[str(folder.relative_to(root))] = hashlib.sha256(content).hexdigest()
    price = root / "models" / "price"
    hashes["models"] = str(sorted(path.name for path in price.glob("[!.]*/")))
    # A second decision says that it is one; who is champion is what has to agree.
    last = (price / "promotions.jsonl").read_text().splitlines()[-1]
    hashes["champion"] = str(json.loads(last)["champion"])
    return hashes
