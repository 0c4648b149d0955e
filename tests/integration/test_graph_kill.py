"""`kill -9` at many points, then a run to the end: the tables are those of a clean run."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.fork_server import KillPoint
from tests.integration.graph_cli import KILLED, demo_json, finpulse, table_hashes
from tests.integration.part_of_graph import DATA, MODELS, WAREHOUSE, run_groups

# The run is killed before these files get their names, in the order in which it writes them: each
# run starts from the ruins of the one before.
IN_THE_DATA = (
    KillPoint("/models/sentiment/"),
    KillPoint("/lake/"),
    KillPoint("/raw/prices/", 2),
    KillPoint("/raw/tweets/", 3),
    KillPoint("/scored/text_sentiment/", 4),
    KillPoint("/features/technical/"),
)
WHILE_DBT_BUILDS = KillPoint("/finpulse.duckdb", is_looked_for=True)
FIRST_OF_THE_MODELS = KillPoint("/models/out_of_sample_predictions/")
IN_THE_MODELS = (
    KillPoint("/models/price/"),
    KillPoint("/models/evaluation/"),
    KillPoint("/promotion"),
    KillPoint("/predictions/daily_signals/"),
)


@pytest.mark.long
def test_killed_at_many_points_and_run_again_equals_a_clean_run(new_home, request):
    for point in IN_THE_DATA:
        assert_killed(run_groups(new_home, *DATA, kill_at=point), point)
    dbt = run_groups(new_home, *DATA, *WAREHOUSE, kill_at=WHILE_DBT_BUILDS)
    assert_killed(dbt, WHILE_DBT_BUILDS)
    whole = finpulse(new_home, "demo", kill_at=FIRST_OF_THE_MODELS)
    assert_killed(whole, FIRST_OF_THE_MODELS)
    for point in IN_THE_MODELS:
        assert_killed(run_groups(new_home, *MODELS, kill_at=point), point)
    demo_json(new_home)
    clean = request.getfixturevalue("demo_home")  # asked for late: another worker makes it
    assert table_hashes(new_home / "demo") == table_hashes(clean / "demo")
    assert not list((new_home / "demo").rglob("*.tmp")), "a temporary file was left behind"


def assert_killed(done: subprocess.CompletedProcess[str], point: KillPoint) -> None:
    assert done.returncode == KILLED, f"the run did not come to {point}: {done.stderr}"
