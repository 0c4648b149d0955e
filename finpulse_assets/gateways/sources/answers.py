"""Answers of vendors, kept as they came: bytes, request without secrets, headers and time.

One file a day and source below the lake, `source/<name>/answers/2026-11-28.jsonl.gz`: each answer
is a gzip member of its own at the end of the file, so that keeping one costs the same however many
there are. A member that a kill has cut short is left out when the file is read, and cut off before
the next one is written.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from filelock import FileLock

from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.sources.replies import Reply, Request
from finpulse_assets.schemas import Kind

# First moment and the moment after the last one.
Span = tuple[datetime, datetime]
_GZIP = 31
_BLOCK = 2**16


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a kind of row, about what, of which span of time.

    The subject is what the vendor is asked about: a ticker, a feed, a forum.
    """

    kind: Kind
    subject: str
    span: Span


@dataclass(frozen=True)
class Ask(Wanted):
    """A request for it; `page` counts from 1."""

    request: Request
    page: int


@dataclass(frozen=True)
class Answer:
    """A reply with what it answers, and the as-of time of the run that asked."""

    ask: Ask
    reply: Reply
    as_of: datetime


@dataclass(frozen=True)
class AnswerStore:
    """The kept answers of one source.

    Args:
        folder: where its files lie.
    """

    folder: Path

    def keep(self, answer: Answer) -> None:
        """Add an answer.

        Raises:
            LakeError: the disk refuses it.
        """
        path = self._path(answer.reply.fetched_at.date())
        packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        member = packer.compress(_line(answer).encode()) + packer.flush()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.parent / ".lock", is_singleton=True), path.open("ab") as file:
                _mend(path)
                file.write(member)
                file.flush()
        except OSError as error:
            raise LakeError(
                f"{path} cannot be written: {error.strerror or error}",
                hint="check the free space of the disk and the permissions of the folder",
            ) from error
        _sizes[path] = path.stat().st_size

    def read(self, first: date = date.min, last: date = date.max) -> Iterator[Answer]:
        """Yield the answers fetched from `first` to `last` (UTC days), in the order they came."""
        for day in self.days():
            if first <= day <= last:
                for line, _ in _members(self._path(day)):
                    yield _answer(line)

    def days(self) -> list[date]:
        """Return the days (UTC) on which answers came, ascending."""
        names = sorted(path.name[:10] for path in self.folder.glob("*.jsonl.gz"))
        return [date.fromisoformat(name) for name in names]

    def _path(self, day: date) -> Path:
        return self.folder / f"{day}.jsonl.gz"


# Files whose end this process has written or mended, with their size then.
_sizes: dict[Path, int] = {}


def _mend(path: Path) -> None:
    """Cut off a last member that is not whole."""
    size = path.stat().st_size
    if size == 0 or _sizes.get(path) == size:
        return
    end = 0
    for _, end in _members(path):  # noqa: B007 - the end of the last whole one is wanted
        pass
    if end < size:
        os.truncate(path, end)


def _members(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield each whole member of a file, unpacked, and where it ends."""
    with path.open("rb") as file:
        unpack, parts, rest = zlib.decompressobj(_GZIP), [], b""
        while packed := rest or file.read(_BLOCK):
            try:
                parts.append(unpack.decompress(packed))
            except zlib.error:
                return
            rest = unpack.unused_data
            if unpack.eof:
                yield b"".join(parts), file.tell() - len(rest)
                unpack, parts = zlib.decompressobj(_GZIP), []


def _line(answer: Answer) -> str:
    ask, reply = answer.ask, answer.reply
    try:
        body = {"text": reply.body.decode()}
    except UnicodeDecodeError:
        body = {"base64": base64.b64encode(reply.body).decode()}
    return json.dumps(
        {
            "kind": ask.kind,
            "subject": ask.subject,
            "from": ask.span[0].isoformat(),
            "until": ask.span[1].isoformat(),
            "page": ask.page,
            "url": ask.request.url,
            "params": dict(ask.request.params),
            "request_headers": dict(ask.request.headers),
            "then": ask.request.then,
            "as_of": answer.as_of.isoformat(),
            "fetched_at": reply.fetched_at.isoformat(),
            "status": reply.status,
            "headers": dict(reply.headers),
            **body,
        },
        ensure_ascii=False,
    )


def _answer(line: bytes) -> Answer:
    held = json.loads(line)
    at = {n: datetime.fromisoformat(held[n]) for n in ("from", "until", "as_of", "fetched_at")}
    body = held["text"].encode() if "text" in held else base64.b64decode(held["base64"])
    then = tuple(held.get("then", ()))  # answers from before there was any lack it
    request = Request(held["url"], held["params"], held["request_headers"], then)
    ask = Ask(held["kind"], held["subject"], (at["from"], at["until"]), request, held["page"])
    reply = Reply(held["status"], held["headers"], body, at["fetched_at"].astimezone(UTC))
    return Answer(ask, reply, at["as_of"])
