"""dbt in this process: a process of its own costs 6 s a run, most of a rehearsed session.

The same command, project and events as `DbtCliResource`. The data tests run where they are asked
for: they cost twice as much as the models.
https://docs.getdbt.com/reference/programmatic-invocations
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from finpulse_assets.orchestration.dbt.project import PROJECT_DIR, Translator, dbt_project

EXCLUDED = "DBT_EXCLUDE_RESOURCE_TYPES"


@dataclass
class DbtInProcess:
    """Takes the place of `DbtCliResource` for builds of the whole project.

    Args:
        with_tests: whether the data tests are run.
    """

    with_tests: bool = True
    _manifests: dict[str, object] = field(default_factory=dict)
    _command: tuple[Sequence[str], dg.AssetExecutionContext, Path] | None = None

    def cli(
        self, args: Sequence[str], *, context: dg.AssetExecutionContext, target_path: Path
    ) -> DbtInProcess:
        """Note what to run, for `stream`."""
        self._command = (args, context, target_path)
        return self

    def stream(self) -> Iterator[object]:
        """Run it, and yield Dagster's events of every model and test.

        Raises:
            dg.Failure: dbt failed.
        """
        from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
        from google.protobuf.json_format import MessageToDict

        args, context, target = self._command
        where = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)]
        where += ["--target-path", str(target), "--quiet"]
        os.environ[EXCLUDED] = "unit_test" if self.with_tests else "unit_test test"
        raw: list[dict] = []
        runner = dbtRunner(
            manifest=self._parsed(dbtRunner, where),
            callbacks=[lambda e: raw.append(_as_dict(MessageToDict, e)) if _matters(e) else None],
        )
        try:
            done = runner.invoke([*args, *where])
        finally:
            # Else the file stays open for writing, and no reader of this process gets at it.
            DuckDBConnectionManager.close_all_connections()
        project = dbt_project()
        for event in raw:
            yield from DbtCoreCliEventMessage(
                raw_event=event, event_history_metadata={}
            ).to_default_asset_events(
                manifest=project.manifest_path,
                dagster_dbt_translator=Translator(),
                context=context,
                target_path=target,
                project=project,
            )
        if not done.success:
            problems = [e["info"]["msg"] for e in raw if e["info"]["level"] == "error"]
            raise dg.Failure(f"dbt failed: {'; '.join(problems) or done.exception}")

    def _parsed(self, runner: type, where: Sequence[str]) -> object:
        """Return the manifest for the present lake: its path is part of every source."""
        lake = os.environ["FINPULSE_LAKE"]
        if lake not in self._manifests:
            self._manifests[lake] = runner().invoke(["parse", *where]).result
        return self._manifests[lake]


def _matters(event: object) -> bool:
    return event.info.name in ("NodeFinished", "LogTestResult", "LogModelResult", "RunResultError")


def _as_dict(convert: object, event: object) -> dict:
    return convert(event, preserving_proto_field_name=True)
