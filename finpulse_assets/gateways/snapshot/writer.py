"""One snapshot file: tables with their comments, the catalogue, the macros, and an id of it all.

What a finished file holds and how it is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finpulse_assets import __version__
from finpulse_assets.domain.catalogue import CatalogueColumn, CatalogueTable
from finpulse_assets.errors import WarehouseError
from finpulse_assets.gateways.clock import Now, system_now

if TYPE_CHECKING:
    import duckdb

WAREHOUSE = "warehouse"  # the name under which a selection reaches the dbt marts
ID_LENGTH = 12


@dataclass(frozen=True)
class SnapshotTable:
    """A table to publish: its catalogue entry and its rows, columns by name.

    `rows` is a frame, or a SELECT, which reaches the tables before it.
    """

    entry: CatalogueTable
    rows: str | pl.DataFrame


@dataclass(frozen=True)
class SnapshotMacro:
    """The state of a table as it was known at a time: the table macro `<table>_as_of(ts)`.

    It returns the columns of the table.
    """

    table: str
    body: str
    comment: str

    @property
    def name(self) -> str:
        return f"{self.table}_as_of"


SNAPSHOT = CatalogueTable(
    name="snapshot",
    title="What this file is.",
    grain="One row per table of the file",
    known_at="Known when the file was published",
    source="the publication",
    columns=(
        CatalogueColumn("snapshot_id", "VARCHAR", "hash of the content of all tables"),
        CatalogueColumn("as_of", "TIMESTAMP WITH TIME ZONE",
                        "nothing in the file was known later than this", "UTC"),
        CatalogueColumn("published_at", "TIMESTAMP WITH TIME ZONE",
                        "when this content was first published", "UTC"),
        CatalogueColumn("finpulse_version", "VARCHAR", "the software that wrote it"),
        CatalogueColumn("table_name", "VARCHAR", "a table of this file"),
        CatalogueColumn("row_count", "BIGINT", "its rows", "rows"),
    ),
)  # fmt: skip
CATALOGUE = CatalogueTable(
    name="catalogue",
    title="What every column of this file means.",
    grain="One row per table and column",
    known_at="Known before any run",
    source="schemas, feature registry and dbt project",
    columns=(
        CatalogueColumn("table_name", "VARCHAR", "a table of this file"),
        CatalogueColumn("position", "INTEGER", "place of the column in its table, from 1"),
        CatalogueColumn("column_name", "VARCHAR", "a column of the table"),
        CatalogueColumn("data_type", "VARCHAR", "its SQL type"),
        CatalogueColumn("unit", "VARCHAR", "its unit, empty for none"),
        CatalogueColumn("is_nullable", "BOOLEAN", "whether it may be null"),
        CatalogueColumn("meaning", "VARCHAR", "what it says"),
        CatalogueColumn("grain", "VARCHAR", "what one row of the table is"),
        CatalogueColumn("known_at", "VARCHAR", "when a row of the table is known"),
        CatalogueColumn("source", "VARCHAR", "where the table comes from"),
    ),
)


def write_snapshot(
    path: Path,
    tables: Sequence[SnapshotTable],
    macros: Sequence[SnapshotMacro],
    *,
    as_of: datetime,
    warehouse: Path,
    now: Now = system_now,
) -> tuple[str, dict[str, int]]:
    """Write one closed DuckDB file; return the id of its content and the rows of each table."""
    import duckdb

    try:
        with duckdb.connect(str(path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            if warehouse.exists():  # a selection that needs it says what it lacks
                connection.execute(f"attach {_text(str(warehouse))} as {WAREHOUSE} (read_only)")
            for table in tables:
                _create(connection, table.entry)
                _fill(connection, table)
            _fill_catalogue(connection, [table.entry for table in tables])
            entries = [*(table.entry for table in tables), CATALOGUE]
            content = {entry.name: _content(connection, entry) for entry in entries}
            for macro in macros:
                _create_macro(connection, macro)
            snapshot_id = _id_of(content, macros, as_of)
            rows = {name: count for name, (count, _hash) in content.items()}
            _fill_snapshot(connection, snapshot_id, as_of, rows, now())
    except duckdb.Error as error:
        is_locked = "lock" in str(error)
        raise WarehouseError(
            f"the snapshot cannot be written: {str(error).splitlines()[0]}",
            hint="wait for the run that is writing the warehouse"
            if is_locked
            else "run `finpulse run`, which makes every table anew",
        ) from error
    return snapshot_id, rows


def _create(connection: duckdb.DuckDBPyConnection, entry: CatalogueTable) -> None:
    columns = ", ".join(
        f'"{c.name}" {c.sql_type}{"" if c.nullable else " not null"}' for c in entry.columns
    )
    connection.execute("begin")  # one write to the disk instead of one a comment
    connection.execute(f"create table {_name(entry)} ({columns})")
    connection.execute(f"comment on table {_name(entry)} is {_text(entry.comment)}")
    for column in entry.columns:
        connection.execute(
            f'comment on column {_name(entry)}."{column.name}" is {_text(column.comment)}'
        )
    connection.execute("commit")


def _fill(connection: duckdb.DuckDBPyConnection, table: SnapshotTable) -> None:
    selection = table.rows
    if not isinstance(selection, str):
        connection.register("given_rows", selection.to_arrow())
        selection = "select * from given_rows"
    connection.execute(f"insert into {_name(table.entry)} by name {selection}")


def _create_macro(connection: duckdb.DuckDBPyConnection, macro: SnapshotMacro) -> None:
    connection.execute(f"create macro {macro.name}(ts) as table {macro.body}")
    connection.execute(f"comment on macro table {macro.name} is {_text(macro.comment)}")


def _fill_catalogue(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[CatalogueTable]
) -> None:
    _create(connection, CATALOGUE)
    rows = [
        (entry.name, position, c.name, c.sql_type, c.unit, c.nullable, c.meaning, entry.grain,
         entry.known_at, entry.source)
        for entry in [*entries, CATALOGUE, SNAPSHOT]
        for position, c in enumerate(entry.columns, start=1)
    ]  # fmt: skip
    _insert(connection, CATALOGUE, rows)


def _fill_snapshot(
    connection: duckdb.DuckDBPyConnection,
    snapshot_id: str,
    as_of: datetime,
    rows: Mapping[str, int],
    published_at: datetime,
) -> None:
    _create(connection, SNAPSHOT)
    published_at = published_at.replace(microsecond=0)
    _insert(
        connection,
        SNAPSHOT,
        [
            (snapshot_id, as_of, published_at, __version__, name, count)
            for name, count in rows.items()
        ],
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, entry: CatalogueTable, rows: Sequence[tuple[object, ...]]
) -> None:
    names = [column.name for column in entry.columns]
    given = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    _fill(connection, SnapshotTable(entry, given))


def _content(connection: duckdb.DuckDBPyConnection, entry: CatalogueTable) -> tuple[int, str]:
    """Return the rows of a table and a hash of them that does not depend on their order."""
    count, total = connection.execute(
        f"select count(*), sum(hash(each)) from {_name(entry)} as each"  # noqa: S608
    ).fetchall()[0]
    return count, str(total)


def _id_of(
    content: Mapping[str, tuple[int, str]], macros: Sequence[SnapshotMacro], as_of: datetime
) -> str:
    parts = [sorted(content.items()), [(m.name, m.body) for m in macros], as_of.isoformat()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:ID_LENGTH]


def _name(entry: CatalogueTable) -> str:
    return f'"{entry.name}"'


def _text(value: str) -> str:
    """Return a SQL literal; DuckDB takes no parameters in ATTACH and COMMENT."""
    return "'" + value.replace("'", "''") + "'"
