"""dbt: the project, its manifest, and how its models appear in Dagster.

Where the project lies, when it is parsed, the translator. `@dbt_assets` in Python rather than the
YAML component: translator, pool and variables stand in one readable place.
https://docs.dagster.io/integrations/libraries/dbt
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
)
from packaging.version import Version

from finpulse_assets.errors import SettingError
from finpulse_assets.orchestration.catalog.metadata import RESEARCH
from finpulse_assets.settings import Settings

PROJECT_DIR = Path(__file__).parents[3] / "dbt_project"
FOLDER_OF_SOURCES = ("models", "macros", "tests")


@cache
def dbt_project() -> DbtProject:
    """Return the project; parse it when its manifest is absent or older than a source (6 s)."""
    if not PROJECT_DIR.exists():
        raise SettingError(
            f"the dbt project {PROJECT_DIR} does not exist",
            hint="FinPulse runs from its checkout: pip install -e there",
        )
    _put_dbt_on_path()
    project = DbtProject(project_dir=PROJECT_DIR, profiles_dir=PROJECT_DIR)
    manifest = Path(project.manifest_path)
    if not manifest.exists() or manifest.stat().st_mtime < _newest_source():
        project.preparer.prepare(project)
    return project


def _put_dbt_on_path() -> None:
    """Let dagster-dbt find the dbt of this environment when the environment is not activated."""
    scripts = str(Path(sys.executable).parent)
    if scripts not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = scripts + os.pathsep + os.environ["PATH"]


def _newest_source() -> float:
    files = [PROJECT_DIR / "dbt_project.yml", PROJECT_DIR / "profiles.yml"]
    for folder in FOLDER_OF_SOURCES:
        files += [path for path in (PROJECT_DIR / folder).rglob("*") if path.is_file()]
    return max(path.stat().st_mtime for path in files)


class InstalledDbt(DbtCliResource):
    """The dbt of this environment, whose version is read from its package.

    dagster-dbt starts `dbt --version` for it before every command: 4 s of imports.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


def dbt_resource(settings: Settings) -> DbtCliResource:
    """Return dbt's command line, pointed at the profile's lake and warehouse.

    Raises:
        SettingError: DuckDB would take the path of the lake for a pattern.
    """
    marks = sorted(set("*?[]") & set(str(settings.lake)))
    if marks:
        raise SettingError(
            f"the folder {settings.root} holds {' and '.join(marks)}, which DuckDB takes for a "
            "pattern of file names",
            hint="set FINPULSE_HOME (or --home) to a folder without it",
        )
    # dbt reads its paths from the environment; every profile has its own.
    os.environ.update(
        {
            "FINPULSE_LAKE": str(settings.lake),
            "FINPULSE_WAREHOUSE": str(settings.warehouse),
            # Unit tests check the SQL, not the data: `make test` runs them, runs do not.
            "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
            "DO_NOT_TRACK": "1",
        }
    )
    project = dbt_project()
    _put_dbt_on_path()
    return InstalledDbt(project_dir=project)


class Translator(DagsterDbtTranslator):
    """Groups by folder, owner always, no SQL in descriptions."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_source_tests_as_checks=True
            )
        )

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return dbt_resource_props["fqn"][1]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        return [RESEARCH]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return dbt_resource_props["description"]

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        table = dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=name,
                    type=column.get("data_type") or "?",
                    description=column.get("description"),
                )
                for name, column in dbt_resource_props["columns"].items()
            ]
        )
        return {
            **super().get_metadata(dbt_resource_props),
            "dagster/column_schema": table,
        }
