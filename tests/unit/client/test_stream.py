"""The client's stream: what it yields, when it connects again, and what it says at last."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from finpulse_assets.client import AsyncClient, RefusedError, Retries, UnreachableError
from finpulse_assets.client import stream as stream_module
from tests.fakes import serving as fakes


def signal(symbol: str) -> str:
    reply = fakes.answering().symbols(fakes.NOW)[symbol]
    return f'{{"type":"signal","timestamp":"2024-06-28T20:30:00Z",{reply.members.decode()}}}'


def heartbeat(dropped: int) -> str:
    return json.dumps({"type": "heartbeat", "timestamp": "2024-06-28T20:30:00Z",
                       "dropped": dropped})  # fmt: skip


def read(
    connections: list[list[str] | HTTPStatus], count: int, *, paths: list[str] | None = None,
    **options: Any,
) -> list[str]:  # fmt: skip
    """Return the symbols of `count` signals of a service whose connections say what is given."""
    waiting = list(connections)

    def refused(connection: ServerConnection, request: Any) -> Any:
        if paths is not None:
            paths.append(request.path)
        if isinstance(waiting[0], HTTPStatus):
            status = waiting.pop(0)
            reply = connection.respond(status, '{"error": "it is full", "hint": "come again"}')
            reply.headers["Retry-After"] = "0"
            return reply
        return None

    async def say(connection: ServerConnection) -> None:
        for message in waiting.pop(0):
            await connection.send(message)

    async def run() -> list[str]:
        async with serve(say, "127.0.0.1", 0, process_request=refused) as server:
            port = server.sockets[0].getsockname()[1]
            client = AsyncClient(f"http://127.0.0.1:{port}", **options)
            found: list[str] = []
            async with aclosing(client.stream(["AAPL", "BRK.B"])) as signals:
                async for it in signals:
                    found.append(it.symbol)
                    if len(found) == count:
                        break
            return found

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("finpulse_assets.client.retries.FIRST_SECONDS", 0.001)


def test_a_connection_that_is_lost_is_made_again_and_its_symbols_are_asked_for():
    paths: list[str] = []
    said = [[signal("AAPL"), heartbeat(0)], [signal("MSFT")], [signal("AAPL")]]
    assert read(said, 3, paths=paths) == ["AAPL", "MSFT", "AAPL"]
    assert set(paths) == {"/ws/market-stream?symbols=AAPL%2CBRK.B"}


def test_signals_that_were_dropped_are_told_once(caplog):
    said = [[heartbeat(2), heartbeat(2), heartbeat(5), signal("AAPL")]]
    assert read(said, 1) == ["AAPL"]
    told = [record.message for record in caplog.records if "dropped" in record.message]
    assert told == [f"{count} signals were dropped, they are read too slowly" for count in (2, 5)]


def test_a_refusal_that_passes_is_waited_for_and_another_is_told():
    full = HTTPStatus.TOO_MANY_REQUESTS
    assert read([full, HTTPStatus.SERVICE_UNAVAILABLE, [signal("AAPL")]], 1) == ["AAPL"]
    with pytest.raises(RefusedError, match=r"it is full\. Hint: come again") as caught:
        read([full] * 3, 1, retries=Retries(attempts=3))
    assert caught.value.status == 429
    with pytest.raises(RefusedError) as caught:
        read([HTTPStatus.FORBIDDEN], 1)
    assert caught.value.status == 403


@pytest.mark.parametrize("message", ["<html>", "[1]", '{"type":"signal"}'])
def test_what_is_no_signal_is_another_service(message):
    with pytest.raises(UnreachableError, match="does not answer as the prediction service does"):
        read([[message]], 1)


def test_a_service_that_falls_silent_is_left(monkeypatch):
    monkeypatch.setattr(stream_module, "SILENCE_SECONDS", 0.05)

    async def run() -> None:
        async def silent(connection: ServerConnection) -> None:
            await connection.wait_closed()

        async with serve(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            client = AsyncClient(f"http://127.0.0.1:{port}", retries=Retries(attempts=2))
            with pytest.raises(UnreachableError, match="gave no answer in 2 attempts"):
                async for _ in client.stream():
                    raise AssertionError("nothing was sent")

    asyncio.run(run())
