"""The analytics snapshot: one finished DuckDB file for analysts, published by rename.

Writing a version, pointing `analytics.duckdb` at it, pruning old versions.

Layout: `<root>/snapshots/finpulse-<as of>-<id>.duckdb`, the last few versions, and
`<root>/analytics.duckdb`, a hard link to the newest. A version is written under a temporary name,
closed, and renamed; it never changes afterwards, so a reader that holds one is not disturbed by the
next. The id is a hash of the content: publishing the same content again adds no version.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from finpulse_assets.errors import WarehouseError
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.snapshot.reader import SnapshotReader

if TYPE_CHECKING:
    from finpulse_assets.gateways.snapshot.writer import SnapshotMacro, SnapshotTable

CURRENT = "analytics.duckdb"
FOLDER, VERSIONS = "snapshots", "finpulse-*.duckdb"
AS_OF = "%Y%m%dT%H%M%SZ"  # in the names of versions
BUILDING = ".building-"
READ_ONLY = 0o444


@dataclass(frozen=True)
class Published:
    """A published version; `is_new` is false where the content had been published before."""

    snapshot_id: str
    path: Path
    rows: Mapping[str, int]
    is_new: bool
    pruned: tuple[str, ...]


@dataclass(frozen=True)
class SnapshotStore:
    """The published snapshots of the profile folder `root`."""

    root: Path

    @property
    def current(self) -> Path:
        """The stable name; it always holds a whole version, or does not exist yet."""
        return self.root / CURRENT

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    def versions(self) -> list[Path]:
        """Return the kept versions: the current one, then by when each was first published.

        The files themselves say so: in a copied home their times say nothing.
        """
        current, _ = _said_in(self.current)

        def age(path: Path) -> tuple[bool, datetime, str]:
            snapshot_id, published_at = _said_in(path)
            return snapshot_id == current, published_at, path.name

        return sorted(self.folder.glob(VERSIONS), key=age, reverse=True)

    def newest_as_of(self) -> datetime | None:
        """Return the as-of time (UTC) of the newest version, by the names of the files alone."""
        stamps = (path.name.split("-")[1] for path in self.folder.glob(VERSIONS))
        newest = max(stamps, default=None)
        return newest and datetime.strptime(newest, AS_OF).replace(tzinfo=UTC)

    def version(self, name: str) -> Path:
        """Return the kept version of that id or file name.

        Raises:
            WarehouseError: it is not kept.
        """
        for path in self.folder.glob(VERSIONS):
            if name in (path.name, path.stem, path.stem.split("-")[-1]):
                return path
        kept = ", ".join(path.stem for path in self.versions()) or "none"
        raise WarehouseError(f"there is no snapshot {name}", hint=f"kept are: {kept}")

    def publish(
        self,
        tables: Sequence[SnapshotTable],
        macros: Sequence[SnapshotMacro],
        *,
        as_of: datetime,
        warehouse: Path,
        kept: int = 5,
        now: Now = system_now,
    ) -> Published:
        """Write a version of `tables`, make it the current one, prune all but the last `kept`.

        Args:
            tables: what to publish; a selection reaches the dbt file as `warehouse.<table>`.
            macros: table macros over them.
            as_of: the UTC time up to which the rows were known.
            warehouse: the DuckDB file of dbt, opened read-only.
            kept: versions to keep, 1 or more.
            now: the clock, for the time of publication.

        Raises:
            WarehouseError: a selection fails, the warehouse is absent or locked, or the disk
                refuses the file. What was published before stays.
        """
        from finpulse_assets.gateways.snapshot.writer import write_snapshot  # no reader's import

        with self._building() as building:
            snapshot_id, rows = write_snapshot(
                building, tables, macros, as_of=as_of, warehouse=warehouse, now=now
            )
            path = self.folder / f"finpulse-{as_of:{AS_OF}}-{snapshot_id}.duckdb"
            is_new = not path.exists()
            if is_new:
                _seal(building)
                building.replace(path)
        self._point_at(path)
        return Published(snapshot_id, path, rows, is_new, self._prune(path, kept))

    @contextmanager
    def _building(self) -> Iterator[Path]:
        """Yield a temporary path; leave nothing behind under it, nor what a killed run left."""
        building = self.folder / f"{BUILDING}{secrets.token_hex(4)}.duckdb"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._drop_unfinished()
            yield building
        except OSError as error:
            raise WarehouseError(
                f"the snapshot cannot be written to {self.folder}: {error.strerror or error}",
                hint="check the free space of the disk and the permissions of the folder",
            ) from error
        finally:
            with suppress(OSError):
                self._drop_unfinished()

    def _drop_unfinished(self) -> None:
        for leftover in self.folder.glob(f"{BUILDING}*"):  # the file and its write-ahead log
            leftover.unlink(missing_ok=True)

    def _point_at(self, path: Path) -> None:
        with written_atomically(self.current) as temporary:
            try:
                os.link(path, temporary)
            except OSError:  # a file system without hard links
                shutil.copy2(path, temporary)

    def _prune(self, current: Path, kept: int) -> tuple[str, ...]:
        """Delete all but the last `kept` versions; a reader that holds one keeps reading it."""
        older = [path for path in self.versions() if path != current][max(kept - 1, 0) :]
        for path in older:
            path.unlink(missing_ok=True)
        return tuple(path.name for path in older)


def _said_in(path: Path) -> tuple[str, datetime]:
    """Return the id of a version and when it was first published, the first of times if broken."""
    try:
        asked = SnapshotReader(path).query("select snapshot_id, published_at from snapshot limit 1")
        return asked.rows[0]
    except (WarehouseError, IndexError):
        return "", datetime.min.replace(tzinfo=UTC)


def _seal(path: Path) -> None:
    """Make the file durable, and read-only: its bytes are shared with the stable name."""
    with path.open("rb") as written:
        os.fsync(written.fileno())
    path.chmod(READ_ONLY)
