"""The dbt project inside Dagster: its command line, its marts by name, and homes it cannot read."""

from __future__ import annotations

import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.dbt.models import MARTS
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR
from finpulse_assets.settings import load_settings


def test_the_names_of_the_marts_are_those_of_the_project():
    files = {path.stem for path in (PROJECT_DIR / "models" / "marts").glob("*.sql")}
    assert set(MARTS) == files


@pytest.mark.parametrize("name", ["data[1]", "what?", "all*"])
def test_a_home_that_duckdb_takes_for_a_pattern_is_refused(tmp_path, name):
    with pytest.raises(SettingError, match="which DuckDB takes for a pattern of file names"):
        dbt_of(load_settings(home=tmp_path / name))
