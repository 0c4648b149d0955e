"""Writing a file or a folder whole or not at all: a temporary name beside it, then a rename."""

from __future__ import annotations

import filecmp
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.clock import system_now

_WRITER = re.compile(r"(?P<host>[^.]+)\.(?P<pid>\d+)\.[0-9a-f]+\.tmp")
ABANDONED_SECONDS = 7 * 24 * 3600


@contextmanager
def written_atomically(path: Path, *, is_derived: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place when the block succeeds.

    A derived table, which every run makes anew from raw rows, is not forced to the disk: a power
    cut may cost the file, which a gigabyte need not be waited for to prevent. One that already
    holds the same bytes stays as it is, its time included.

    A reader, or a process that comes after a kill, sees the old file or the new one, never a half.
    The file gets the permissions that any new file gets (tempfile would shut other users out).

    Raises:
        LakeError: the disk or the folder refuses the file.
    """
    temporary = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield temporary
        if is_derived and path.exists() and filecmp.cmp(path, temporary, shallow=False):
            return
        if not is_derived:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise LakeError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="check the free space of the disk and the permissions of the folder",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_writable(folder: Path) -> Path:
    """Return the folder, or where it would be made: the nearest one above it that exists.

    Raises:
        LakeError: it is a file, or nothing can be written there.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return nearest
    except NotADirectoryError:
        what = "is a file, no folder"
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
    raise LakeError(
        f"{nearest} {what}", hint="set FINPULSE_HOME (or --home) to a folder that you may write"
    )


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; it takes that name when the block succeeds.

    What stood under the name before is moved aside first and removed last. Between the two renames
    nothing stands there: only a folder that is to be replaced whole should be written over, never
    one that a reader may need at that moment.

    Raises:
        LakeError: the disk or the folder refuses.
    """
    staging, aside = _beside(folder), _beside(folder)
    try:
        _remove_leftovers(folder)
        staging.mkdir(parents=True)
        yield staging
        for path in (*staging.rglob("*"), staging):
            _force_to_disk(path)
        with suppress(FileNotFoundError):
            folder.replace(aside)
        staging.replace(folder)
    except OSError as error:
        raise LakeError(
            f"{folder} cannot be written: {error.strerror or error}",
            hint="check the free space of the disk and the permissions of the folder",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder in one step: a kill never leaves half of it under its name."""
    aside = _beside(folder)
    with suppress(FileNotFoundError):
        folder.replace(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _force_to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _beside(path: Path) -> Path:
    """Return a temporary name beside `path`, which holds who writes it."""
    return path.with_name(f".{path.name}.{_writer()}.{secrets.token_hex(4)}.tmp")


def _writer() -> str:
    """Return host and process as they stand in the names of temporary files."""
    host = "".join(mark if mark.isalnum() or mark == "-" else "_" for mark in socket.gethostname())
    return f"{host}.{os.getpid()}"


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` whose process was killed; their names hold host and number.

    On a shared volume another host's process numbers say nothing here, so its files go only when
    nobody can be writing them any more.
    """
    host = _writer().split(".")[0]
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        found = _WRITER.fullmatch(leftover.name.removeprefix(f".{path.name}."))
        with suppress(OSError):  # another process may remove the same one
            if found and found["host"] == host:
                abandoned = not is_alive(int(found["pid"]))
            else:
                abandoned = system_now().timestamp() - leftover.stat().st_mtime > ABANDONED_SECONDS
            if abandoned and leftover.is_dir():
                shutil.rmtree(leftover)
            elif abandoned:
                leftover.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine exists.

    >>> is_alive(os.getpid())
    True
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists and is somebody else's
        return True
    return True


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, atomically, keys sorted; times and paths become text."""
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")
