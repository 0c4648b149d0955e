"""Files under a seal: a folder whose manifest.json holds the sha256 of each of its files.

Writing such a folder whole, and reading it only if every file is as it was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finpulse_assets.domain.seal import REBUILD, as_json, parse_json, seal_of, sha256_of
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.atomic import staged_folder

MANIFEST = "manifest.json"
CHANGED = f"the file was changed or cut short: {REBUILD}"


def write_sealed(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files and their manifest as the content of `folder`, whole or not at all.

    They are written into a folder beside it, forced to the disk, and renamed into place: a folder
    that stands is complete. One that holds the same content already stays as it is. Equal content
    gives equal bytes.

    Raises:
        LakeError: the disk or the folder refuses the files.
    """
    sealed = {**files, MANIFEST: as_json(seal_of(files))}
    if _holds(folder, sealed):
        return
    with staged_folder(folder) as staging:
        for name, content in sealed.items():
            (staging / name).write_bytes(content.encode())


def _holds(folder: Path, files: Mapping[str, str]) -> bool:
    try:
        return all((folder / name).read_bytes() == text.encode() for name, text in files.items())
    except OSError:
        return False


def read_sealed(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the text of the named files, each held to the manifest first.

    Raises:
        ModelError: a file or the manifest is missing, or a file is not the one that was written.
    """
    return {name: content.decode() for name, content in read_sealed_bytes(folder, names).items()}


def read_sealed_bytes(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of the named files, each held to the manifest first.

    Raises:
        ModelError: a file or the manifest is missing, or a file is not the one that was written.
    """
    sums = parse_json(folder / MANIFEST, _read(folder / MANIFEST)).get("sha256")
    expected = sums if isinstance(sums, dict) else {}
    found = {name: _read(folder / name) for name in names}
    for name, content in found.items():
        _hold(folder / name, sha256_of(content), expected.get(name), CHANGED)
    return found


def check_file(path: Path, expected: str, *, hint: str = CHANGED) -> None:
    """Hold a file to its sha256 without keeping it in memory, for weights of any size.

    Raises:
        ModelError: it is missing, or is not the one that was written.
    """
    _hold(path, sha256_of_file(path), expected, hint)


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal, read in blocks.

    Raises:
        ModelError: it cannot be read.
    """
    with _readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> bytes:
    with _readable(path):
        return path.read_bytes()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", hint=REBUILD) from error


def _hold(path: Path, found: str, expected: Any, hint: str) -> None:
    if found != expected:
        listed = f"says {str(expected)[:12]}..." if expected else "does not list it"
        raise ModelError(f"{path} has the sha256 {found[:12]}..., its manifest {listed}", hint=hint)
