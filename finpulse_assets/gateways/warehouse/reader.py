"""The warehouse: reading the DuckDB file that dbt builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finpulse_assets.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb

REBUILD = "run `finpulse run`, which builds it from the lake"
WAIT = "wait for the run that is writing it; read the lake's Parquet meanwhile"


@dataclass(frozen=True)
class Warehouse:
    """The DuckDB file at `path`, opened read-only for each call and closed again."""

    path: Path

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Return the result of one SELECT.

        Raises:
            WarehouseError: the file is absent, locked by a writer, or the query fails.
        """
        import duckdb

        with self._open() as connection:
            try:
                connection.execute("set timezone = 'UTC'")
                return pl.from_arrow(connection.sql(sql, params=list(parameters)).to_arrow_table())
            except (duckdb.CatalogException, duckdb.IOException) as error:
                # A view over a Parquet file that is gone fails as input, not as a missing table.
                raise WarehouseError(
                    f"the query failed: {_first_line(error)}", hint=REBUILD
                ) from error
            except duckdb.Error as error:
                raise WarehouseError(f"the query failed: {_first_line(error)}") from error

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if not self.path.exists():
            raise WarehouseError(f"the warehouse {self.path} does not exist", hint=REBUILD)
        try:
            return duckdb.connect(str(self.path), read_only=True)
        except duckdb.Error as error:
            is_locked = "lock" in str(error)
            raise WarehouseError(
                f"the warehouse {self.path} cannot be opened: {_first_line(error)}",
                hint=WAIT if is_locked else f"delete it and {REBUILD}",
            ) from error


def _first_line(error: Exception) -> str:
    """Return what DuckDB says, without the copy of the query below it."""
    return str(error).splitlines()[0]
