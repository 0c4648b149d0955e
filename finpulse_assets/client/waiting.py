"""The client that waits for its answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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
    Status,
    Symbol,
    TextScore,
)
from finpulse_assets.client.asks import Ask, Bar, FeatureRow, Text
from finpulse_assets.client.common import Common, T
from finpulse_assets.client.retries import Course


class Client(Common):
    """Asks, and waits for the answer; usable by several threads, and as a context.

    Every method raises `RefusedError` where the service refuses, and `UnreachableError` where
    nothing answers, both after the attempts that `retries` allows.
    """

    _kind = httpx.Client

    def predict(
        self, symbol: str, *, texts: Sequence[Text | str] = (), prices: Sequence[Bar] = (),
        with_features: bool = False,
    ) -> Answer:  # fmt: skip
        """Predict the next session of a symbol; on request with what the model has read.

        Args:
            symbol: exchange symbol.
            texts: up to 64 that no source has delivered, counted with those that are known; a plain
                text is a tweet. Nothing of them is kept.
            prices: up to 20 bars of sessions after the newest that is known.
            with_features: send what the model has read, and not only how much.
        """
        return self._ask(asks.of_symbol(symbol, texts, prices, with_features=with_features))

    def predict_row(self, features: FeatureRow, *, with_reasons: bool = False) -> Answer:
        """Predict for a feature row: every feature of `model()`, None where unknown."""
        return self._ask(asks.of_row(features, with_reasons=with_reasons))

    def predict_symbols(self, symbols: Sequence[str]) -> list[Answer]:
        """Predict for up to 512 symbols, in their order."""
        return self._ask(asks.of_symbols(symbols))

    def predict_rows(self, rows: Sequence[FeatureRow]) -> list[Answer]:
        """Predict for up to 512 feature rows, in their order; each names the same features."""
        return self._ask(asks.of_rows(rows))

    def sentiment(self, texts: Sequence[str]) -> list[TextScore]:
        """Score the opinion in up to 256 texts, in their order."""
        return self._ask(asks.of_texts(texts))

    def forecast(self, prices: Sequence[float]) -> Forecast:
        """Say where the close after 31 to 2,520 closes lies, by these closes alone."""
        return self._ask(asks.of_prices(prices))

    def report_outcomes(self, returns: Mapping[str, float]) -> int:
        """Report what came of up to 64 answers of the last days; return how many were recorded.

        Args:
            returns: by prediction id the return of the target session, open to close, a fraction.
        """
        return self._ask(asks.of_outcomes(returns))

    def prediction(self, prediction_id: str) -> Recorded:
        """Return an answer of the last days, with what it was made from and what came of it."""
        return self._ask(asks.of_id(prediction_id))

    def history(self, symbol: str | None = None, *, limit: int = 100) -> list[Answer]:
        """Return the newest answers of the last days, the newest first."""
        return self._ask(asks.of_history(symbol, limit))

    def news(self, symbol: str | None = None, *, limit: int = 100) -> list[News]:
        """Return the newest texts with their scores, the newest first."""
        return self._ask(asks.of_news(symbol, limit))

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

    def ready(self) -> str:
        """Return "ready" once requests are answered; raises where that takes too long."""
        return self._ask(asks.of_readiness())

    def metrics(self) -> str:
        """Return the metrics in the text format of Prometheus."""
        return self._ask(asks.of_metrics())

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
