"""The service's description: OpenAPI for machines and one page for people, without anything from
outside."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from bentos.price_predictor.document_schemas import PREDICTION_ID, Schema, ref, schemas_of
from bentos.price_predictor.examples import REFUSALS, Examples
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.request import MAX_BATCH

JSON, TEXT = "application/json", "text/plain"
BODY = ("400", "401", "403", "404", "408", "413", "415", "429", "503")
QUERY = ("400", "401", "403", "404", "429")
READ = (*QUERY, "503")
PLAIN = ("401", "403", "429", "503")
METRICS = ("401", "403", "429")
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
        "paths": _paths(Examples.of(predictor)),
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


def _paths(examples: Examples) -> dict[str, Any]:
    options = [_parameter(name, meaning, {"type": "string", "enum": ["0", "1"]})
               for name, meaning in (("features", "send what the model read"),
                                     ("reasons", "explain a feature row too"))]  # fmt: skip
    symbol = {"type": "string", "minLength": 1, "maxLength": 40}
    count = {"type": "integer", "minimum": 1, "maximum": 1000}
    newest = [_parameter("symbol", "of one symbol alone", symbol),
              _parameter("limit", "how many", count)]  # fmt: skip
    own_id = _parameter("id", "the prediction_id", PREDICTION_ID, place="path")
    posts = {
        "/predict": ("Predict the next session of a symbol, or for a feature row.",
                     "PredictRequest", "Answer", options),
        "/predict_batch": (f"Predict for up to {MAX_BATCH} symbols or feature rows.",
                           "BatchRequest", "BatchAnswer", []),
        "/forecast": ("Say where the next close lies, by the closes before alone: no texts, no "
                      "champion.", "ForecastRequest", "Forecast", []),
        "/sentiment": ("Score the opinion in texts by the home's sentiment model.",
                       "SentimentRequest", "Scores", []),
        "/outcomes": ("Report what came of predictions of the last days; the last report counts.",
                      "OutcomesRequest", "Recorded", []),
    }  # fmt: skip
    gets = {
        "/predictions/history": ("Give the newest answers of the last days again.",
                                 "BatchAnswer", QUERY, newest),
        "/predictions/{id}": ("Give an answer of the last days again, with what it was made from.",
                              "RecordedAnswer", QUERY, [own_id]),
        "/news/recent": ("List the newest texts with their scores.", "News", READ, newest),
        "/symbols": ("List the symbols that have features.", "Symbols", PLAIN, []),
        "/model": ("Describe the champion and its inputs.", "Model", PLAIN, []),
        "/status": ("Say how old features and model are now.", "Status", OPEN, []),
        "/health": ("Say whether all is well.", "Health", OPEN, []),
        "/readyz": ("Say whether requests are answered.", "Ready", OPEN, []),
        "/metrics": ("Metrics for Prometheus.", None, METRICS, []),
    }  # fmt: skip
    found = {}
    for path, (summary, asked, said, parameters) in posts.items():
        operation = _operation(summary, said, BODY, parameters, examples.said.get(path))
        shown = {name: {"value": value} for name, value in examples.asked[path].items()}
        body = {JSON: {"schema": ref(asked), "examples": shown}}
        found[path] = {"post": operation | {"requestBody": {"required": True, "content": body}}}
    for path, (summary, said, refused, parameters) in gets.items():
        operation = _operation(summary, said, refused, parameters, examples.said.get(path))
        found[path] = {"get": operation}
    return found


def _parameter(name: str, meaning: str, schema: Schema, place: str = "query") -> dict[str, Any]:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "description": meaning, "schema": schema, **required}


def _operation(
    summary: str,
    answer: str | None,
    refused: tuple[str, ...],
    parameters: list[dict[str, Any]],
    example: Any,
) -> dict[str, Any]:
    """Return an operation; one without the name of an answer is answered as plain text."""
    content: Schema = {"schema": ref(answer) if answer else {"type": "string"}}
    if example is not None:
        content["example"] = example
    responses = {
        "200": {"description": "the answer", "content": {JSON if answer else TEXT: content}}
    }
    for status in refused:
        meaning, error, hint = REFUSALS[status]
        shown = {"schema": ref("Refusal"), "example": {"error": error, "hint": hint}}
        responses[status] = {"description": meaning, "content": {JSON: shown}}
    found: dict[str, Any] = {"summary": summary, "responses": responses}
    return found | ({"parameters": parameters} if parameters else {})
