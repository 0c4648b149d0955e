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
BROKEN = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes",
)
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

    def drop_broken(self) -> str | None:
        """Delete a file that is no database, as a kill during its creation leaves one.

        The file is made of the lake, so nothing is lost; one that opens or is locked stays.

        Returns:
            What was wrong with the file that was deleted, None where nothing was.
        """
        if not self.path.exists():
            return None
        try:
            self._open().close()
        except WarehouseError as error:
            if not any(sign in str(error) for sign in BROKEN):
                return None
            self.path.unlink()
            self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
            return str(error)
        return None

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if not self.path.exists():
            raise WarehouseError(f"the warehouse {self.path} does not exist", hint=REBUILD)
        try:
            return duckdb.connect(str(self.path), read_only=True)
        except duckdb.Error as error:
            is_locked = "Could not set lock" in str(error)
            raise WarehouseError(
                f"the warehouse {self.path} cannot be opened: {_first_line(error)}",
                hint=WAIT if is_locked else f"delete it and {REBUILD}",
            ) from error


def _first_line(error: Exception) -> str:
    """Return what DuckDB says, without the copy of the query below it."""
    return str(error).splitlines()[0]
