"""A client of the front as ASGI, without a server: what it sends, reads and counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bentos.price_predictor.front import Front
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.served import Served
from finpulse_assets.domain.serving.sentiment import TextScore, text_scores
from finpulse_assets.gateways.serving.service_environment import LedgerMode
from tests.fakes import serving as fakes
from tests.fakes.classifier import FakeClassifier

PART = 16 * 1024
JSON_TYPE = (b"content-type", b"application/json")


@dataclass
class Client:
    """One request: its body comes in parts, and how much of it was read is counted."""

    path: str
    body: bytes = b""
    method: str = "POST"
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)
    query: bytes = b""
    announced: bool = True
    leaves_after: int | None = None
    never_ends: bool = False
    read: int = 0
    sent: list[dict] = field(default_factory=list)

    async def receive(self) -> dict:
        if self.leaves_after is not None and self.read >= self.leaves_after:
            return {"type": "http.disconnect"}
        if self.never_ends and self.read >= len(self.body):
            await asyncio.Event().wait()
        part = self.body[self.read : self.read + PART]
        self.read += len(part)
        more = self.never_ends or self.read < len(self.body)
        return {"type": "http.request", "body": part, "more_body": more}

    async def send(self, message: dict) -> None:
        self.sent.append(message)

    async def ask(self, front: Front) -> Client:
        length = ((b"content-length", str(len(self.body)).encode()),) if self.announced else ()
        scope = {"type": "http", "method": self.method, "path": self.path,
                 "query_string": self.query, "headers": [*self.headers, *length]}  # fmt: skip
        await front(scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def answered(self) -> dict[bytes, bytes]:
        """Return the headers of the response."""
        return dict(self.sent[0]["headers"])

    @property
    def said(self) -> Any:
        return json.loads(self.sent[1]["body"])


class KeywordScorer:
    """Scores by a keyword rule, as BentoML's client gives them; or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def score(self, *, texts: list[str]) -> list[TextScore]:
        if self.error:
            raise self.error
        said = FakeClassifier().score(texts)
        return text_scores(said.probabilities, said.is_truncated, "f" * 64)


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """httpx's way to an ASGI application without a server; notes which paths were asked for."""

    def __init__(self, app: Any) -> None:
        self.inner, self.asked = httpx.ASGITransport(app), []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        return await self.inner.handle_async_request(request)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def run() -> httpx.Response:
            reply = await self.handle_async_request(request)
            return httpx.Response(
                reply.status_code, headers=reply.headers, content=await reply.aread()
            )

        return asyncio.run(run())


def served(*, is_proven: bool = True) -> Served:
    found = Served()
    found.current = fakes.answering(is_proven=is_proven)
    return found


async def refuse(*_: object) -> None:
    raise AssertionError("BentoML was asked")


def ask(path: str, body: object = b"", *, front: Front | None = None, **options: Any) -> Client:
    """Ask the front, or a new one that BentoML does not stand behind."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = Client(path, content, **options)
    return asyncio.run(client.ask(front or Front(refuse, served())))


def get(path: str, *, front: Front | None = None, **options: Any) -> Client:
    return ask(path, front=front, method="GET", headers=(), announced=False, **options)


def recording(folder: Path, mode: LedgerMode = LedgerMode.ON) -> Front:
    """Return a front that serves a bundle in a folder, with a ledger beside it."""
    found = Served()
    bundle = folder / "bundle"
    if not bundle.exists():
        fakes.bundle(bundle)
    found.start(bundle, recorder=Recorder(folder / "ledger", mode))
    return Front(refuse, found)


def follow(found: Served, change: Callable[[], object], seen: Callable[[], bool]) -> list[int]:
    """Change the bundle while requests are asked; return their statuses, until it was seen."""

    async def run() -> list[int]:
        front = Front(refuse, found)
        following = asyncio.create_task(found.follow())
        change()
        statuses = []
        while not seen():
            client = await Client("/predict", b'{"symbol":"AAPL"}').ask(front)
            statuses.append(client.status)
            await asyncio.sleep(0.001)
        following.cancel()
        return statuses

    return asyncio.run(asyncio.wait_for(run(), timeout=300))
