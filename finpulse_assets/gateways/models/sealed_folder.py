"""Files under a seal: a folder whose manifest.json holds the sha256 of each of its files.

Writing such a folder and reading it only if every file is as it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from finpulse_assets.errors import ModelError

MANIFEST = "manifest.json"
REBUILD = "materialize the asset that wrote the folder again, or copy the whole folder anew"


def seal_of(files: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of some text files: the sha256 of each, and a fingerprint of all.

    >>> sorted(seal_of({"a.txt": "1"}))
    ['fingerprint', 'sha256']
    """
    sums = {name: _sha256(content.encode()) for name, content in files.items()}
    return {"fingerprint": _sha256(as_json(sums).encode()), "sha256": sums}


def write_sealed(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files and their manifest into `folder`, made if absent.

    Equal content gives equal bytes. The manifest is written last, so a write cut
    short leaves a folder that does not open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode())
    (folder / MANIFEST).write_bytes(as_json(seal_of(files)).encode())


def read_sealed(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the text of the named files, each held to the manifest first.

    Raises:
        ModelError: a file or the manifest is missing, or a file is not the one that was written.
    """
    manifest = parse_json(folder / MANIFEST, _read(folder / MANIFEST))
    sums = manifest.get("sha256")
    expected = sums if isinstance(sums, dict) else {}
    return {name: _verified(folder / name, expected.get(name)) for name in names}


def as_json(content: Any) -> str:
    """Return canonical JSON: sorted keys, no NaN, a newline at the end."""
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


def parse_json(path: Path, content: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `content`; `path` names it in the error.

    Raises:
        ModelError: it is no JSON object.
    """
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}", hint=REBUILD) from error
    if not isinstance(parsed, dict):
        raise ModelError(f"{path} is not a JSON object", hint=REBUILD)
    return parsed


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", hint=REBUILD) from error


def _verified(path: Path, expected: Any) -> str:
    content = _read(path)
    found = _sha256(content)
    if found != expected:
        listed = f"says {str(expected)[:12]}..." if expected else "does not list it"
        raise ModelError(
            f"{path} has the sha256 {found[:12]}..., its manifest {listed}",
            hint=f"the file was changed or cut short: {REBUILD}",
        )
    return content.decode()
