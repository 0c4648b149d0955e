"""The ledger on disk: segments that services append to, and the bundles that answered.

<ledger>/<time>-<drawn>.jsonl          a segment, one process's own, locked while it is written
<ledger>/<time>-<drawn>.jsonl.kept     a segment that predictions/ledger holds
<ledger>/bundles/<id>/                 a bundle as it was served
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from finpulse_assets.domain.serving.ledger import START, Entry, chained, entries_of, outcomes_of
from finpulse_assets.domain.serving.outcomes import Reported
from finpulse_assets.errors import LedgerError
from finpulse_assets.gateways.atomic import staged_folder
from finpulse_assets.gateways.models.sealed_folder import MANIFEST, sha256_of_file
from finpulse_assets.gateways.serving.prediction_id import begun_at, microseconds_of

SEGMENT_BYTES = 32 * 1024 * 1024
SEGMENT_AGE = timedelta(minutes=5)
KEPT_FOR = timedelta(days=7)  # how long a segment stays, and longer until the lake holds it
OPEN, KEPT = ".jsonl", ".jsonl.kept"
ID_LENGTH = 16


class LedgerWriter:
    """Appends entries to segments of its own; no other process writes to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: int | None = None
        self._name = self._hash = ""
        self._size = 0
        self._opened_at: datetime | None = None

    def append(self, entries: Sequence[bytes], now: datetime) -> None:
        """Append entries as of `now` (UTC): all of them, or none.

        Raises:
            LedgerError: the disk refuses; the segment is as it was before.
        """
        try:
            if self._file is None or self._is_full(now):
                self._begin(now)
            last, lines = chained(self._hash, entries)
            self._write(lines)
        except OSError as error:
            raise LedgerError(
                f"the ledger cannot be written: {error.strerror or error}",
                hint="check the free space of the disk and the permissions of the folder",
            ) from error
        self._hash = last

    def force(self) -> None:
        """Force what was appended to the disk (fsync); raises OSError."""
        if self._file is not None:
            os.fsync(self._file)

    def close_if_old(self, now: datetime) -> None:
        """End the segment once it is old, so that predictions/ledger can take it."""
        if self._file is not None and self._is_full(now):
            self.close()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_full(self, now: datetime) -> bool:
        return self._size > SEGMENT_BYTES or now - self._opened_at > SEGMENT_AGE

    def _begin(self, now: datetime) -> None:
        follows = {"segment": self._name, "hash": self._hash} if self._name else None
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{microseconds_of(now):014x}-{secrets.token_hex(4)}{OPEN}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self.folder / name, flags, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX)
        last, lines = chained(START, [msgspec.json.encode({"segment": name, "follows": follows})])
        try:
            _write_all(file, lines, 0)
        except OSError:  # a segment without a head would hold what follows nothing
            os.close(file)
            (self.folder / name).unlink()
            raise
        self._file, self._name, self._hash = file, name, last
        self._size, self._opened_at = len(lines), now

    def _write(self, lines: bytes) -> None:
        _write_all(self._file, lines, self._size)
        self._size += len(lines)


def _write_all(file: int, lines: bytes, size: int) -> None:
    """Write lines after `size` bytes, or leave the file as it was and raise OSError."""
    try:
        written = os.write(file, lines)
        if written != len(lines):
            raise OSError(0, "the disk took a part only")
    except OSError:
        os.ftruncate(file, size)
        raise


def keep_bundle(ledger: Path, bundle: Path) -> tuple[str, Path]:
    """Keep a copy of a bundle beside the ledger; return its id and where the copy lies.

    Raises:
        LakeError, ModelError: the copy cannot be made, or there is no bundle.
    """
    found = bundle_id(bundle)
    kept = bundle_in(ledger, found)
    if not (kept / MANIFEST).exists():
        with staged_folder(kept) as staging:
            shutil.copytree(bundle, staging, dirs_exist_ok=True)
    return found, kept


def bundle_in(ledger: Path, found: str) -> Path:
    """Return where the bundle of that id lies beside the ledger."""
    return ledger / "bundles" / found


def bundle_id(bundle: Path) -> str:
    """Return the id of a bundle: the first letters of the sha256 of its manifest."""
    return sha256_of_file(bundle / MANIFEST)[:ID_LENGTH]


def segments(ledger: Path) -> list[Path]:
    """Return the segments, the newest first."""
    found = [*ledger.glob(f"*{OPEN}"), *ledger.glob(f"*{KEPT}")]
    return sorted(found, key=lambda path: path.name, reverse=True)


def ended_segments(ledger: Path) -> Iterator[Path]:
    """Yield the segments that nobody writes and predictions/ledger does not hold yet, in order."""
    for path in sorted(ledger.glob(f"*{OPEN}")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
        yield path


def waiting_since(ledger: Path) -> list[datetime]:
    """Return when each segment was begun (UTC) that predictions/ledger does not hold yet."""
    return [begun_at(path.name) for path in ledger.glob(f"*{OPEN}")]


def mark_kept(segment: Path) -> None:
    """Mark a segment as held by predictions/ledger."""
    segment.rename(segment.with_name(segment.name.removesuffix(OPEN) + KEPT))


def drop_old(ledger: Path, now: datetime) -> None:
    """Drop the segments that were begun long ago, of which the lake holds answers and reports."""
    oldest = f"{microseconds_of(now - KEPT_FOR):014x}"
    for path in ledger.glob(f"*{KEPT}"):
        if path.name < oldest:
            path.unlink(missing_ok=True)


def read_segment(segment: Path) -> list[Entry]:
    """Return the answers in a segment.

    Raises:
        LedgerError: it is not as it was written.
    """
    return list(entries_of(segment.name, segment.read_bytes()))


def find_entry(ledger: Path, prediction_id: str) -> Entry | None:
    """Return an answer by its id, None where no segment holds it.

    Raises:
        LedgerError: the segment that holds it is not as it was written.
    """
    mark = b'"prediction_id":"%b"' % prediction_id.encode()
    for segment in segments(ledger):
        if segment.name[:14] > prediction_id[:14]:
            continue  # begun after that answer
        content = segment.read_bytes()
        if mark in content:
            for entry in entries_of(segment.name, content):
                if mark in entry.content:
                    return entry
    return None


def find_outcome(ledger: Path, prediction_id: str) -> Reported | None:
    """Return the last outcome that was reported of an answer, None where none was.

    Raises:
        LedgerError: a segment is not as it was written.
    """
    mark = b'"prediction_id":"%b"' % prediction_id.encode()
    for segment in segments(ledger):
        if mark in (content := segment.read_bytes()):
            own = [it for it in outcomes_of(segment.name, content)
                   if it.outcome.prediction_id == prediction_id]  # fmt: skip
            if own:
                return own[-1]
    return None


def newest_entries(ledger: Path, count: int, symbol: str | None = None) -> list[Entry]:
    """Return the newest answers that were sent, the newest first, of one symbol or of all."""
    mark = None if symbol is None else b'"symbol":%b,' % msgspec.json.encode(symbol)
    found: list[Entry] = []
    for segment in segments(ledger):
        sent = [it for it in read_segment(segment) if not it.shadow_of]
        own = [it for it in sent if mark is None or mark in it.content]
        found += reversed(own)
        if len(found) >= count:
            break
    return found[:count]
