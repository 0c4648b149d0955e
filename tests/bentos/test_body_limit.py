"""The limit of a body as ASGI: what is read of one that is too long, and what passes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from bentos.price_predictor.body_limit import BodyLimit
from finpulse_assets.domain.serving.request import MAX_BODY_BYTES

PART = 16 * 1024


class Client:
    """A client that sends a body in parts and counts what was read of it."""

    def __init__(self, size: int, *, announced: bool) -> None:
        self.size, self.read = size, 0
        headers = [(b"content-length", str(size).encode())] if announced else []
        self.scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
        self.sent: list[dict] = []

    async def receive(self) -> dict:
        part = min(PART, self.size - self.read)
        self.read += part
        more = self.read < self.size
        return {"type": "http.request", "body": b"x" * part, "more_body": more}

    async def send(self, message: dict) -> None:
        self.sent.append(message)

    def ask(self, app: object) -> Client:
        asyncio.run(BodyLimit(app)(self.scope, self.receive, self.send))
        return self


class Echo:
    """An application that reads the whole body and keeps it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)


def refuse(*_: object) -> Iterator[None]:
    raise AssertionError("the application was asked")


@pytest.mark.parametrize(("announced", "read"), [(True, 0), (False, MAX_BODY_BYTES + PART)])
def test_of_ten_megabytes_no_more_than_the_limit_and_a_part_is_read(announced, read):
    client = Client(10_000_000, announced=announced).ask(refuse)
    assert client.read == read
    start, body = client.sent
    assert start["status"] == 413
    assert (b"connection", b"close") in start["headers"]
    assert sorted(json.loads(body["body"])) == ["error", "hint"]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [0, 1, PART, MAX_BODY_BYTES])
def test_a_body_within_the_limit_passes_whole(announced, size):
    echo = Echo()
    client = Client(size, announced=announced).ask(echo)
    assert echo.bodies == [b"x" * size]
    assert client.sent == []


def test_a_client_that_goes_away_is_passed_on():
    gone = {"type": "http.disconnect"}
    seen = []

    async def receive():
        return gone

    async def app(scope, receive, send):
        seen.append(await receive())

    scope = {"type": "http", "headers": []}
    asyncio.run(BodyLimit(app)(scope, receive, None))
    assert seen == [gone]


def test_what_is_no_request_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    asyncio.run(BodyLimit(app)({"type": "lifespan"}, None, None))
    assert seen == [{"type": "lifespan"}]
