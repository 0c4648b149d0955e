"""The service's description: OpenAPI for machines and one page for people, without anything from
outside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

import msgspec
import numpy as np

from bentos.price_predictor.document_schemas import PREDICTION_ID, Schema, ref, schemas_of
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.forecast import MIN_PRICES, forecast
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.request import MAX_BATCH

JSON, TEXT = "application/json", "text/plain"
SHOWN_EXAMPLE = 3
EXAMPLE_ID = "066160e929c43d-1cd5aabc000000"
TEXTS = {"texts": ["$MERC beats estimates and raises its outlook"]}
OUTCOMES = {"outcomes": [{"prediction_id": EXAMPLE_ID, "return_next_session": 0.012}]}
REFUSALS = {
    "400": "the request is not of the form; the sentence names the thing and its value",
    "401": "no valid key came with the request",
    "403": "the key is not for this",
    "404": "the symbol, the prediction or the path is unknown",
    "405": "the path has no such method",
    "408": "the body was not whole in time",
    "413": "the body is too long",
    "415": "the body is not announced as application/json",
    "429": "too many requests at once; Retry-After says when to come again",
    "503": "no model can be trusted, or the service is shutting down",
}
BODY = ("400", "401", "403", "404", "408", "413", "415", "429", "503")
QUERY = ("400", "401", "403", "404", "429")
PLAIN = ("401", "403", "429", "503")
OPEN = ("503",)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>FinPulse predictions</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f5;padding:.7rem;overflow:auto}td,th{text-align:left;vertical-align:top;
padding:.2rem .8rem .2rem 0}code{background:#f4f4f5}</style>
<h1>FinPulse predictions</h1><p>%s <a href="/openapi.json">openapi.json</a></p>%s"""


def openapi_of(predictor: Predictor | None, *, has_lake: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document; with a predictor, its features and examples that it answers.

    `has_lake`: whether texts and prices can be added to what is known.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FinPulse predictions",
            "version": "1",
            "description": "What the champion expects of the next session. Not investment advice. "
            "GET /ws/market-stream?symbols=A,B, a WebSocket, sends signals as they change.",
        },
        "paths": _paths(_Examples.of(predictor)),
        "components": {"schemas": schemas_of(predictor, has_lake=has_lake)},
    }


def page_of(document: dict[str, Any]) -> bytes:
    """Return the OpenAPI document as one page."""
    parts = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation['summary'])}</p>")
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            for name, example in body.get("examples", {}).items():
                shown = escape(json.dumps(example["value"]))
                parts.append(f"<p>{escape(name)}</p><pre>{shown}</pre>")
            rows = "".join(
                f"<tr><th>{status}<td>{escape(answer['description'])}"
                for status, answer in operation["responses"].items()
            )
            parts.append(f"<table>{rows}</table>")
    fields = document["components"]["schemas"]["Answer"]["properties"]
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(field.get('description', ''))}"
        for name, field in fields.items()
    )
    parts.append(f"<h2>An answer's fields</h2><table>{rows}</table>")
    return (PAGE % (escape(document["info"]["description"]), "".join(parts))).encode()


@dataclass(frozen=True)
class _Examples:
    """Requests that are answered, and answers as they are given."""

    one: dict[str, Any]
    many: dict[str, Any]
    answer: dict[str, Any] | None = None

    @classmethod
    def of(cls, predictor: Predictor | None) -> _Examples:
        if predictor is None:
            return cls({"a symbol": {"symbol": "AAPL"}}, {"symbols": {"symbols": ["AAPL"]}})
        symbols = predictor.symbols[:SHOWN_EXAMPLE]
        row = predictor.features_of(symbols[0])
        one = {"a symbol": {"symbol": symbols[0]}, "a feature row": {"features": row}}
        rows = {"columns": list(row), "rows": [list(row.values())]}
        decided_at = predictor.rows[symbols[0]]["decision_at"]
        body = msgspec.json.encode(one["a symbol"])
        answer = Answering(predictor).reply(body, now=decided_at)
        stamped = answer.stamped(EXAMPLE_ID, decided_at.isoformat(), 0.1)
        many = {"symbols": {"symbols": symbols}, "feature rows": rows}
        return cls(one, many, json.loads(stamped))

    def answers(self) -> dict[str, Any] | None:
        return self.answer and {"answers": [self.answer]}


def _paths(examples: _Examples) -> dict[str, Any]:
    options = [_parameter(name, meaning, {"type": "string", "enum": ["0", "1"]})
               for name, meaning in (("features", "send what the model read"),
                                     ("reasons", "explain a feature row too"))]  # fmt: skip
    symbol = {"type": "string", "minLength": 1, "maxLength": 40}
    count = {"type": "integer", "minimum": 1, "maximum": 1000}
    own_id = _parameter("id", "the prediction_id", PREDICTION_ID, place="path")
    prices = {"prices": [100.0 + at % 7 for at in range(MIN_PRICES)]}
    forecasted = forecast(np.array(prices["prices"])).model_dump()
    return {
        "/predict": {"post": _operation(
            "Predict the next session of a symbol, or for a feature row.", "Answer", BODY,
            request="PredictRequest", asked=examples.one, said=examples.answer, options=options)},
        "/predict_batch": {"post": _operation(
            f"Predict for up to {MAX_BATCH} symbols or feature rows.", "BatchAnswer", BODY,
            request="BatchRequest", asked=examples.many, said=examples.answers())},
        "/forecast": {"post": _operation(
            "Say where the next close lies, by the closes before alone: no texts, no champion.",
            "Forecast", BODY, request="ForecastRequest", asked={"closes": prices},
            said=forecasted)},
        "/sentiment": {"post": _operation(
            "Score the opinion in texts by the home's sentiment model.", "Scores", BODY,
            request="SentimentRequest", asked={"texts": TEXTS})},
        "/predictions/history": {"get": _operation(
            "Give the newest answers of the last days again.", "BatchAnswer", QUERY,
            said=examples.answers(), options=[_parameter("symbol", "of one symbol alone", symbol),
                                              _parameter("limit", "how many", count)])},
        "/predictions/{id}": {"get": _operation(
            "Give an answer of the last days again, with what it was made from.",
            "RecordedAnswer", QUERY, options=[own_id])},
        "/outcomes": {"post": _operation(
            "Report what came of predictions of the last days; the last report counts.",
            "Recorded", BODY, request="OutcomesRequest", asked={"one": OUTCOMES})},
        "/news/recent": {"get": _operation(
            "List the newest texts with their scores.", "News", QUERY,
            options=[_parameter("symbol", "of one symbol alone", symbol),
                     _parameter("limit", "how many", count)])},
        "/symbols": {"get": _operation("List the symbols that have features.", "Symbols")},
        "/model": {"get": _operation("Describe the champion and its inputs.", "Model")},
        "/status": {"get": _operation("Say how old features and model are now.", "Status", OPEN)},
        "/health": {"get": _operation("Say whether all is well.", "Health", OPEN)},
        "/readyz": {"get": _operation("Say whether requests are answered.", "Ready", OPEN)},
        "/metrics": {"get": _operation("Metrics for Prometheus.", None, media=TEXT)},
    }  # fmt: skip


def _parameter(name: str, meaning: str, schema: Schema, place: str = "query") -> dict[str, Any]:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "description": meaning, "schema": schema, **required}


def _operation(
    summary: str,
    answer: str | None,
    refused: tuple[str, ...] = PLAIN,
    *,
    request: str | None = None,
    asked: dict[str, Any] | None = None,
    said: dict[str, Any] | None = None,
    options: list[dict[str, Any]] | None = None,
    media: str = JSON,
) -> dict[str, Any]:
    content: Schema = {"schema": ref(answer) if answer else {"type": "string"}}
    if said is not None:
        content["example"] = said
    refusals = {
        status: {"description": REFUSALS[status], "content": {JSON: {"schema": ref("Refusal")}}}
        for status in refused
    }
    found: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "the answer", "content": {media: content}}} | refusals,
    }
    if options:
        found["parameters"] = options
    if request:
        shown = {name: {"value": value} for name, value in (asked or {}).items()}
        body = {JSON: {"schema": ref(request), "examples": shown}}
        found["requestBody"] = {"required": True, "content": body}
    return found
