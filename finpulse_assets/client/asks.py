"""What can be asked of the service: each a request, and how its answer is read.

The one place where the client names the service's paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from pydantic import BaseModel, TypeAdapter

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
from finpulse_assets.domain.serving.fresh import FreshBar as Bar
from finpulse_assets.domain.serving.fresh import FreshText as Text

T = TypeVar("T")
FeatureRow = Mapping[str, float | None]


@dataclass(frozen=True)
class Ask(Generic[T]):
    """A request: all of them may be sent again, for none changes what the service answers."""

    method: str
    path: str
    read: Callable[[bytes], T]
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


class _Answers(BaseModel):
    answers: list[Answer]


class _Symbols(BaseModel):
    symbols: list[Symbol]


class _Scores(BaseModel):
    scores: list[TextScore]


class _Texts(BaseModel):
    texts: list[News]


_WORDS = TypeAdapter(dict[str, str])
_COUNTS = TypeAdapter(dict[str, int])


def of_symbol(
    symbol: str, texts: Sequence[Text | str], prices: Sequence[Bar], *, with_features: bool
) -> Ask[Answer]:
    query = {"features": "1"} if with_features else {}
    sent = {
        "texts": [Text(it) if isinstance(it, str) else it for it in texts],
        "prices": list(prices),
    }
    body = {"symbol": symbol} | {name: rows for name, rows in sent.items() if rows}
    return Ask("POST", "/predict", Answer.model_validate_json, msgspec.to_builtins(body), query)


def of_row(features: FeatureRow, *, with_reasons: bool) -> Ask[Answer]:
    query = {"reasons": "1"} if with_reasons else {}
    return Ask("POST", "/predict", Answer.model_validate_json, {"features": dict(features)}, query)


def of_symbols(symbols: Sequence[str]) -> Ask[list[Answer]]:
    return Ask("POST", "/predict_batch", _answers, {"symbols": list(symbols)})


def of_rows(rows: Sequence[FeatureRow]) -> Ask[list[Answer]]:
    columns = list(rows[0]) if rows else []
    values = [[row[name] for name in columns] for row in rows]
    return Ask("POST", "/predict_batch", _answers, {"columns": columns, "rows": values})


def of_texts(texts: Sequence[str]) -> Ask[list[TextScore]]:
    return Ask(
        "POST",
        "/sentiment",
        lambda content: _Scores.model_validate_json(content).scores,
        {"texts": list(texts)},
    )


def of_prices(prices: Sequence[float]) -> Ask[Forecast]:
    return Ask("POST", "/forecast", Forecast.model_validate_json, {"prices": list(prices)})


def of_outcomes(returns: Mapping[str, float]) -> Ask[int]:
    reported = [{"prediction_id": name, "return_next_session": it} for name, it in returns.items()]
    return Ask(
        "POST",
        "/outcomes",
        lambda content: _COUNTS.validate_json(content)["recorded"],
        {"outcomes": reported},
    )


def of_id(prediction_id: str) -> Ask[Recorded]:
    return Ask("GET", f"/predictions/{quote(prediction_id, safe='')}", Recorded.model_validate_json)


def of_history(symbol: str | None, limit: int) -> Ask[list[Answer]]:
    return Ask("GET", "/predictions/history", _answers, query=_newest(symbol, limit))


def of_news(symbol: str | None, limit: int) -> Ask[list[News]]:
    return Ask(
        "GET",
        "/news/recent",
        lambda content: _Texts.model_validate_json(content).texts,
        query=_newest(symbol, limit),
    )


def of_all_symbols() -> Ask[list[Symbol]]:
    return Ask("GET", "/symbols", lambda content: _Symbols.model_validate_json(content).symbols)


def of_model() -> Ask[Model]:
    return Ask("GET", "/model", Model.model_validate_json)


def of_status() -> Ask[Status]:
    return Ask("GET", "/status", Status.model_validate_json)


def of_health() -> Ask[str]:
    return Ask("GET", "/health", lambda content: _WORDS.validate_json(content)["status"])


def of_readiness() -> Ask[str]:
    return Ask("GET", "/readyz", lambda content: _WORDS.validate_json(content)["status"])


def of_metrics() -> Ask[str]:
    return Ask("GET", "/metrics", bytes.decode)


def stream_of(symbols: Sequence[str]) -> str:
    """Return the path of the stream of signals of some symbols, or of all."""
    return "/ws/market-stream" + (
        f"?{urlencode({'symbols': ','.join(symbols)})}" if symbols else ""
    )


def _newest(symbol: str | None, limit: int) -> dict[str, str]:
    return {"limit": str(limit)} | ({} if symbol is None else {"symbol": symbol})


def _answers(content: bytes) -> list[Answer]:
    return _Answers.model_validate_json(content).answers
