"""The shape of an answer: its fields and their types, so that two recordings can be compared."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

Shape = Mapping[str, tuple[str, ...]]


def shape_of(body: bytes) -> dict[str, tuple[str, ...]]:
    """Return path -> the types found there; of what is no JSON its columns or its first tag.

    >>> shape_of(b'{"feed": [{"a": 1}, {"a": null, "b": "x"}]}')
    {'': ('object',), 'feed': ('list',), 'feed[]': ('object',), 'feed[].a': ('null', 'number'), \
'feed[].b': ('text',)}
    >>> shape_of(b"Date,Open\\n2026-01-02,5")
    {'columns': ('Date,Open',)}
    """
    found: dict[str, set[str]] = {}
    for path, kind in _paths(body):
        found.setdefault(path, set()).add(kind)
    return {path: tuple(sorted(kinds)) for path, kinds in sorted(found.items())}


def differences(before: Shape, now: Shape) -> list[str]:
    """Return what of a shape is new, gone or of another type, a sentence each.

    >>> differences({"a": ("text",), "b": ("number",)}, {"a": ("number",), "c": ("text",)})
    ['a was text and is number', 'b is gone', 'c is new (text)']
    """
    said = []
    for path in sorted({*before, *now}):
        old, new = before.get(path), now.get(path)
        if old is None:
            said.append(f"{path} is new ({', '.join(new or ())})")
        elif new is None:
            said.append(f"{path} is gone")
        elif old != new:
            said.append(f"{path} was {', '.join(old)} and is {', '.join(new)}")
    return said


def _paths(body: bytes) -> Iterator[tuple[str, str]]:
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            first = archive.read(archive.infolist()[0]).split(b"\n", 1)[0]
        yield "columns", f"{first.count(chr(9).encode()) + 1} by tabs"
        return
    if body[:200].lstrip()[:1] == b"<":
        yield from _tags(body)
        return
    try:
        yield from _walk("", json.loads(body))
    except ValueError:
        yield "columns", body.split(b"\n", 1)[0].decode(errors="replace").strip()


def _tags(body: bytes) -> Iterator[tuple[str, str]]:
    import feedparser

    parsed = feedparser.parse(body)
    yield "feed", parsed.version or "none"
    for entry in parsed.entries:
        yield from ((f"entry.{name}", type(value).__name__) for name, value in entry.items())


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    names = {dict: "object", list: "list", str: "text", bool: "flag", type(None): "null"}
    yield path, names.get(type(value), "number")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(f"{path}.{_field(name)}".lstrip("."), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(f"{path}[]", inner)


def _field(name: str) -> str:
    """Return a field's name; days and numbers, which are data, are alike."""
    return "*" if name[:1].isdigit() and "." not in name else name
