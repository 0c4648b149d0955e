"""The routes: what each path answers, and from which methods."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import numpy as np

from bentos.price_predictor import metrics
from bentos.price_predictor.documents import openapi_of, page_of
from bentos.price_predictor.refusal import Headers, Refused
from bentos.price_predictor.served import Served
from finpulse_assets.domain.serving.answering import PLAIN, Answering, Asked, Reply
from finpulse_assets.domain.serving.request import MAX_BATCH_BYTES, MAX_BODY_BYTES, parse_batch
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id
from finpulse_assets.gateways.serving.served_home import HOME_HEADER, SERVED_HOME

JSON, HTML = b"application/json", b"text/html; charset=utf-8"
# Read once: whose home is served does not change while the service runs.
OWN_HOME = os.environ.get(SERVED_HOME, "").encode()
GAUGES = {
    "features_age_seconds": "Seconds since the decision that the newest features were made for.",
    "sessions_behind": "Sessions that have opened since the newest features.",
    "stale_symbol_count": "Listed symbols of which the newest features are stale.",
    "sessions_since_training": "Sessions that have opened since the model's last training label.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A response."""

    content: bytes
    content_type: bytes = JSON
    status: int = 200
    headers: Headers = ()


@dataclass(slots=True)
class Call:
    """A request on its way to a handler.

    Attributes:
        argument: the last part of the path, where the route has one.
        started: `perf_counter` at the head.
    """

    served: Served
    headers: Mapping[bytes, bytes]
    query: bytes
    argument: str
    started: float
    body: bytes = b""


@dataclass(frozen=True)
class Route:
    """A path: its name, its handlers by method, and how long a body may be."""

    name: str
    handlers: Mapping[str, Callable[[Call], Any]] = field(default_factory=dict)
    limit: int = MAX_BODY_BYTES


def predict(call: Call) -> Said:
    """Answer for one symbol, or for one feature row."""
    now = system_now()
    asked = _asked(call.query) if call.query else PLAIN
    reply = call.served.answering.reply(call.body, now=now, asked=asked)
    _count_abstentions(reply)
    stamp = now.isoformat()[:-6] + "Z"
    latency = (perf_counter() - call.started) * 1000
    return Said(reply.stamped(new_prediction_id(now), stamp, latency))


async def predict_batch(call: Call) -> Said:
    """Answer for up to 512 symbols or feature rows, in a thread: it must not hold up others."""
    now = system_now()
    replies = await asyncio.to_thread(_replies, call.served.answering, call.body, now)
    for reply in replies:
        _count_abstentions(reply)
    stamp = now.isoformat()[:-6] + "Z"
    latency = (perf_counter() - call.started) * 1000
    answers = (reply.stamped(new_prediction_id(now), stamp, latency) for reply in replies)
    return Said(b'{"answers":[' + b",".join(answers) + b"]}")


def symbols(call: Call) -> Said:
    """List the symbols with features, and from which session these are."""
    predictor = call.served.answering.predictor
    listed = [
        {"symbol": symbol, "session_date": row["session_date"], "as_of": row["decision_at"],
         "delisted_date": row["delisted_date"]}
        for symbol, row in predictor.rows.items()
    ]  # fmt: skip
    return Said(msgspec.json.encode({"symbols": listed}))


def model(call: Call) -> Said:
    """Describe the champion: its id, its proof, its training and its inputs."""
    predictor = call.served.answering.predictor
    status = predictor.judge(system_now()).model_dump()
    described = {name: status[name] for name in MODEL_MEMBERS}
    return Said(msgspec.json.encode(described | {"features": list(predictor.model.features)}))


def status(call: Call) -> Said:
    """Say how old features and model are, judged now, and whose home is served."""
    headers = ((HOME_HEADER.lower().encode(), OWN_HOME),) if OWN_HOME else ()
    if call.served.current is None:
        refused = _refused_without_model(call)
        return Said(msgspec.json.encode(refused), status=503, headers=headers)
    judged = call.served.answering.predictor.judge(system_now())
    return Said(judged.model_dump_json().encode(), headers=headers)


def health(call: Call) -> Said:
    """Say in one word whether the service answers, whether its features are fresh and why not."""
    if call.served.current is None or call.served.is_draining:
        state = "draining" if call.served.is_draining else "no model"
        return Said(msgspec.json.encode({"status": state}), status=503)
    judged = call.served.answering.predictor.judge(system_now())
    state = "expired" if judged.is_expired else "stale" if judged.is_stale else "ok"
    return Said(msgspec.json.encode({"status": state, "model_version": judged.model_version}))


def own_metrics(call: Call) -> Said:
    """Return the metrics in the text format of Prometheus."""
    judged: dict[str, tuple[str, float]] = {}
    if call.served.current is not None:
        found = call.served.current.predictor.judge(system_now())
        judged = {
            f"finpulse_{name}": (meaning, getattr(found, name)) for name, meaning in GAUGES.items()
        }
    return Said(metrics.rendered(judged), metrics.CONTENT_TYPE)


def openapi(call: Call) -> Said:
    """Return the description of all this for machines."""
    current = call.served.current
    return Said(msgspec.json.encode(openapi_of(current and current.predictor)))


def page(call: Call) -> Said:
    """Return the description of all this for people."""
    current = call.served.current
    return Said(page_of(openapi_of(current and current.predictor)), HTML)


MODEL_MEMBERS = (
    "model_version", "is_proven", "trained_to", "sessions_since_training", "is_expired",
    "model_expires_at",
)  # fmt: skip
ROUTES = {
    "/predict": Route("/predict", {"POST": predict}),
    "/predict_batch": Route("/predict_batch", {"POST": predict_batch}, MAX_BATCH_BYTES),
    "/symbols": Route("/symbols", {"GET": symbols}),
    "/model": Route("/model", {"GET": model}),
    "/status": Route("/status", {"GET": status}),
    "/health": Route("/health", {"GET": health}),
    "/metrics": Route("/metrics", {"GET": own_metrics}),
    "/openapi.json": Route("/openapi.json", {"GET": openapi}),
    "/docs": Route("/docs", {"GET": page}),
    "/": Route("/", {"GET": page}),
}


def _asked(query: bytes) -> Asked:
    wanted = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    known = {"features", "reasons"}
    for name, value in wanted.items():
        if name not in known or value not in ("0", "1"):
            raise Refused(
                400,
                f"the query has {name[:20]!a} = {value[:20]!a}",
                hint="?features=1 and ?reasons=1 are known",
            )
    return Asked(*(wanted.get(name) == "1" for name in ("features", "reasons")))


def _replies(answering: Answering, body: bytes, now: Any) -> list[Reply]:
    asked = parse_batch(body, answering.predictor.model.features)
    if isinstance(asked, np.ndarray):
        return answering.rows(asked, now=now)
    by_symbol = answering.symbols(now)
    unknown = next((symbol for symbol in asked if symbol not in by_symbol), None)
    if unknown is not None:
        raise answering.predictor.unknown(unknown)
    return [by_symbol[symbol] for symbol in asked]


def _count_abstentions(reply: Reply) -> None:
    for reason in reply.abstain_reasons:
        metrics.ABSTENTIONS.add(reason)


def _refused_without_model(call: Call) -> dict[str, str]:
    try:
        call.served.answering  # noqa: B018 - raises where there is none
    except Refused as refused:
        return {"error": refused.message, "hint": refused.hint}
    return {}
