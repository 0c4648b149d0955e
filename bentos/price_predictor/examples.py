"""Examples of the service's description: requests that are answered, and answers as they are given.

Where there is a predictor they are its own; a text and its score are made up, for the predictor has
no scorer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from bentos.price_predictor.described import health_of, model_of, symbols_of
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.forecast import MIN_PRICES, forecast
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.sentiment import TextScore

SHOWN = 3  # symbols
EXAMPLE_ID = "066160e929c43d-1cd5aabc000000"
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TEXT = "$MERC beats estimates and raises its outlook"
SCORE = TextScore(
    label="positive", score=0.83, p_positive=0.86, p_negative=0.03, p_neutral=0.11,
    is_truncated=False, model_fingerprint=HASH,
)  # fmt: skip
PRICES = [100.0 + at % 7 for at in range(MIN_PRICES)]
AT = "2026-11-27T21:15:00Z"
NEWS = {
    "kind": "headline", "source": "files", "text_id": "1", "symbol": "MERC", "event_time": AT,
    "knowledge_time": AT, "session_date": "2026-11-30", "text": TEXT, "score": 0.83,
}  # fmt: skip
METRICS = (
    "# HELP finpulse_requests_total Requests answered, by route and status.\n"
    "# TYPE finpulse_requests_total counter\n"
    'finpulse_requests_total{route="/predict",status="200"} 1\n'
)
# By status: what it means, and what is said.
REFUSALS = {
    "400": ("the request is not of the form; the sentence names the thing and its value",
            "the request has the unknown field 'ticker'", 'send {"symbol": "..."}'),
    "401": ("no valid key came with the request",
            "the request has no valid key", "send the header Authorization: Bearer <key>"),
    "403": ("the key is not for this",
            "the key prometheus may not predict", "it may metrics"),
    "404": ("the symbol, the prediction or the path is unknown",
            "the symbol 'MERX' is unknown, 17 symbols have features", "the nearest are MERC"),
    "408": ("the body was not whole in time",
            "the request was not whole after 5 seconds", "send the body at once"),
    "413": ("the body is too long",
            "the request has 65552 bytes, the limit is 65536",
            "ask for one symbol or one feature row at a time"),
    "415": ("the body is not announced as application/json",
            "the content type is 'text/plain'", "send the header Content-Type: application/json"),
    "429": ("too many requests at once; Retry-After says when to come again",
            "1024 requests are being answered, no more are begun", "send it again in a second"),
    "503": ("no model can be trusted, or the service is shutting down",
            "the service is shutting down", "ask another"),
}  # fmt: skip


@dataclass(frozen=True)
class Examples:
    """Requests by path and name, and answers by path; without a predictor some have no answer."""

    asked: Mapping[str, dict[str, Any]]
    said: Mapping[str, Any]

    @classmethod
    def of(cls, predictor: Predictor | None) -> Examples:
        asked = {
            "/sentiment": {"texts": {"texts": [TEXT]}},
            "/forecast": {"closes": {"prices": PRICES}},
            "/outcomes": {
                "one": {"outcomes": [{"prediction_id": EXAMPLE_ID, "return_next_session": 0.012}]}
            },
        }
        said: dict[str, Any] = {
            "/sentiment": {"scores": [SCORE.model_dump()]},
            "/forecast": forecast(np.array(PRICES)).model_dump(),
            "/outcomes": {"recorded": 1},
            "/news/recent": {"texts": [NEWS]},
            "/readyz": {"status": "ready"},
            "/metrics": METRICS,
        }
        if predictor is None:
            asked["/predict"] = {"a symbol": {"symbol": "AAPL"}}
            asked["/predict_batch"] = {"symbols": {"symbols": ["AAPL"]}}
            return cls(asked, said)
        return cls(asked | _requests(predictor), said | _answers(predictor))


def _requests(predictor: Predictor) -> dict[str, dict[str, Any]]:
    symbols = predictor.symbols[:SHOWN]
    row = predictor.features_of(symbols[0])
    return {
        "/predict": {"a symbol": {"symbol": symbols[0]}, "a feature row": {"features": row}},
        "/predict_batch": {
            "symbols": {"symbols": symbols},
            "feature rows": {"columns": list(row), "rows": [list(row.values())]},
        },
    }


def _answers(predictor: Predictor) -> dict[str, Any]:
    symbol = predictor.symbols[0]
    now = predictor.rows[symbol]["decision_at"]
    reply = Answering(predictor).reply(msgspec.json.encode({"symbol": symbol}), now=now)
    answer = json.loads(reply.stamped(EXAMPLE_ID, now.isoformat(), 0.1))
    outcome = {"return_next_session": 0.012, "reported_at": AT, "reported_by": "desk"}
    made_from = {"bundle": HASH[:16], "features": None, "entry_hash": HASH}
    symbols = symbols_of(predictor)["symbols"][:SHOWN]
    found = {
        "/predict": answer,
        "/predict_batch": {"answers": [answer]},
        "/predictions/history": {"answers": [answer]},
        "/predictions/{id}": {"answer": answer, "made_from": made_from, "outcome": outcome},
        "/symbols": {"symbols": symbols},
        "/model": model_of(predictor, now),
        "/status": predictor.judge(now).model_dump(mode="json"),
        "/health": health_of(predictor, now),
    }
    return msgspec.to_builtins(found)
