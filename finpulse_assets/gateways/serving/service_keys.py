"""The keys of the service: a file that holds each key's name, scopes, quota and sha256.

A key itself is drawn here, shown once and kept nowhere; 32 random bytes need no slow hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import written_atomically

# Give predictions; read what else there is to read; read the metrics.
SCOPES = ("predict", "read", "metrics")
PER_MINUTE = 6000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
PREFIX = "fp_"  # so that a key in a log or a commit is recognised


@dataclass(frozen=True)
class ServiceKey:
    """Who may ask: `per_minute` requests, in `scopes`, with the key of that sha256."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int


def digest_of(key: bytes) -> str:
    """Return the sha256 of a key, hexadecimal."""
    return hashlib.sha256(key).hexdigest()


def read_keys(path: Path) -> list[ServiceKey]:
    """Return the keys in a file, none where there is no file.

    Raises:
        SettingError: it is no file of keys.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise SettingError(
            f"the keys of the service, {path}, cannot be read: {error}", hint=_MEND
        ) from error
    try:
        keys = [ServiceKey(**{**it, "scopes": tuple(it["scopes"])}) for it in content]
    except (TypeError, KeyError) as error:
        raise SettingError(f"{path} is no file of keys: {error!r}", hint=_MEND) from error
    for key in keys:
        _check(key)
    return keys


def add_key(path: Path, name: str, scopes: Sequence[str], per_minute: int = PER_MINUTE) -> str:
    """Add a key to the file, or draw it anew where the name has one; return the key.

    Raises:
        SettingError: the name, a scope or the quota cannot be used.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    added = ServiceKey(name, digest_of(secret.encode()), tuple(scopes), per_minute)
    _check(added)
    _write(path, [*(it for it in read_keys(path) if it.name != name), added])
    return secret


def remove_key(path: Path, name: str) -> None:
    """Remove a key from the file.

    Raises:
        SettingError: there is none of that name.
    """
    held = read_keys(path)
    kept = [it for it in held if it.name != name]
    if len(kept) == len(held):
        known = ", ".join(it.name for it in held) or "none"
        raise SettingError(f"there is no key {name}", hint=f"there are {known}")
    _write(path, kept)


def _check(key: ServiceKey) -> None:
    if not isinstance(key.name, str) or not NAME.fullmatch(key.name):
        raise SettingError(
            f"the name of a key is {key.name!r}", hint="letters, digits, dots, dashes; at most 40"
        )
    unknown = [scope for scope in key.scopes if scope not in SCOPES]
    if unknown or not key.scopes:
        raise SettingError(
            f"the key {key.name} has the scope {(unknown or ['none'])[0]}",
            hint=f"there are {', '.join(SCOPES)}",
        )
    if not isinstance(key.per_minute, int) or key.per_minute < 1:
        raise SettingError(
            f"the key {key.name} has the quota {key.per_minute}", hint="1 a minute or more"
        )


def _write(path: Path, keys: Iterable[ServiceKey]) -> None:
    with written_atomically(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps([asdict(key) for key in keys], indent=2) + "\n")


_MEND = "make keys with finpulse key, or restore the file"
