"""`kill -9` at many points, then a run to the end: the tables are those of a clean run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.integration.fork_server import KillPoint
from tests.integration.graph_cli import (
    KILLED,
    ROOT,
    SERVER,
    SMALL,
    command,
    demo_json,
    environment,
    finpulse,
    table_hashes,
)

HANG_SECONDS = 3000  # only a run that hangs reaches it
# The graph is killed before these files get their names, in the order in which it writes them:
# each run starts from the ruins of the one before.
BEFORE_THE_MARTS = (
    KillPoint("/models/sentiment/"),
    KillPoint("/lake/"),
    KillPoint("/raw/prices/", 2),
    KillPoint("/raw/tweets/", 3),
    KillPoint("/scored/text_sentiment/", 4),
    KillPoint("/features/technical/"),
)
FIRST_OF_THE_MODELS = KillPoint("/models/out_of_sample_predictions/")
MODELS = (
    KillPoint("/models/price/"),
    KillPoint("/models/evaluation/"),
    KillPoint("/promotion"),
    KillPoint("/predictions/daily_signals/"),
)


def test_killed_at_many_points_and_run_again_equals_a_clean_run(new_home, request):
    for point in BEFORE_THE_MARTS:
        assert_killed(finpulse(new_home, "demo", kill_at=point), point)
    kill_while_dbt_builds(new_home)
    whole = finpulse(new_home, "demo", kill_at=FIRST_OF_THE_MODELS)
    assert_killed(whole, FIRST_OF_THE_MODELS)
    for point in MODELS:
        assert_killed(_retrain(new_home, point), point)
    demo_json(new_home)
    clean = request.getfixturevalue("demo_home")  # asked for late: another worker makes it
    assert table_hashes(new_home / "demo") == table_hashes(clean / "demo")
    assert not list((new_home / "demo").rglob("*.tmp")), "a temporary file was left behind"


def assert_killed(done: subprocess.CompletedProcess[str], point: KillPoint) -> None:
    assert done.returncode == KILLED, f"the run did not come to {point}: {done.stderr}"


def _retrain(home: Path, kill_at: KillPoint) -> subprocess.CompletedProcess[str]:
    return SERVER.run(
        [], main=f"{__name__}:retrain", environment=environment(home, SMALL), kill_at=kill_at
    )


def retrain() -> None:
    """Run the model chain of the whole graph, on the marts that are there."""
    import dagster as dg
    from dagster._core.storage.tags import (
        ASSET_PARTITION_RANGE_END_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
    )

    from finpulse_assets.cli.graph_run import open_instance
    from finpulse_assets.definitions import defs
    from finpulse_assets.settings import load_settings

    settings = load_settings()
    job = defs().resolve_job_def("signal_chain")
    keys = dg.AssetSelection.groups("outcomes", "models", "signals").resolve(
        job.asset_layer.asset_graph
    )
    months = sorted(path.stem for path in (settings.lake / "raw/prices").glob("[!.]*.parquet"))
    job.execute_in_process(
        instance=open_instance(settings),
        asset_selection=list(keys),
        tags={
            ASSET_PARTITION_RANGE_START_TAG: months[0],
            ASSET_PARTITION_RANGE_END_TAG: months[-1],
        },
    )


def kill_while_dbt_builds(home: Path) -> None:
    """Start a run as a user does, and kill it, and its dbt, at the first sign of the warehouse."""
    process = subprocess.Popen(
        command("demo", "--json"),
        env=environment(home, SMALL),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + HANG_SECONDS
    while not list((home / "demo").glob("finpulse.duckdb*")):
        assert process.poll() is None, "the run ended before dbt began"
        assert time.monotonic() < deadline, "no sign of the warehouse"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
