"""The data dictionary: every table and column, from the contracts and dbt's manifest.

Which tables there are, and the page that shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from finpulse_assets.domain.catalogue import CatalogueTable, from_contract, from_dbt
from finpulse_assets.gateways.snapshot.writer import CATALOGUE, SNAPSHOT
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.orchestration.catalog.snapshot_contents import (
    MINUTE_SESSIONS,
    SNAPSHOT_ONLY,
)
from finpulse_assets.orchestration.catalog.snapshot_macros import as_of_macros
from finpulse_assets.orchestration.dbt.project import dbt_project
from finpulse_assets.schemas import KINDS, QUARANTINE, requests_table, source_table

DBT_FOLDERS = ("staging", "intermediate", "marts")
PREFACE = f"""# Data dictionary

Every table and column. Made from `schemas`, the feature registry and the dbt project by
`make docs`, so a change of a contract is a change of this page. Times are UTC; a type is DuckDB's.
Lake tables lie in `lake/<name>/`, dbt models in `finpulse.duckdb`. The snapshot `analytics.duckdb`
holds the marts, and under its last name each lake table that analysts need (`raw/prices` is
`prices`; of minute bars the last {MINUTE_SESSIONS} sessions). docs/cookbook.md has queries on it,
`finpulse sql` asks them.
"""


MACRO_RULE = """`t_as_of(ts)` is the table `t` as it was known at the UTC time `ts`, in its columns.
Of a table that keeps versions it returns the version that counted then.
"""


@cache
def dbt_manifest() -> Mapping[str, Any]:
    """Return dbt's manifest, parsed anew where the project is newer."""
    return json.loads(Path(dbt_project().manifest_path).read_text())


def dbt_entries(manifest: Mapping[str, Any], *, folder: str | None = None) -> list[CatalogueTable]:
    """Return the entries of the dbt models, of one folder (staging, marts) or of all, by name."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return [
        from_dbt(node)
        for node in sorted(models, key=lambda node: node["name"])
        if folder in (None, node["fqn"][1])
    ]


def lake_entries() -> list[CatalogueTable]:
    """Return the entries of every lake table, of what a source keeps, and of the quarantine."""
    own = [requests_table("<name>"), *(source_table("<name>", kind) for kind in KINDS)]
    return [from_contract(table) for table in (*own, *LAKE_TABLES.values(), QUARANTINE)]


def stages() -> dict[str, list[CatalogueTable]]:
    """Return every table, by where it lives."""
    manifest = dbt_manifest()
    return {
        "Lake": lake_entries(),
        **{f"dbt {folder}": dbt_entries(manifest, folder=folder) for folder in DBT_FOLDERS},
        "Snapshot only": [*SNAPSHOT_ONLY, SNAPSHOT, CATALOGUE],
    }


def data_dictionary() -> str:
    """Return the whole page as Markdown."""
    shown = stages()
    parts = [PREFACE, _contents(shown)]
    for stage, entries in shown.items():
        parts += [f"## {stage}\n", *(_section(entry) for entry in entries)]
    return "\n".join([*parts, _macros()])


def _contents(shown: Mapping[str, Iterable[CatalogueTable]]) -> str:
    lines = [
        f"- {stage}: " + ", ".join(f"[`{e.name}`](#{_anchor(e.name)})" for e in entries)
        for stage, entries in shown.items()
    ]
    return "\n".join([*lines, ""])


def _section(entry: CatalogueTable) -> str:
    key = f" Key: {', '.join(f'`{name}`' for name in entry.key)}." if entry.key else ""
    lines = [
        f"### {_text(entry.name)}\n",
        f"{entry.comment}{key} Source: {_text(entry.source)}.\n",
        "| column | type | unit | null | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{c.name}` | {c.sql_type} | {_cell(c.unit)} | {'yes' if c.nullable else ''} "
        f"| {_cell(c.meaning)} |"
        for c in entry.columns
    ]
    return "\n".join([*lines, ""])


def _macros() -> str:
    lines = ["## Snapshot macros\n", MACRO_RULE, "| macro | what it returns |", "|---|---|"]
    lines += [f"| `{macro.name}(ts)` | {_cell(macro.comment)} |" for macro in as_of_macros()]
    return "\n".join([*lines, ""])


def _anchor(heading: str) -> str:
    """Return the anchor that Markdown viewers give a heading.

    >>> _anchor("raw/prices")
    'rawprices'
    """
    return "".join(c for c in heading.lower() if c.isalnum() or c in "_-")


def _text(name: str) -> str:
    """Return a name for running text, where `<name>` would be read as a tag of HTML."""
    return name.replace("<", "\\<")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
