"""The stream: signals by WebSocket, all of them at first and then those that change.

A signal changes when a newer bundle is taken, or when a session opens. Each client has a queue of
its own that is bounded: one that reads too slowly loses the oldest signals, and every heartbeat
says how many. What is streamed is no answer to a request: it has no id, and the ledger has it not.
https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from bentos.price_predictor.metrics import STREAM_CLIENTS, STREAM_DROPPED
from finpulse_assets.domain.serving.answering import Answering, Reply
from finpulse_assets.gateways.clock import system_now

QUEUE = 512  # signals that wait for one client
MAX_CLIENTS = 256
HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 30.0  # a client that takes nothing for so long has gone
GOING_AWAY, TRY_AGAIN_LATER = 1001, 1013


class Client:
    """One connection: which symbols it wants, and what waits for it."""

    def __init__(self, symbols: frozenset[str] = frozenset(), size: int = QUEUE) -> None:
        self.symbols, self.size = symbols, size
        self.waiting: deque[bytes] = deque()
        self.dropped = 0
        self.woken = asyncio.Event()
        self.is_closed = False

    def put(self, symbol: str, message: bytes) -> None:
        """Let a signal wait, in place of the oldest where there are too many."""
        if self.symbols and symbol not in self.symbols:
            return
        if len(self.waiting) == self.size:
            self.waiting.popleft()
            self.dropped += 1
            STREAM_DROPPED.add()
        self.waiting.append(message)
        self.woken.set()

    def close(self) -> None:
        self.is_closed = True
        self.woken.set()


class Stream:
    """The clients, and the signals as they were told last."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._told: Mapping[str, Reply] = {}

    def look(self, answering: Answering, now: datetime) -> None:
        """Tell the clients of every signal that differs from what was told last."""
        found = answering.symbols(now)
        if found is self._told:
            return
        before, self._told = self._told, found
        for symbol, reply in found.items():
            if symbol in before and before[symbol].members == reply.members:
                continue
            message = signal_message(reply, now)
            for client in self.clients:
                client.put(symbol, message)

    def close(self) -> None:
        """Let every client go: the service stops."""
        for client in self.clients:
            client.close()

    async def serve(self, client: Client, answering: Answering, receive: Any, send: Any) -> None:
        """Send signals to a client until it goes, or the service stops."""
        await send({"type": "websocket.accept"})
        now = system_now()
        self.look(answering, now)
        for symbol, reply in answering.symbols(now).items():
            client.put(symbol, signal_message(reply, now))
        self.clients.add(client)
        STREAM_CLIENTS.set(len(self.clients))
        sending = asyncio.create_task(self._send(client, send))
        hearing = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait((sending, hearing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.clients.discard(client)
            STREAM_CLIENTS.set(len(self.clients))
            for task in (sending, hearing):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError, TimeoutError):
                    await task

    async def _send(self, client: Client, send: Any) -> None:
        while not client.is_closed:
            while client.waiting and not client.is_closed:
                await _sent(send, client.waiting.popleft())
            client.woken.clear()
            try:
                await asyncio.wait_for(client.woken.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await _sent(send, heartbeat_message(client.dropped, system_now()))
        await send({"type": "websocket.close", "code": GOING_AWAY})


def signal_message(reply: Reply, now: datetime) -> bytes:
    """Return a signal as it is sent: what `/predict` answers, without id and latency."""
    stamp = now.isoformat().encode()
    return b'{"type":"signal","timestamp":"%b",%b}' % (stamp, reply.members)


def heartbeat_message(dropped: int, now: datetime) -> bytes:
    """Return what is sent where there is nothing to send, with the signals dropped so far."""
    return msgspec.json.encode({"type": "heartbeat", "timestamp": now, "dropped": dropped})


async def _sent(send: Any, message: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "websocket.send", "text": message.decode()})


async def _until_gone(receive: Any) -> None:
    """Read what the client says, which means nothing here, until it goes."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
