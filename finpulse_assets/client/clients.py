"""The two clients: the same questions, asked in turn or awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import ValidationError

from finpulse_assets.client import asks
from finpulse_assets.client.answers import Answer, Model, Recorded, Status, Symbol
from finpulse_assets.client.asks import Ask, FeatureRow
from finpulse_assets.client.retries import Course, Retries, stranger

T = TypeVar("T")
URL = "http://127.0.0.1:3010"
TIMEOUT_SECONDS = 10.0


class _Common:
    _kind: type[httpx.Client] | type[httpx.AsyncClient]

    def __init__(
        self, url: str = URL, *, key: str | None = None, retries: Retries | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        """Ask the service at `url`.

        Args:
            url: with http:// or https://.
            key: of the service, made by `finpulse key`.
            retries: how patient the client is; by default 4 attempts, waits of at most 30 s.
            timeout: seconds for each step of a request.
        """
        self.url, self.retries = url.rstrip("/"), retries or Retries()
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http: Any = self._kind(base_url=self.url, headers=headers, timeout=timeout)

    def _read(self, ask: Ask[T], reply: httpx.Response) -> T:
        try:
            return ask.read(reply.content)
        except (ValidationError, KeyError) as error:
            raise stranger(self.url) from error


class Client(_Common):
    """Asks, and waits for the answer; usable by several threads, and as a context.

    Every method raises `RefusedError` where the service refuses, and `UnreachableError` where
    nothing answers, both after the attempts that `retries` allows.
    """

    _kind = httpx.Client

    def predict(self, symbol: str, *, with_features: bool = False) -> Answer:
        """Predict the next session of a symbol; on request with what the model has read."""
        return self._ask(asks.of_symbol(symbol, with_features=with_features))

    def predict_row(self, features: FeatureRow, *, with_reasons: bool = False) -> Answer:
        """Predict for a feature row: every feature of `model()`, None where unknown."""
        return self._ask(asks.of_row(features, with_reasons=with_reasons))

    def predict_symbols(self, symbols: Sequence[str]) -> list[Answer]:
        """Predict for up to 512 symbols, in their order."""
        return self._ask(asks.of_symbols(symbols))

    def predict_rows(self, rows: Sequence[FeatureRow]) -> list[Answer]:
        """Predict for up to 512 feature rows, in their order; each names the same features."""
        return self._ask(asks.of_rows(rows))

    def prediction(self, prediction_id: str) -> Recorded:
        """Return an answer of the last days, with what it was made from."""
        return self._ask(asks.of_id(prediction_id))

    def history(self, symbol: str | None = None, *, limit: int = 100) -> list[Answer]:
        """Return the newest answers of the last days, the newest first."""
        return self._ask(asks.of_history(symbol, limit))

    def symbols(self) -> list[Symbol]:
        """List the symbols that have features."""
        return self._ask(asks.of_all_symbols())

    def model(self) -> Model:
        """Describe the champion and its inputs."""
        return self._ask(asks.of_model())

    def status(self) -> Status:
        """Say how old features and model are now."""
        return self._ask(asks.of_status())

    def health(self) -> str:
        """Say whether all is well: ok, stale or expired."""
        return self._ask(asks.of_health())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, ask: Ask[T]) -> T:
        course = Course(self.url, self.retries)
        while True:
            try:
                reply = self._http.request(ask.method, ask.path, json=ask.body, params=ask.query)
            except httpx.TransportError as error:
                wait = course.after_failure(error)
            else:
                if reply.is_success:
                    return self._read(ask, reply)
                wait = course.after_refusal(reply)
            time.sleep(wait)


class AsyncClient(_Common):
    """`Client` for asyncio: the same methods, awaited."""

    _kind = httpx.AsyncClient

    async def predict(self, symbol: str, *, with_features: bool = False) -> Answer:
        return await self._ask(asks.of_symbol(symbol, with_features=with_features))

    async def predict_row(self, features: FeatureRow, *, with_reasons: bool = False) -> Answer:
        return await self._ask(asks.of_row(features, with_reasons=with_reasons))

    async def predict_symbols(self, symbols: Sequence[str]) -> list[Answer]:
        return await self._ask(asks.of_symbols(symbols))

    async def predict_rows(self, rows: Sequence[FeatureRow]) -> list[Answer]:
        return await self._ask(asks.of_rows(rows))

    async def prediction(self, prediction_id: str) -> Recorded:
        return await self._ask(asks.of_id(prediction_id))

    async def history(self, symbol: str | None = None, *, limit: int = 100) -> list[Answer]:
        return await self._ask(asks.of_history(symbol, limit))

    async def symbols(self) -> list[Symbol]:
        return await self._ask(asks.of_all_symbols())

    async def model(self) -> Model:
        return await self._ask(asks.of_model())

    async def status(self) -> Status:
        return await self._ask(asks.of_status())

    async def health(self) -> str:
        return await self._ask(asks.of_health())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _ask(self, ask: Ask[T]) -> T:
        course = Course(self.url, self.retries)
        while True:
            try:
                reply = await self._http.request(
                    ask.method, ask.path, json=ask.body, params=ask.query
                )
            except httpx.TransportError as error:
                wait = course.after_failure(error)
            else:
                if reply.is_success:
                    return self._read(ask, reply)
                wait = course.after_refusal(reply)
            await asyncio.sleep(wait)
