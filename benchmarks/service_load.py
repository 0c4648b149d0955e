"""Load on a service: requests at a fixed rate, each timed from when it was due.

Run as a process of its own, it prints its figures as JSON. A slow answer delays no other: what
waits behind it is counted with its wait, which a client that asks in turn would leave out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CONNECTIONS = 64
LIMIT_SECONDS = 20.0


@dataclass
class Load:
    """What came of it: milliseconds from when each request was due, and statuses by count."""

    ms: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)

    def count(self, status: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Caller:
    """A kept connection, renewed where it was closed."""

    def __init__(self, port: int, request: bytes) -> None:
        self.port, self.request = port, request
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> str:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(self.request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        if b"connection: close" in head.lower():
            self.close()
        return head[9:12].decode()

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def at_rate(port: int, request: bytes, rate: float, seconds: float) -> Load:
    """Ask `rate` times a second; a request that no connection is free for waits its turn."""
    load, free = Load(), asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Caller(port, request))
    began = time.perf_counter() + 0.1

    async def one(due: float) -> None:
        caller = await free.get()
        try:
            status = await asyncio.wait_for(caller.ask(), LIMIT_SECONDS)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            status = type(error).__name__
            caller.close()
        load.ms.append((time.perf_counter() - due) * 1000)
        load.count(status)
        free.put_nowait(caller)

    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return load


async def at_once(port: int, request: bytes, count: int) -> Load:
    """Open `count` connections and ask on all of them at the same time."""
    load = Load()

    async def one() -> None:
        caller, due = Caller(port, request), time.perf_counter()
        try:
            load.count(await asyncio.wait_for(caller.ask(), LIMIT_SECONDS))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            load.count(type(error).__name__)
        load.ms.append((time.perf_counter() - due) * 1000)
        caller.close()

    await asyncio.gather(*(one() for _ in range(count)))
    return load


def main() -> None:
    """`service_load.py PORT FILE RATE SECONDS`, or `service_load.py PORT FILE once COUNT`."""
    port, file, rate, amount = sys.argv[1:]
    request = Path(file).read_bytes()
    if rate == "once":
        load = asyncio.run(at_once(int(port), request, int(amount)))
    else:
        load = asyncio.run(at_rate(int(port), request, float(rate), float(amount)))
    p50, p99 = np.percentile(load.ms, [50, 99])
    print(json.dumps({"p50": p50, "p99": p99, "max": max(load.ms), "statuses": load.statuses}))


if __name__ == "__main__":
    main()
