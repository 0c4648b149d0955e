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
# Runs of the whole graph, each killed before the n-th of its files gets its name; the next one
# starts from these ruins. Together they reach from the sentiment model to the features.
FILES_BEFORE_THE_KILL = (1, 2, 8, 13, 21)
# The same for the model chain. What it writes is kept, so a later kill lies further on.
MODELS_BEFORE_THE_KILL = (1, 2, 3)


def test_killed_at_many_points_and_run_again_equals_a_clean_run(new_home, request):
    root, last_words = new_home / "demo", []
    for count in FILES_BEFORE_THE_KILL:
        last_words.append(_kill(finpulse(new_home, "demo", kill_at=KillPoint("/demo/", count))))
    _kill_while_dbt_builds(new_home)
    at_the_models = KillPoint("/models/out_of_sample_predictions/")
    last_words.append(_kill(finpulse(new_home, "demo", kill_at=at_the_models)))
    for count in MODELS_BEFORE_THE_KILL:
        last_words.append(_kill(_retrain(new_home, KillPoint("/demo/", count))))
    folders = {Path(path).parent for path in last_words}
    assert len(folders) > len(last_words) / 2, f"the kills lie too close together: {last_words}"
    demo_json(new_home)
    clean = request.getfixturevalue("demo_home")  # asked for late: another worker makes it
    assert table_hashes(root) == table_hashes(clean / "demo")
    assert not list(root.rglob("*.tmp")), "a temporary file was left behind"


def _kill(done: subprocess.CompletedProcess[str]) -> str:
    """Return the file that a killed run was about to name."""
    assert done.returncode == KILLED, f"the run was not killed: {done.stderr}"
    return done.stderr.rsplit("killed before ", 1)[1].removesuffix(" was written\n")


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
    keys = dg.AssetSelection.groups("models", "signals").resolve(job.asset_layer.asset_graph)
    months = sorted(path.stem for path in (settings.lake / "raw/prices").glob("[!.]*.parquet"))
    job.execute_in_process(
        instance=open_instance(settings),
        asset_selection=list(keys),
        tags={
            ASSET_PARTITION_RANGE_START_TAG: months[0],
            ASSET_PARTITION_RANGE_END_TAG: months[-1],
        },
    )


def _kill_while_dbt_builds(home: Path) -> None:
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
