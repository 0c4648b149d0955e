"""dbt inside a run: each home is built from its own lake, and a broken rule is named."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from finpulse_assets.defs.warehouse.assets import warehouse
from finpulse_assets.orchestration.alerting.failures import sentence_of
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.settings import Settings
from tests.integration.small_lake import write_lake

AS_OF = datetime(2026, 3, 2, 22, tzinfo=UTC)


def built(root: Path) -> dg.ExecuteInProcessResult:
    """Build the warehouse of a home in a run of Dagster's."""
    settings = Settings(home=root)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FINPULSE_LAKE", "FINPULSE_WAREHOUSE", "DBT_EXCLUDE_RESOURCE_TYPES"):
            patch.setenv(name, "")  # put back what dbt is given
        return dg.materialize(
            warehouse().assets,
            resources={
                "settings": settings,
                "dbt": dbt_of(settings),
                "clock": RunClock(as_of=AS_OF, start_date=date(2026, 1, 1)),
            },
            raise_on_error=False,
        )


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two homes: a sound one with marks in its name, and one with a feature row that repeats."""
    homes = {}
    for name in ("it's {sound}", "broken"):
        homes[name] = tmp_path_factory.mktemp("homes") / name
        write_lake(Settings(home=homes[name]).lake, with_texts=True, newcomers=False)
    lake = Settings(home=homes["broken"]).lake
    path = next((lake / "features" / "technical").glob("*.parquet"))
    rows = pl.read_parquet(path)
    pl.concat([rows, rows.tail(2)]).write_parquet(path)
    return homes


def test_each_home_is_built_from_its_own_lake(lakes: dict[str, Path]) -> None:
    home = lakes["it's {sound}"]
    result = built(home)
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)
    with duckdb.connect(str(Settings(home=home).warehouse), read_only=True) as reader:
        assert reader.table("fct_daily_features").limit(1).fetchall()


def test_a_broken_rule_is_named_with_its_rows(lakes: dict[str, Path]) -> None:
    result = built(lakes["broken"])
    (check,) = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "stg_technical_is_sound"
    ]
    assert not check.passed
    assert check.description == "ticker, session_date repeat (2 rows)"


READER = """
import duckdb, sys
held = duckdb.connect(sys.argv[1], read_only=True)
print("reading", flush=True)
sys.stdin.read()
"""


def test_a_reader_of_the_warehouse_file_makes_the_build_one_sentence(
    lakes: dict[str, Path],
) -> None:
    """Defect: 235 lines and three tracebacks."""
    home = lakes["it's {sound}"]
    path = Settings(home=home).warehouse
    if not path.exists():
        assert built(home).success
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert reader.stdout.readline() == "reading\n"
        result = built(home)
    finally:
        reader.communicate("")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert sentence_of(failure) == (
        f"another process reads {path}, so dbt cannot write it. Hint: close it; "
        "finpulse sql reads the snapshot, which a run does not wait for"
    )
    assert built(home).success, "once it is closed the build goes on"
