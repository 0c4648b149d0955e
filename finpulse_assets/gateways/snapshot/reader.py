"""Reading a snapshot: one query by an analyst, read-only and shut off from everything else.

Opening a published file, refusing what is no query, turning DuckDB's failures into one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from finpulse_assets.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

PUBLISH = "run `finpulse run`, which publishes it"
# A query may read the snapshot and nothing else: no file, no network, no extension.
LOCKS = (
    "set TimeZone = 'UTC'",
    "set enable_external_access = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set lock_configuration = true",
)
TABLES = """
    select table_name, estimated_size as row_count, comment from duckdb_tables() order by table_name
"""
MACROS = """
    select function_name || '(' || array_to_string(parameters, ', ') || ')' as macro, comment
    from duckdb_functions() where not internal and function_type = 'table_macro' order by 1
"""


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query in Python values; `is_cut` says that a limit left rows out."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]
    is_cut: bool


ATTACHED = "published"


@dataclass(frozen=True)
class SnapshotReader:
    """The snapshot file at `path`, opened for each query and closed again."""

    path: Path

    def query(self, sql: str, *, limit: int | None = None) -> QueryResult:
        """Return the result of one SELECT, at most `limit` rows of it; all for None.

        Raises:
            WarehouseError: the file is absent or unreadable, `sql` is not one query, or it fails.
        """
        import duckdb

        with self._open() as connection:
            try:
                _check_is_query(connection, sql)
                done = connection.execute(sql)
                columns = tuple(column[0] for column in done.description)
                rows = done.fetchall() if limit is None else done.fetchmany(limit + 1)
            except duckdb.Error as error:
                raise _as_sentence(error) from error
        is_cut = limit is not None and len(rows) > limit
        return QueryResult(columns, rows[:limit] if is_cut else rows, is_cut)

    def opened(self) -> OpenSnapshot:
        """Return the file, opened until the object is dropped: opening costs more than a query.

        Raises:
            WarehouseError: the file is absent or unreadable.
        """
        return OpenSnapshot(self._open())

    def tables(self) -> QueryResult:
        """Return name, row count and comment of every table."""
        return self.query(TABLES)

    def macros(self) -> QueryResult:
        """Return name with parameters and comment of every table macro."""
        return self.query(MACROS)

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if not self.path.exists():
            raise WarehouseError(f"the snapshot {self.path} does not exist", hint=PUBLISH)
        # A database of its own: in one process all connections to a file share their settings, and
        # whoever holds this file open would find them locked.
        connection = duckdb.connect(":memory:")
        quoted = str(self.path).replace("'", "''")
        try:
            connection.execute(f"attach '{quoted}' as {ATTACHED} (read_only)")
            connection.execute(f"use {ATTACHED}")
        except duckdb.Error as error:
            connection.close()
            raise WarehouseError(
                f"the snapshot {self.path} cannot be opened: {str(error).splitlines()[0]}",
                hint=f"delete it and {PUBLISH}",
            ) from error
        for statement in LOCKS:
            connection.execute(statement)
        return connection


class OpenSnapshot:
    """An opened snapshot, as many queries as one wants; threads wait for each other."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection, self._turn = connection, Lock()

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Return the rows of one SELECT as a polars frame, times in UTC.

        Args:
            sql: one query; `$name` stands for a value.
            parameters: the values by name.

        Raises:
            WarehouseError: `sql` is not one query, or it fails.
        """
        import duckdb
        import polars as pl

        with self._turn:
            try:
                _check_is_query(self._connection, sql)
                found = self._connection.sql(sql, params=dict(parameters or {}))
                return pl.from_arrow(found.to_arrow_table())
            except duckdb.Error as error:
                raise _as_sentence(error) from error


def _check_is_query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse what is not one query; the file is read-only besides, whatever the statement."""
    import duckdb

    # MULTI is what DuckDB makes of a PIVOT.
    queries = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN,
               duckdb.StatementType.MULTI}  # fmt: skip
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise WarehouseError(
            f"there are {len(statements)} statements, it should be one query",
            hint="drop everything but one SELECT",
        )
    kind = statements[0].type
    if kind not in queries:
        raise WarehouseError(
            f"a statement of type {kind.name} was refused: the snapshot is read-only",
            hint="use SELECT, WITH, FROM, DESCRIBE, SUMMARIZE or EXPLAIN",
        )


def _as_sentence(error: duckdb.Error) -> WarehouseError:
    """Return what DuckDB says in its first line, with its suggestion as the hint."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    offers = [line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))]
    return WarehouseError(
        f"the query failed: {lines[0].rstrip('!')}",
        hint=offers[0] if offers else "`finpulse sql` without a query lists the tables",
    )
