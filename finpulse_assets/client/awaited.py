"""The client that is awaited, with the stream of signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import httpx

from finpulse_assets.client import asks
from finpulse_assets.client.answers import (
    Answer,
    Forecast,
    Model,
    News,
    Recorded,
    Signal,
    Status,
    Symbol,
    TextScore,
)
from finpulse_assets.client.asks import Ask, Bar, FeatureRow, Text
from finpulse_assets.client.common import Common, T
from finpulse_assets.client.retries import Course


class AsyncClient(Common):
    """`Client` for asyncio: the same methods, awaited; and the stream."""

    _kind = httpx.AsyncClient

    async def predict(
        self, symbol: str, *, texts: Sequence[Text | str] = (), prices: Sequence[Bar] = (),
        with_features: bool = False,
    ) -> Answer:  # fmt: skip
        return await self._ask(asks.of_symbol(symbol, texts, prices, with_features=with_features))

    async def predict_row(self, features: FeatureRow, *, with_reasons: bool = False) -> Answer:
        return await self._ask(asks.of_row(features, with_reasons=with_reasons))

    async def predict_symbols(self, symbols: Sequence[str]) -> list[Answer]:
        return await self._ask(asks.of_symbols(symbols))

    async def predict_rows(self, rows: Sequence[FeatureRow]) -> list[Answer]:
        return await self._ask(asks.of_rows(rows))

    async def sentiment(self, texts: Sequence[str]) -> list[TextScore]:
        return await self._ask(asks.of_texts(texts))

    async def forecast(self, prices: Sequence[float]) -> Forecast:
        return await self._ask(asks.of_prices(prices))

    async def report_outcomes(self, returns: Mapping[str, float]) -> int:
        return await self._ask(asks.of_outcomes(returns))

    async def prediction(self, prediction_id: str) -> Recorded:
        return await self._ask(asks.of_id(prediction_id))

    async def history(self, symbol: str | None = None, *, limit: int = 100) -> list[Answer]:
        return await self._ask(asks.of_history(symbol, limit))

    async def news(self, symbol: str | None = None, *, limit: int = 100) -> list[News]:
        return await self._ask(asks.of_news(symbol, limit))

    async def symbols(self) -> list[Symbol]:
        return await self._ask(asks.of_all_symbols())

    async def model(self) -> Model:
        return await self._ask(asks.of_model())

    async def status(self) -> Status:
        return await self._ask(asks.of_status())

    async def health(self) -> str:
        return await self._ask(asks.of_health())

    async def ready(self) -> str:
        return await self._ask(asks.of_readiness())

    async def metrics(self) -> str:
        return await self._ask(asks.of_metrics())

    async def stream(self, symbols: Sequence[str] = ()) -> AsyncIterator[Signal]:
        """Yield every signal of some symbols or of all, and each again when it changes.

        A connection that is lost is made again, as patiently as any request; every signal is then
        sent again. It needs the extra `client` whole (websockets).

        Raises:
            RefusedError, UnreachableError: as every method.
        """
        from finpulse_assets.client.stream import signals

        async for signal in signals(self.url, asks.stream_of(symbols), self._headers, self.retries):
            yield signal

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
