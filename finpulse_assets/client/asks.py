"""What can be asked of the service: each a request, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from finpulse_assets.client.answers import Answer, Model, Recorded, Status, Symbol

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


_HEALTH = TypeAdapter(dict[str, str])


def of_symbol(symbol: str, *, with_features: bool) -> Ask[Answer]:
    query = {"features": "1"} if with_features else {}
    return Ask("POST", "/predict", Answer.model_validate_json, {"symbol": symbol}, query)


def of_row(features: FeatureRow, *, with_reasons: bool) -> Ask[Answer]:
    query = {"reasons": "1"} if with_reasons else {}
    return Ask("POST", "/predict", Answer.model_validate_json, {"features": dict(features)}, query)


def of_symbols(symbols: Sequence[str]) -> Ask[list[Answer]]:
    return Ask("POST", "/predict_batch", _answers, {"symbols": list(symbols)})


def of_rows(rows: Sequence[FeatureRow]) -> Ask[list[Answer]]:
    columns = list(rows[0]) if rows else []
    values = [[row[name] for name in columns] for row in rows]
    return Ask("POST", "/predict_batch", _answers, {"columns": columns, "rows": values})


def of_id(prediction_id: str) -> Ask[Recorded]:
    return Ask("GET", f"/predictions/{quote(prediction_id, safe='')}", Recorded.model_validate_json)


def of_history(symbol: str | None, limit: int) -> Ask[list[Answer]]:
    query = {"limit": str(limit)} | ({} if symbol is None else {"symbol": symbol})
    return Ask("GET", "/predictions/history", _answers, query=query)


def of_all_symbols() -> Ask[list[Symbol]]:
    return Ask("GET", "/symbols", lambda content: _Symbols.model_validate_json(content).symbols)


def of_model() -> Ask[Model]:
    return Ask("GET", "/model", Model.model_validate_json)


def of_status() -> Ask[Status]:
    return Ask("GET", "/status", Status.model_validate_json)


def of_health() -> Ask[str]:
    return Ask("GET", "/health", lambda content: _HEALTH.validate_json(content)["status"])


def _answers(content: bytes) -> list[Answer]:
    return _Answers.model_validate_json(content).answers
