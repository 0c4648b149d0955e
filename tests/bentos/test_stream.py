"""The stream of signals: what is sent at first, when one changes, to the slow and at the end."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from bentos.price_predictor import front as front_module
from bentos.price_predictor import metrics, stream
from bentos.price_predictor.access import Access
from bentos.price_predictor.front import Front
from bentos.price_predictor.stream import Client, Stream
from finpulse_assets.domain.serving.answer import Answer
from finpulse_assets.gateways.serving.service_keys import ServiceKey, digest_of
from tests.bentos.front_client import refuse, served
from tests.fakes import serving as fakes

LATER = fakes.NOW + timedelta(days=7)


class Socket:
    """A WebSocket as ASGI: it takes messages until it is full, and leaves when told."""

    def __init__(self, room: int = 1000) -> None:
        self.sent: list[dict] = []
        self.left, self.room = asyncio.Event(), asyncio.Semaphore(room)
        self.first = True

    async def receive(self) -> dict:
        if self.first:
            self.first = False
            return {"type": "websocket.connect"}
        await self.left.wait()
        return {"type": "websocket.disconnect"}

    async def send(self, message: dict) -> None:
        await self.room.acquire()
        self.sent.append(message)

    def said(self, kind: str = "signal") -> list[dict]:
        texts = [json.loads(it["text"]) for it in self.sent if it["type"] == "websocket.send"]
        return [it for it in texts if it["type"] == kind]


def connect(front: Front, ws: Socket, query: bytes = b"", headers=(), client="127.0.0.1"):
    scope = {"type": "websocket", "path": "/ws/market-stream", "query_string": query,
             "headers": list(headers), "client": (client, 1)}  # fmt: skip
    return asyncio.create_task(front(scope, ws.receive, ws.send))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_every_signal_is_sent_at_first_and_then_those_that_change():
    async def run() -> None:
        found = served()
        front, ws, own = Front(refuse, found), Socket(), Socket()
        both = [connect(front, ws), connect(front, own, b"symbols=aapl,GONE")]
        await until(lambda: len(ws.said()) == 3 and len(own.said()) == 2)
        assert [it["symbol"] for it in own.said()] == ["AAPL", "GONE"]
        first = ws.said()[0]
        assert set(Answer.model_fields) - set(first) == {"prediction_id", "latency_ms"}
        found.stream.look(found.current, datetime.now(UTC))
        found.current = fakes.answering(is_proven=False)
        found.stream.look(found.current, datetime.now(UTC))
        await until(lambda: len(ws.said()) == 6 and len(own.said()) == 4)
        assert "no_proven_skill" in ws.said()[-1]["abstain_reasons"]
        found.stream.look(found.current, datetime.now(UTC))
        for it in (ws, own):
            it.left.set()
        await asyncio.gather(*both)
        assert (len(ws.said()), found.stream.clients) == (6, set())
        assert metrics.STREAM_CLIENTS.values[()] == 0

    asyncio.run(run())


def test_a_session_that_opens_changes_the_signals_of_those_it_concerns():
    async def run() -> None:
        found, client = Stream(), Client()
        answering = fakes.answering()
        found.look(answering, fakes.NOW)
        found.clients.add(client)
        found.look(answering, fakes.NOW + timedelta(seconds=1))
        assert not client.waiting
        found.look(answering, LATER)
        assert {json.loads(it)["symbol"] for it in client.waiting} == {"AAPL", "GONE", "MSFT"}

    asyncio.run(run())


def test_a_slow_client_loses_the_oldest_and_is_told_how_many(monkeypatch):
    async def run() -> None:
        monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
        found, ws, client = Stream(), Socket(room=0), Client(size=4)
        answering = fakes.answering()
        before = metrics.STREAM_DROPPED.values[()]
        ws.room.release()  # for the acceptance
        task = asyncio.create_task(found.serve(client, answering, ws.receive, ws.send))
        ws.first = False
        await until(lambda: len(client.waiting) == 2)
        for number in range(10):
            client.put("AAPL", b'{"type":"signal","number":%d}' % number)
        assert len(client.waiting) == 4
        for _ in range(20):
            ws.room.release()
        await until(lambda: ws.said("heartbeat"))
        assert [it.get("number") for it in ws.said()][-4:] == [6, 7, 8, 9]
        assert ws.said("heartbeat")[0]["dropped"] == 8
        assert metrics.STREAM_DROPPED.values[()] == before + 8
        ws.left.set()
        await task

    asyncio.run(run())


def test_a_client_that_takes_nothing_is_let_go(monkeypatch):
    async def run() -> None:
        monkeypatch.setattr(stream, "SEND_SECONDS", 0.01)
        found, ws = Stream(), Socket(room=1)
        await found.serve(Client(), fakes.answering(), ws.receive, ws.send)
        assert found.clients == set()

    asyncio.run(run())


def test_when_the_service_stops_every_client_is_told():
    async def run() -> None:
        found, ws = served(), Socket()
        task = connect(Front(refuse, found), ws)
        await until(lambda: len(ws.said()) == 3)
        found.stream.close()
        await task
        assert ws.sent[-1] == {"type": "websocket.close", "code": 1001}

    asyncio.run(run())


KEY = ServiceKey("desk", digest_of(b"fp_one"), ("read",), 6000)
OTHER = ServiceKey("other", digest_of(b"fp_two"), ("predict",), 6000)


@pytest.mark.parametrize(
    ("path", "query", "headers", "code"),
    [
        ("/ws/other", b"", [], 1008),
        ("/ws/market-stream", b"symbols=", [(b"x-api-key", b"fp_one")], 1008),
        ("/ws/market-stream", b"other=1", [(b"x-api-key", b"fp_one")], 1008),
        ("/ws/market-stream", b"", [], 1008),
        ("/ws/market-stream", b"", [(b"x-api-key", b"fp_two")], 1008),
        ("/ws/market-stream", b"", [(b"x-api-key", b"fp_one")], None),
    ],
)
def test_who_may_not_is_closed_before_it_is_accepted(path, query, headers, code):
    async def run() -> None:
        found, ws = served(), Socket()
        found.access = Access([KEY, OTHER])
        scope = {"type": "websocket", "path": path, "query_string": query, "headers": headers,
                 "client": ("10.0.0.1", 1)}  # fmt: skip
        ws.left.set()
        await Front(refuse, found)(scope, ws.receive, ws.send)
        if code:
            assert ws.sent == [{"type": "websocket.close", "code": code}]
        else:
            assert ws.sent[0] == {"type": "websocket.accept"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/ws/other", [], 404), ("/ws/market-stream", [], 401),
     ("/ws/market-stream", [(b"x-api-key", b"fp_two")], 403),
     ("/ws/market-stream", [(b"x-api-key", b"fp_one"), (b"origin", b"http://evil.example"),
                            (b"host", b"127.0.0.1:3010")], 403)],
)  # fmt: skip
def test_a_server_that_can_tells_a_refusal_as_over_http(path, headers, status):
    async def run() -> None:
        found, ws = served(), Socket()
        found.access = Access([KEY, OTHER])
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers,
                 "client": ("10.0.0.1", 1),
                 "extensions": {"websocket.http.response": {}}}  # fmt: skip
        await Front(refuse, found)(scope, ws.receive, ws.send)
        start, body = ws.sent
        assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
        assert sorted(json.loads(body["body"])) == ["error", "hint"]

    asyncio.run(run())


def test_beyond_the_limit_of_clients_the_next_is_told_to_come_again(monkeypatch):
    async def run() -> None:
        monkeypatch.setattr(front_module, "MAX_CLIENTS", 0)
        ws = Socket()
        await connect(Front(refuse, served()), ws)
        assert ws.sent == [{"type": "websocket.close", "code": 1013}]

    asyncio.run(run())


def test_a_real_service_streams_to_a_real_socket(servers):
    address = urlsplit(servers["store"].url)
    with socket.create_connection((address.hostname, address.port), timeout=300) as raw:
        raw.sendall(
            b"GET /ws/market-stream?symbols=AAPL HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            + base64.b64encode(b"0" * 16)
            + b"\r\n\r\n"
        )
        with raw.makefile("rb") as read:
            assert read.readline().startswith(b"HTTP/1.1 101 ")
            while read.readline().strip():
                pass
            first, length = read.read(2)
            assert (first, length) == (0x81, 126), "a whole text of 126 to 65,535 bytes"
            said = json.loads(read.read(int.from_bytes(read.read(2), "big")))
    assert (said["type"], said["symbol"]) == ("signal", "AAPL")
