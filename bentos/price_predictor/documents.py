"""The service's description: OpenAPI for machines and one page for people, without anything from
outside."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from pydantic.json_schema import models_json_schema

from finpulse_assets.domain.serving.answer import Answer, Refusal, Status
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.request import MAX_BATCH

JSON, TEXT = "application/json", "text/plain"
PREDICTION_ID = {"type": "string", "pattern": "^[0-9a-f]{14}-[0-9a-f]{14}$"}
NUMBER = {"type": ["number", "null"]}
SHOWN_EXAMPLE = 3
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
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>FinPulse predictions</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f5;padding:.7rem;overflow:auto}td,th{text-align:left;vertical-align:top;
padding:.2rem .8rem .2rem 0}code{background:#f4f4f5}</style>
<h1>FinPulse predictions</h1><p>%s <a href="/openapi.json">openapi.json</a></p>%s"""


def openapi_of(predictor: Predictor | None) -> dict[str, Any]:
    """Return the OpenAPI document; with a predictor, its features and a row of it as an example."""
    _, shapes = models_json_schema(
        [(Answer, "serialization"), (Refusal, "serialization"), (Status, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas = shapes["$defs"] | _requests(predictor)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FinPulse predictions",
            "version": "1",
            "description": "What the champion expects of the next session. Not investment advice.",
        },
        "paths": _paths(predictor),
        "components": {"schemas": schemas},
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


def _requests(predictor: Predictor | None) -> dict[str, Any]:
    symbol = {"type": "string", "pattern": r"\S"}
    features: dict[str, Any] = {"type": "object", "additionalProperties": NUMBER}
    column: dict[str, Any] = {"type": "string"}
    row: dict[str, Any] = {"type": "array", "items": NUMBER}
    columns: dict[str, Any] = {"type": "array", "items": column}
    if predictor is not None:
        names = list(predictor.model.features)
        features = _object({name: NUMBER for name in names})
        # In the model's order, so that a schema alone can say that each stands there once.
        exact = {"minItems": len(names), "maxItems": len(names)}
        columns = {"type": "array", "prefixItems": [{"const": name} for name in names], **exact}
        row |= exact
    listed = {"minItems": 1, "maxItems": MAX_BATCH}
    return {
        "PredictRequest": {"oneOf": [_object({"symbol": symbol}), _object({"features": features})]},
        "BatchRequest": {
            "oneOf": [
                _object({"symbols": {"type": "array", "items": symbol, **listed}}),
                _object({"columns": columns, "rows": {"type": "array", "items": row, **listed}}),
            ]
        },
        "RecordedAnswer": _object(
            {
                "answer": _ref("Answer"),
                "made_from": _object(
                    {
                        "bundle": {"type": "string"},
                        "features": {"type": ["array", "null"], "items": NUMBER},
                        "entry_hash": {"type": "string"},
                    }
                ),
            }
        ),
        "BatchAnswer": _object({"answers": {"type": "array", "items": _ref("Answer")}}),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _paths(predictor: Predictor | None) -> dict[str, Any]:
    symbols = predictor.symbols[:SHOWN_EXAMPLE] if predictor else ["AAPL"]
    one: dict[str, Any] = {"a symbol": {"symbol": symbols[0]}}
    many: dict[str, Any] = {"symbols": {"symbols": symbols}}
    if predictor is not None:
        row = predictor.features_of(symbols[0])
        one["a feature row"] = {"features": row}
        many["feature rows"] = {"columns": list(row), "rows": [list(row.values())]}
    options = [
        _parameter(name, meaning, {"type": "string", "enum": ["0", "1"]})
        for name, meaning in (("features", "send what the model read"),
                              ("reasons", "explain a feature row too"))
    ]  # fmt: skip
    refused = ("400", "401", "403", "404", "408", "413", "415", "429", "503")
    predict = _operation("Predict the next session of a symbol, or for a feature row.", "Answer",
                         refused, one, "PredictRequest") | {"parameters": options}  # fmt: skip
    return {
        "/predict": {"post": predict},
        "/predict_batch": {
            "post": _operation(f"Predict for up to {MAX_BATCH} symbols or feature rows.",
                               "BatchAnswer", refused, many, "BatchRequest")
        },
        "/predictions/history": {
            "get": _operation("Give the newest answers of the last days again.", "BatchAnswer",
                              ("400", "401", "403", "404"))
            | {"parameters": [_parameter("symbol", "of one symbol alone", {"type": "string",
                                         "minLength": 1, "maxLength": 40}),
                              _parameter("limit", "how many", {"type": "integer", "minimum": 1,
                                         "maximum": 1000})]}
        },
        "/predictions/{id}": {
            "get": _operation("Give an answer of the last days again, with what it was made from.",
                              "RecordedAnswer", ("400", "401", "403", "404"))
            | {"parameters": [_parameter("id", "the prediction_id", PREDICTION_ID) | {
                "in": "path", "required": True}]}
        },
        "/symbols": {"get": _operation("List the symbols that have features.", None)},
        "/model": {"get": _operation("Describe the champion and its inputs.", None)},
        "/status": {"get": _operation("Say how old features and model are now.", "Status")},
        "/health": {"get": _operation("Say whether all is well: ok, stale or expired.", None)},
        "/metrics": {"get": _operation("Metrics for Prometheus.", None, media=TEXT)},
    }  # fmt: skip


def _parameter(name: str, meaning: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def _operation(
    summary: str,
    answer: str | None,
    refused: tuple[str, ...] = ("401", "403", "503"),
    examples: dict[str, Any] | None = None,
    request: str | None = None,
    media: str = JSON,
) -> dict[str, Any]:
    schema = (
        _ref(answer) if answer else ({"type": "string"} if media == TEXT else {"type": "object"})
    )
    found: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "the answer", "content": {media: {"schema": schema}}}}
        | {
            status: {
                "description": REFUSALS[status],
                "content": {JSON: {"schema": _ref("Refusal")}},
            }
            for status in refused
        },
    }
    if request:
        shown = {name: {"value": value} for name, value in (examples or {}).items()}
        content = {JSON: {"schema": _ref(request), "examples": shown}}
        found["requestBody"] = {"required": True, "content": content}
    return found
