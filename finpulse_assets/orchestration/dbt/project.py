"""dbt: the project, its manifest, and how its models appear in Dagster.

Where the project lies, when it is parsed, the translator. `@dbt_assets` in Python rather than the
YAML component: translator, pool and variables stand in one readable place.
https://docs.dagster.io/integrations/libraries/dbt
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject
from filelock import FileLock

from finpulse_assets.errors import SettingError, WarehouseError
from finpulse_assets.orchestration.catalog.metadata import RESEARCH

PROJECT_DIR = Path(__file__).parents[3] / "dbt_project"
TARGET = PROJECT_DIR / "target"
PARSED, LOCK = "partial_parse.msgpack", "parse.lock"
FOLDER_OF_SOURCES = ("models", "macros", "tests")


@cache
def dbt_project() -> DbtProject:
    """Return the project; parse it where what was parsed is absent or older than a source (7 s).

    Raises:
        SettingError: the project is absent.
        WarehouseError: it cannot be parsed.
    """
    if not PROJECT_DIR.exists():
        raise SettingError(
            f"the dbt project {PROJECT_DIR} does not exist",
            hint="FinPulse runs from its checkout: pip install -e there",
        )
    project = DbtProject(project_dir=PROJECT_DIR, profiles_dir=PROJECT_DIR)
    parsed = [TARGET / PARSED, project.manifest_path]
    TARGET.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in source_files())
    with FileLock(TARGET / LOCK):
        if not all(path.exists() and path.stat().st_mtime >= newest for path in parsed):
            _parse()
    return project


def _parse() -> None:
    from dbt.cli.main import dbtRunner

    for name in (PARSED, "manifest.json"):
        (TARGET / name).unlink(missing_ok=True)
    done = dbtRunner().invoke(["parse", *options(TARGET)])
    if not done.success:
        raise WarehouseError(f"dbt cannot parse {PROJECT_DIR}: {done.exception}")


def options(target: Path) -> list[str]:
    """Return the options of every call of dbt, which writes its own files into `target`."""
    folders = {
        "project-dir": PROJECT_DIR,
        "profiles-dir": PROJECT_DIR,
        "target-path": target,
        "log-path": target,
    }
    return [*(f"--{name}={folder}" for name, folder in folders.items()), "--quiet"]


def source_files() -> list[Path]:
    """Return the files that the project is parsed from."""
    files = [PROJECT_DIR / "dbt_project.yml", PROJECT_DIR / "profiles.yml"]
    for folder in FOLDER_OF_SOURCES:
        files += [path for path in (PROJECT_DIR / folder).rglob("*") if path.is_file()]
    return files


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
