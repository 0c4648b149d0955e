"""The seal of some files: the sha256 of each, and one fingerprint of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from finpulse_assets.errors import ModelError

REBUILD = "materialize the asset that wrote the folder again, or copy the whole folder anew"


def seal_of(files: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of some text files: the sha256 of each, and a fingerprint of all.

    >>> sorted(seal_of({"a.txt": "1"}))
    ['fingerprint', 'sha256']
    """
    sums = {name: sha256_of(content.encode()) for name, content in files.items()}
    return {"fingerprint": sha256_of(as_json(sums).encode()), "sha256": sums}


def as_json(content: Any) -> str:
    """Return canonical JSON: sorted keys, no NaN, a newline at the end."""
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


def parse_json(name: object, content: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `content`; `name` names it in the error.

    Raises:
        ModelError: it is no JSON object.
    """
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{name} is not JSON: {error}", hint=REBUILD) from error
    if not isinstance(parsed, dict):
        raise ModelError(f"{name} is not a JSON object", hint=REBUILD)
    return parsed


def sha256_of(content: bytes) -> str:
    """Return the sha256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()
