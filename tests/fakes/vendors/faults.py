"""Faults of vendors: what may be wrong with the next answer, whoever gives it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

HTML = b"<!doctype html><html><body>Will be right back</body></html>"
# A status alone, or something done to the answer; those that vendors tell in their own way
# (usage-cap, empty, partial) are made by them.
FAULTS = (
    "429", "429-retry-after", "html", "invalid-json", "cut-gzip", "503", "401", "unknown-field",
    "missing-optional", "renamed-required", "slow-drip", "shifted-page", "empty", "usage-cap",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """An answer that a vendor makes.

    Args:
        body: an object for JSON, or bytes.
        items: the rows in `body`, which faults of shape change in place.
        required, optional: a field of an item that a row needs, and one that it does not.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    required: str = ""
    optional: str = ""
    drips: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        plain = "application/octet-stream" if isinstance(self.body, bytes) else "application/json"
        return self.headers.get("content-type", plain)


def _status(status: int, **headers: str) -> Callable[[Made], Made]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Made({"error": f"status {status}"}, status, named)


def _html(_: Made) -> Made:
    return Made(HTML, 200, {"content-type": "text/html"})


def _invalid(made: Made) -> Made:
    return replace(made, body=made.content[: max(1, len(made.content) // 2)])


def _cut_gzip(made: Made) -> Made:
    packed = gzip.compress(made.content)
    return replace(made, body=packed[:-12], headers={**made.headers, "content-encoding": "gzip"})


def _unknown(made: Made) -> Made:
    for item in made.items:
        item["somethingNew"] = {"nested": [1, 2]}
    return made


def _without(made: Made) -> Made:
    for item in made.items:
        item.pop(made.optional, None)
    return made


def _renamed(made: Made) -> Made:
    for item in made.items:
        if made.required in item:
            item[f"{made.required}_v2"] = item.pop(made.required)
    return made


CHANGES: dict[str, Callable[[Made], Made]] = {
    "429": _status(429),
    "429-retry-after": _status(429, retry_after="7"),
    "503": _status(503),
    "401": _status(401),
    "404": _status(404),
    "html": _html,
    "invalid-json": _invalid,
    "cut-gzip": _cut_gzip,
    "unknown-field": _unknown,
    "missing-optional": _without,
    "renamed-required": _renamed,
    "slow-drip": lambda made: replace(made, drips=True),
}
