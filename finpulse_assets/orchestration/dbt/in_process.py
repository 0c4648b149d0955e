"""dbt in this process: building the marts, their tests, and the documentation.

A process of its own costs 8 s a run, half of it to parse a project that has not changed. The parsed
project is therefore read from where `dbt_project` keeps it, and pointed at the lake of the home.
https://docs.getdbt.com/reference/programmatic-invocations
"""

from __future__ import annotations

import atexit
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from filelock import FileLock

from finpulse_assets.errors import SettingError, WarehouseError
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.project import (
    LOCK,
    PARSED,
    TARGET,
    Translator,
    dbt_project,
    options,
)
from finpulse_assets.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

SHOWN = frozenset({"NodeFinished", "LogTestResult", "LogModelResult", "RunResultError"})
FOLDER_OF_LAKE = re.compile(r"(?<=read_parquet\(').*(?=/\{schema\})")


@dataclass
class DbtInProcess:
    """dbt on the lake and the warehouse of one home.

    Args:
        lake: folder that the sources are read from.
        warehouse: the DuckDB file, written.
        target: folder for dbt's own files; one for all runs.
        with_tests: whether the tests of the data are run; a rehearsal leaves them out at times.
    """

    lake: Path
    warehouse: Path
    target: Path
    with_tests: bool = True

    def build(self, context: dg.AssetExecutionContext, *, as_of: datetime) -> Iterator[Any]:
        """Build every model and test it; yield Dagster's events of them.

        Args:
            context: of the step that builds them.
            as_of: what was known later is unseen (UTC).

        Raises:
            WarehouseError: another process reads the warehouse, or a model could not be built; a
                test that fails raises nothing.
        """
        from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
        from google.protobuf.json_format import MessageToDict

        events: list[dict[str, Any]] = []

        def keep(event: Any) -> None:
            if event.info.name in SHOWN:
                events.append(MessageToDict(event, preserving_proto_field_name=True))

        self._refuse_while_it_is_read()
        variables = json.dumps({"as_of": f"{as_of:%Y-%m-%d %H:%M:%S.%f}"})
        done = self._invoke(["build", "--vars", variables], parsed(self.lake), keep)
        broken = self._broken_rules(done)
        for event in events:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
            rules = broken.get(event["data"].get("node_info", {}).get("unique_id"), "")
            for it in message.to_default_asset_events(
                manifest=_manifest_as_json(),
                dagster_dbt_translator=Translator(),
                context=context,
                target_path=self.target,
                project=dbt_project(),
            ):
                if isinstance(it, dg.AssetCheckResult):
                    yield _described(it, rules)
                else:
                    path = dg.MetadataValue.path(str(self.warehouse))
                    yield it.with_metadata({**it.metadata, "path": path})
        _raise_where_a_model_failed(done)

    def _broken_rules(self, done: dbtRunnerResult) -> dict[str, str]:
        """Return which rules of a model do not hold, by the unique id of its test `sound`."""
        found = {}
        for it in _results(done, "fail"):
            if it.node.test_metadata and it.node.test_metadata.name == "sound":
                rules = Warehouse(self.warehouse).query(it.node.compiled_code)
                named = [f"{rule} ({rows:,} rows)" for rule, rows in rules.sort("rule").iter_rows()]
                found[it.node.unique_id] = "; ".join(named)
        return found

    def _refuse_while_it_is_read(self) -> None:
        """Raise before dbt does, which prints three tracebacks."""
        import duckdb

        try:
            duckdb.connect(str(self.warehouse)).close()
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            raise WarehouseError(
                f"another process reads {self.warehouse}, so dbt cannot write it",
                hint="close it; finpulse sql reads the snapshot, which a run does not wait for",
            ) from error

    def write_docs(self) -> None:
        """Write the documentation as one page into the target folder.

        Raises:
            WarehouseError: dbt fails.
        """
        manifest = parsed(self.lake)
        manifest.unit_tests.clear()  # they check the SQL; a reader of tables asks for none
        _raise_where_a_model_failed(self._invoke(["docs", "generate", "--static"], manifest))

    def _invoke(
        self, arguments: Sequence[str], manifest: Manifest, *callbacks: Any
    ) -> dbtRunnerResult:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        left_out = "unit_test" if self.with_tests else "unit_test test"
        # Unit tests check the SQL, not the data: `make test` runs them, runs do not.
        os.environ |= {
            "FINPULSE_LAKE": str(self.lake),
            "FINPULSE_WAREHOUSE": str(self.warehouse),
            "DBT_EXCLUDE_RESOURCE_TYPES": left_out,
            "DO_NOT_TRACK": "1",
        }
        runner = dbtRunner(manifest=manifest, callbacks=list(callbacks))
        try:
            return runner.invoke([*arguments, *options(self.target), "--no-use-colors"])
        finally:
            # Else the file stays open for writing, and no reader of this process gets at it.
            DuckDBConnectionManager.close_all_connections()


def dbt_of(settings: Settings) -> DbtInProcess:
    """Return dbt for the home of the settings.

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
    return DbtInProcess(settings.lake, settings.warehouse, settings.root / "dbt_target")


def parsed(lake: Path) -> Manifest:
    """Return the parsed project, its sources pointed at a lake (0.3 s)."""
    from dbt.contracts.graph.manifest import Manifest

    dbt_project()
    with FileLock(TARGET / LOCK):
        manifest = Manifest.from_msgpack((TARGET / PARSED).read_bytes())
    # As in _sources.yml: a quote in SQL and a brace in dbt-duckdb's pattern are doubled.
    folder = str(lake).replace("'", "''").replace("{", "{{").replace("}", "}}")
    for source in manifest.sources.values():
        location = FOLDER_OF_LAKE.sub(lambda _: folder, source.meta["external_location"])
        source.meta["external_location"] = location
        source.config.meta["external_location"] = location
        source.relation_name = location.format(schema=source.schema, name=source.name)
    manifest.build_flat_graph()  # what templates see as `graph`; dbt does it where it parses
    return manifest


@cache
def _manifest_as_json() -> dict[str, Any]:
    return json.loads(dbt_project().manifest_path.read_text())


@atexit.register
def _end_quietly() -> None:
    """Close stderr to the interpreter's teardown.

    DuckDB's binding prints a dozen lines of what it has not freed where dbt and torch were in one
    process; the system frees it a moment later.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _described(check: dg.AssetCheckResult, description: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=check.passed,
        asset_key=check.asset_key,
        check_name=check.check_name,
        severity=check.severity,
        metadata=check.metadata,
        description=description or None,
    )


def _raise_where_a_model_failed(done: dbtRunnerResult) -> None:
    if broken := _results(done, "error"):
        first = broken[0]
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise WarehouseError(f"dbt cannot build {first.node.name}{others}: {_line(first.message)}")
    if done.exception is not None:
        raise WarehouseError(f"dbt failed: {_line(str(done.exception))}")


def _results(done: dbtRunnerResult, status: str) -> list[Any]:
    """Return the models and tests that ended so; none where dbt did not get that far."""
    return [it for it in getattr(done.result, "results", None) or [] if it.status == status]


def _line(message: str) -> str:
    """Return a message of dbt in one line, without the SQL and the carets below it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(lines[:3])
