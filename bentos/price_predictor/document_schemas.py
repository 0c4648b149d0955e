"""The shapes of requests and answers, as JSON schemas of the service's description."""

from __future__ import annotations

import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from finpulse_assets.domain.serving.answer import Answer, Forecast, Refusal, Status
from finpulse_assets.domain.serving.forecast import HIGHEST, LOWEST, MAX_PRICES, MIN_PRICES
from finpulse_assets.domain.serving.fresh import MAX_BARS
from finpulse_assets.domain.serving.fresh import MAX_TEXTS as MAX_FRESH_TEXTS
from finpulse_assets.domain.serving.outcomes import MAX_OUTCOMES
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.request import MAX_BATCH
from finpulse_assets.domain.serving.sentiment import MAX_TEXTS, TextScore
from finpulse_assets.domain.texts.normalise import MAX_CHARACTERS
from finpulse_assets.schemas import OHLC

Schema = dict[str, Any]
PREDICTION_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{14}-[0-9a-f]{14}$"}
NUMBER: Schema = {"type": ["number", "null"]}
FEATURE: Schema = {"$ref": "#/components/schemas/Feature"}
LARGEST = sys.float_info.max
TEXT: Schema = {"type": "string"}
DAY: Schema = {"type": "string", "format": "date"}
TIME: Schema = {"type": "string", "format": "date-time"}
SYMBOL: Schema = {"type": "string", "pattern": r"\S"}
SHAPES = (Answer, Forecast, Refusal, Status, TextScore)


def schemas_of(predictor: Predictor | None, *, has_lake: bool) -> dict[str, Schema]:
    """Return every shape by its name; with a predictor, its features are named.

    `has_lake`: whether texts and prices can be added to what is known.
    """
    _, shapes = models_json_schema(
        [(shape, "serialization") for shape in SHAPES], ref_template="#/components/schemas/{model}"
    )
    return shapes["$defs"] | _requests(predictor, has_lake=has_lake) | _answers()


def ref(name: str) -> Schema:
    """Return the reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def _requests(predictor: Predictor | None, *, has_lake: bool) -> dict[str, Schema]:
    features: Schema = {"type": "object", "additionalProperties": FEATURE}
    row: Schema = _list_of(FEATURE)
    columns = _list_of(TEXT)
    if predictor is not None:
        names = list(predictor.model.features)
        features = _object({name: FEATURE for name in names})
        # In the model's order, so that a schema alone can say that each stands there once.
        exact = {"minItems": len(names), "maxItems": len(names)}
        columns = {"type": "array", "prefixItems": [{"const": name} for name in names], **exact}
        row |= exact
    many = {"minItems": 1, "maxItems": MAX_BATCH}
    outcome = {
        "prediction_id": PREDICTION_ID,
        "return_next_session": {"type": "number", "minimum": -1, "maximum": 10},
    }
    words = {"type": "string", "pattern": r"\S", "maxLength": MAX_CHARACTERS}
    price = {"type": "number", "minimum": LOWEST, "maximum": HIGHEST}
    return {
        # A whole number has as many digits as it likes, a float64 has not.
        "Feature": NUMBER | {"minimum": -LARGEST, "maximum": LARGEST},
        "PredictRequest": {
            "oneOf": [
                _object({"symbol": SYMBOL}),
                _object({"features": features}),
                *([_fresh(words)] if has_lake else []),
            ]
        },
        "BatchRequest": {
            "oneOf": [
                _object({"symbols": _list_of(SYMBOL, **many)}),
                _object({"columns": columns, "rows": _list_of(row, **many)}),
            ]
        },
        "SentimentRequest": _object({"texts": _list_of(words, minItems=1, maxItems=MAX_TEXTS)}),
        "OutcomesRequest": _object(
            {"outcomes": _list_of(_object(outcome), minItems=1, maxItems=MAX_OUTCOMES)}
        ),
        "ForecastRequest": _object(
            {"prices": _list_of(price, minItems=MIN_PRICES, maxItems=MAX_PRICES)}
        ),
    }


def _fresh(words: Schema) -> Schema:
    text = _object(
        {"text": words, "kind": {"enum": ["tweet", "headline"]}, "author": {"type": "string"}}
    ) | {"required": ["text"]}
    price = {"type": "number", "exclusiveMinimum": 0, "maximum": HIGHEST}
    bar = _object(
        {"session_date": DAY, **dict.fromkeys(OHLC, price),
         "volume_shares": {"type": "integer", "minimum": 0}}
    )  # fmt: skip
    added = {
        "symbol": SYMBOL,
        "texts": _list_of(text, maxItems=MAX_FRESH_TEXTS),
        "prices": _list_of(bar, maxItems=MAX_BARS),
    }
    return _object(added) | {
        "required": ["symbol"],
        "anyOf": [
            {"required": [name], "properties": {name: {"minItems": 1}}}
            for name in ("texts", "prices")
        ],
        "examples": [{"symbol": "MERC", "texts": [{"text": "$MERC beats estimates"}]}],
    }


def _answers() -> dict[str, Schema]:
    status = Status.model_json_schema()["properties"]
    proof = {name: status[name] for name in MODEL_MEMBERS}
    band = _object(dict(zip(BAND_MEMBERS, (NUMBER, NUMBER, {"type": "integer"}), strict=True)))
    made_from = {
        "bundle": TEXT,
        "features": {"type": ["array", "null"], "items": NUMBER},
        "entry_hash": TEXT,
    }
    listed = {"symbol": TEXT, "session_date": DAY, "as_of": TIME,
              "delisted_date": {"type": ["string", "null"], "format": "date"}}  # fmt: skip
    outcome = {"return_next_session": NUMBER, "reported_at": TIME, "reported_by": TEXT}
    text = {"kind": {"enum": ["tweet", "headline"]}, "source": TEXT, "text_id": TEXT,
            "symbol": TEXT, "event_time": TIME, "knowledge_time": TIME, "session_date": DAY,
            "text": TEXT, "score": NUMBER}  # fmt: skip
    health = {"status": {"enum": ["ok", "stale", "expired"]}, "model_version": TEXT}
    return {
        "BatchAnswer": _object({"answers": _list_of(ref("Answer"))}),
        "RecordedAnswer": _object(
            {
                "answer": ref("Answer"),
                "made_from": _object(made_from),
                "outcome": {"oneOf": [{"type": "null"}, _object(outcome)]},
            }
        ),
        "Recorded": _object({"recorded": {"type": "integer"}}),
        "News": _object({"texts": _list_of(_object(text))}),
        "Symbols": _object({"symbols": _list_of(_object(listed))}),
        "Model": _object(
            proof | {"features": _list_of(TEXT), "band": {"oneOf": [{"type": "null"}, band]}}
        ),
        "Health": _object(health),
        "Ready": _object({"status": {"const": "ready"}}),
        "Scores": _object({"scores": _list_of(ref("TextScore"))}),
    }


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


# What /model says of the champion, members of its status.
MODEL_MEMBERS = (
    "model_version", "is_proven", "skills", "trained_to", "sessions_since_training", "is_expired",
    "model_expires_at",
)  # fmt: skip
# And of its band: what it should hold, what it held, of how many errors it is made.
BAND_MEMBERS = ("level", "coverage", "row_count")
