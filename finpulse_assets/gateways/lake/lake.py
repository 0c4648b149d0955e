"""The lake: Parquet tables in folders, every file whole or absent.

Paths, atomic writes, and reading tables back.

Layout: `<root>/<layer>/<table>/<partition>.parquet`, a partition being the New York month of the
table's partition column ("2024-03-01") or "all". Beside the months of what a source delivered lies
`.coverage` (Parquet): for each ticker and month the span that runs have asked the source for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import month_of
from finpulse_assets.errors import LakeError, SchemaError
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.schemas import COVERAGE

WHOLE = "all"
COVERAGE_FILE = ".coverage"
# Longer than any run holds a table; only a writer that hangs reaches it.
LOCK_SECONDS = 3600


@dataclass(frozen=True)
class Lake:
    """The tables below `root`."""

    root: Path

    def path(self, table: Table, partition: str = WHOLE) -> Path:
        return self.root / table.name / f"{partition}.parquet"

    def partitions(self, table: Table) -> list[str]:
        """Return the partition keys that exist, ascending."""
        return sorted(path.stem for path in (self.root / table.name).glob("[!.]*.parquet"))

    def scan(self, table: Table, partitions: Iterable[str] | None = None) -> pl.LazyFrame:
        """Return the table, or the given partitions of it, lazily.

        Raises:
            LakeError: the table, or a partition that was asked for, is absent, or a file cannot be
                read.
        """
        present = self.partitions(table)
        asked = present if partitions is None else list(partitions)
        missing = [key for key in asked if key not in present]
        if missing or not asked:
            what = f"partition {', '.join(missing[:5])}" if missing else "no partition"
            raise LakeError(
                f"{table.name} lacks {what}" if missing else f"{table.name} has {what} yet",
                hint=f"materialize {table.name} first (finpulse run)",
            )
        return pl.concat([self._scan_file(table, key) for key in asked])

    def _scan_file(self, table: Table, partition: str) -> pl.LazyFrame:
        path = self.path(table, partition)
        try:
            found = pl.scan_parquet(path).collect_schema()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise LakeError(
                f"{path} cannot be read: {error}",
                hint=f"delete it and materialize {table.name} again",
            ) from error
        # A history is never written anew: it outlives its columns.
        later = [it.name for it in table.columns if it.came_later and it.name not in found]
        schema = table.polars_schema
        wrong = [n for n, dtype in schema.items() if n not in later and found.get(n) != dtype]
        if wrong:
            raise LakeError(
                f"{path} was written in another schema: {', '.join(wrong)} differ",
                hint=f"delete the folder and materialize {table.name} again",
            )
        unknown = [pl.lit(None, schema[name]).alias(name) for name in later]
        return pl.scan_parquet(path).with_columns(unknown).select(table.column_names)

    def scan_present(self, table: Table, partitions: Iterable[str]) -> pl.LazyFrame:
        """Return those of `partitions` that exist, lazily; without rows where none does."""
        present = set(self.partitions(table))
        asked = [key for key in partitions if key in present]
        return self.scan(table, asked) if asked else table.empty().lazy()

    def read_or_empty(self, table: Table) -> pl.LazyFrame:
        """Return the table lazily, or a frame without rows where nothing was written yet."""
        return self.scan(table) if self.partitions(table) else table.empty().lazy()

    @contextmanager
    def locked(self, table: Table) -> Iterator[None]:
        """Hold the table against every other writer: of this process, instance, host or volume.

        Reading what is held, adding to it and noting the coverage belong into one block. The lock
        is the operating system's, so it ends with its process. A thread may take it again.

        Raises:
            LakeError: another writer does not finish, or the folder cannot be written.
        """
        path = self.root / table.name / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, timeout=LOCK_SECONDS, is_singleton=True)
            lock.acquire()
        except Timeout as error:
            raise LakeError(
                f"{table.name} is being written by another run for more than {LOCK_SECONDS} s",
                hint="wait for that run, or end it",
            ) from error
        except OSError as error:
            raise LakeError(
                f"{path} cannot be written: {error.strerror or error}",
                hint="check the free space of the disk and the permissions of the folder",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def replace(self, table: Table, frame: pl.DataFrame, partitions: Iterable[str]) -> list[str]:
        """Make each of `partitions` hold exactly its rows of `frame`; return those that changed.

        Rows of other partitions are refused, so that nothing outside a run's span is touched.
        """
        keyed = self._keyed(table, frame)
        asked = set(partitions)
        stray = sorted(set(keyed["_partition"].unique()) - asked)
        if stray:
            raise LakeError(
                f"{table.name} was given rows of {', '.join(stray[:3])}, outside the partitions "
                f"{min(asked)} to {max(asked)} of this run"
            )
        with self.locked(table):
            return [key for key in sorted(asked) if self._write(table, key, _part(keyed, key))]

    def append(self, table: Table, rows: pl.DataFrame, partitions: Iterable[str]) -> list[str]:
        """Add new rows to their partitions, create those asked for; return the ones that changed.

        Months are written in order, so that a kill leaves a prefix that the next run completes.
        """
        keyed = self._keyed(table, rows)
        changed = []
        with self.locked(table):
            present = set(self.partitions(table))
            for key in sorted({*partitions, *keyed["_partition"].unique()}):
                new = _part(keyed, key)
                if key in present and new.is_empty():
                    continue
                held = self.scan(table, [key]).collect() if key in present else table.empty()
                if self._write(table, key, pl.concat([held, new])):
                    changed.append(key)
        return changed

    def _keyed(self, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        frame = table.enforce(frame)
        if table.partition_column is None:
            return frame.with_columns(_partition=pl.lit(WHOLE))
        column = pl.col(table.partition_column)
        if table.by_name[table.partition_column].dtype == pl.Date:
            return frame.with_columns(_partition=column.dt.strftime("%Y-%m-01"))
        return frame.with_columns(_partition=month_of(column))

    def _write(self, table: Table, partition: str, frame: pl.DataFrame) -> bool:
        """Write one partition unless it already holds exactly these rows."""
        path, frame = self.path(table, partition), table.enforce(frame)
        if path.exists() and self.scan(table, [partition]).collect().equals(frame):
            return False
        with written_atomically(path) as temporary:
            frame.write_parquet(temporary, compression="zstd", statistics=True)
        return True

    def coverage(self, table: Table) -> pl.DataFrame:
        """Return what runs have asked the source of `table` for, as `schemas.COVERAGE`.

        A month whose file is gone (a corrupt one was deleted) counts as never read: its rows come
        back with the times they had, not as late ones.
        """
        path = self.root / table.name / COVERAGE_FILE
        if not path.exists():
            return COVERAGE.empty()
        try:
            held = COVERAGE.enforce(pl.read_parquet(path))
        except (OSError, pl.exceptions.PolarsError, SchemaError) as error:
            raise LakeError(
                f"{path} cannot be read: {error}",
                hint="delete it; rows that come late before the next run will pass for punctual",
            ) from error
        return held.filter(pl.col("month").is_in(self.partitions(table)))

    def cover(self, table: Table, spans: pl.DataFrame) -> None:
        """Note what was asked of the source, by ticker and month; a span only ever grows.

        Called after the rows are written: a kill in between leaves the earlier coverage, under
        which the next run does the same again.
        """
        with self.locked(table):
            held = pl.concat([self.coverage(table), COVERAGE.enforce(spans)])
            grown = held.group_by("ticker", "month").agg(pl.min("first_at"), pl.max("last_at"))
            with written_atomically(self.root / table.name / COVERAGE_FILE) as temporary:
                COVERAGE.enforce(grown).write_parquet(temporary, compression="zstd")


def _part(keyed: pl.DataFrame, key: str) -> pl.DataFrame:
    return keyed.filter(pl.col("_partition") == key).drop("_partition")
