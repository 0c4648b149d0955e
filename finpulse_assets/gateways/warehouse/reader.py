"""The warehouse: reading the DuckDB file that dbt builds.

Its staging views read the lake by its whole path, which DuckDB needs where anybody may open the
file from anywhere. In a copied home that is the lake of the other home until dbt has built the
views anew; so a reader here may read its own home alone, and says so where a view looks elsewhere.
"""

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
    """The DuckDB file at `path`, which lies in its home beside the lake.

    It is opened read-only for each call and closed again.
    """

    path: Path

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Return the result of one SELECT.

        Raises:
            WarehouseError: the file is absent, locked by a writer, its views read another home, or
                the query fails.
        """
        import duckdb

        with self._open() as connection:
            try:
                connection.execute("set timezone = 'UTC'")
                self._shut_in(connection)
                return pl.from_arrow(connection.sql(sql, params=list(parameters)).to_arrow_table())
            except duckdb.PermissionException as error:
                raise WarehouseError(
                    f"the views of {self.path} read the lake of another home, of which this one is "
                    f"a copy: {_first_line(error)}",
                    hint="run `finpulse run`, which builds them for this home",
                ) from error
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

    def _shut_in(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the file's views read below its own folder and nowhere else."""
        is_open = connection.execute("select current_setting('enable_external_access')").fetchall()
        if is_open == [(True,)]:  # else another connection of this process did it
            home = self.path.parent
            names = [str(it).replace("'", "''") for it in (home.absolute(), home.resolve())]
            connection.execute(f"set allowed_directories = ['{names[0]}', '{names[1]}']")
            connection.execute("set enable_external_access = false")

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
