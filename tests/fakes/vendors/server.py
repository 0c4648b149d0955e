"""The application that serves every vendor, with a clock, rates and a fault script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from finpulse_assets.gateways.sources.limits import Rate, Timer
from tests.fakes.ports import free_port
from tests.fakes.vendors.bars import ALL_VENDORS
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.fake import Asked, Fake
from tests.fakes.vendors.faults import CHANGES, Made

# What a vendor allows: as much as the sources ask at the most, no more.
RATES = {
    "rss": (Rate(2, 1.0),),
    "newsapi": (Rate(1, 1.0),),
    "finnhub": (Rate(10, 1.0), Rate(60, 60.0)),
    "edgar": (Rate(10, 1.0),),
    "x": (Rate(1, 1.0), Rate(300, 900.0)),
    "reddit": (Rate(100, 60.0),),
    "gdelt": (Rate(1, 1.0),),
    "alphavantage": (Rate(1, 1.0), Rate(5, 60.0)),
    "oanda": (Rate(120, 1.0),),
    "binance": (Rate(600, 60.0),),
    "stooq": (Rate(1, 1.0),),
    "nasdaqtrader": (Rate(1, 1.0),),
    "edgar13f": (Rate(10, 1.0),),
    "yahoo_options": (Rate(2, 1.0),),
}
DRIP_SECONDS = 20.0


class TokenBucket:
    """A rate as many vendors keep it: a bucket that is filled as time goes by."""

    def __init__(self, rate: Rate, now: datetime) -> None:
        self._rate, self._tokens, self._filled_at = rate, float(rate.requests), now

    def takes(self, now: datetime) -> bool:
        """Take a token, if there is one."""
        passed = (now - self._filled_at).total_seconds()
        filled = self._tokens + passed * self._rate.requests / self._rate.seconds
        self._tokens, self._filled_at = min(float(self._rate.requests), filled), now
        if self._tokens < 1 - 1e-3:  # waits are rounded
            return False
        self._tokens -= 1
        return True


@dataclass
class Clock:
    """A time that goes on only where somebody waits."""

    at: datetime
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    @property
    def timer(self) -> Timer:
        return Timer(self.now, self.sleep, lambda: 1.0)


class Vendors:
    """All vendors on one port.

    Attributes:
        script: vendor -> faults, one taken by each request for data; "" is none. A fault "*" and
            its name, such as "*html", stays.
        requests: vendor -> its requests for data, as path and query.
        too_fast: vendor -> requests that its rates refused.
    """

    def __init__(self, corpus: Corpus, clock: Clock, *, has_rates: bool = True) -> None:
        self.clock, self.script = clock, dict[str, list[str]]()
        self.fakes: dict[str, Fake] = {it.name: it(corpus) for it in ALL_VENDORS}
        self.requests: dict[str, list[str]] = {name: [] for name in self.fakes}
        self.too_fast = dict.fromkeys(self.fakes, 0)
        rates = RATES if has_rates else dict.fromkeys(RATES, ())
        self._buckets = {n: [TokenBucket(it, clock.at) for it in rates[n]] for n in self.fakes}
        self.port = free_port()
        self._open, self._answered = 0, Condition()

    def url(self, vendor: str) -> str:
        """Return the base URL of a vendor."""
        return f"http://127.0.0.1:{self.port}/{vendor}"

    def wait_until_quiet(self) -> None:
        """Wait until no request is being answered: one that was given up still moves the clock."""
        with self._answered:
            assert self._answered.wait_for(lambda: not self._open, timeout=600)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer a request (ASGI)."""
        with self._answered:
            self._open += 1
        try:
            await self._answer(scope, send)
        finally:
            with self._answered:
                self._open -= 1
                self._answered.notify_all()

    async def _answer(self, scope: dict[str, Any], send: Any) -> None:
        _, vendor, path = scope["path"].split("/", 2)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        fault = None
        if path not in self.fakes[vendor].free_paths:
            self.requests[vendor].append(f"{path}?{query}")
            waiting = self.script.get(vendor, [])
            fault = waiting[0] if waiting else ""
            if waiting and not fault.startswith("*"):
                waiting.pop(0)
            fault = fault.removeprefix("*") or None
        asked = Asked(path, dict(parse_qsl(query)), headers, self.clock.now(), fault)
        made = self._made(vendor, asked)
        if fault in CHANGES and made.status == 200:
            made = CHANGES[fault](made)
        await self._send(made, send)

    def _made(self, vendor: str, asked: Asked) -> Made:
        if asked.path not in self.fakes[vendor].free_paths:
            allowed = [bucket.takes(asked.now) for bucket in self._buckets[vendor]]
            if not all(allowed):
                self.too_fast[vendor] += 1
                return Made({"message": "Too Many Requests"}, 429)
        return self.fakes[vendor].made(asked)

    async def _send(self, made: Made, send: Any) -> None:
        content = made.content
        head = {"content-type": made.content_type, **made.headers}
        head["content-length"] = str(len(content))
        listed = [(name.encode(), value.encode()) for name, value in head.items()]
        start = {"type": "http.response.start", "status": made.status, "headers": listed}
        await send(start)
        size = max(1, len(content) // 8) if made.drips else len(content) or 1
        for at in range(0, max(1, len(content)), size):
            if made.drips:
                self.clock.at += timedelta(seconds=DRIP_SECONDS)
                await asyncio.sleep(0.01)  # so that parts arrive as parts
            part = content[at : at + size]
            more = at + size < len(content)
            await send({"type": "http.response.body", "body": part, "more_body": more})


@contextmanager
def running(vendors: Vendors) -> Iterator[Vendors]:
    """Serve the vendors while the block runs."""
    config = uvicorn.Config(
        vendors, host="127.0.0.1", port=vendors.port, log_config=None, lifespan="off",
        access_log=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.005)
    try:
        yield vendors
    finally:
        server.should_exit = True
        thread.join()
