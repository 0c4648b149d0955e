"""The routes: what each path answers, and from which methods."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from bentos.price_predictor import metrics
from bentos.price_predictor.calls import HTML, Call, Route, Said
from bentos.price_predictor.described import health_of, model_of, symbols_of
from bentos.price_predictor.documents import openapi_of, page_of
from bentos.price_predictor.forecasts import forecast
from bentos.price_predictor.news import recent_news
from bentos.price_predictor.outcomes import outcomes
from bentos.price_predictor.predictions import history, predict, predict_batch, prediction
from bentos.price_predictor.refusal import Refused
from bentos.price_predictor.sentiment import sentiment
from finpulse_assets.domain.serving.request import MAX_BATCH_BYTES
from finpulse_assets.domain.serving.sentiment import MAX_TEXTS_BYTES
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.service_environment import HOME_HEADER, SERVED_HOME

STREAM = "/ws/market-stream"
# Read once: whose home is served does not change while the service runs.
OWN_HOME = os.environ.get(SERVED_HOME, "").encode()
GAUGES = {
    "features_age_seconds": "Seconds since the decision that the newest features were made for.",
    "sessions_behind": "Sessions that have opened since the newest features.",
    "stale_symbol_count": "Listed symbols of which the newest features are stale.",
    "sessions_since_training": "Sessions that have opened since the model's last training label.",
}


def symbols(call: Call) -> Said:
    """List the symbols with features, and from which session these are."""
    return Said(msgspec.json.encode(symbols_of(call.served.answering.predictor)))


def model(call: Call) -> Said:
    """Describe the champion: its id, its proof, its training and its inputs."""
    described = model_of(call.served.answering.predictor, system_now())
    return Said(msgspec.json.encode(described))


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
    predictor = call.served.ready_answering.predictor
    return Said(msgspec.json.encode(health_of(predictor, system_now())))


def ready(call: Call) -> Said:
    """Say whether requests are answered; BentoML would ask the sentiment scorer too."""
    call.served.ready_answering  # noqa: B018 - raises where it is not ready
    return Said(b'{"status":"ready"}')


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
    return Said(msgspec.json.encode(_described(call)))


def page(call: Call) -> Said:
    """Return the description of all this for people."""
    return Said(page_of(_described(call)), HTML)


ROUTES = {
    "/predict": Route("/predict", {"POST": predict}, scope="predict"),
    "/predict_batch": Route("/predict_batch", {"POST": predict_batch}, MAX_BATCH_BYTES, "predict"),
    "/forecast": Route("/forecast", {"POST": forecast}, scope="predict"),
    "/sentiment": Route("/sentiment", {"POST": sentiment}, MAX_TEXTS_BYTES, "predict"),
    "/predictions/history": Route("/predictions/history", {"GET": history}),
    "/predictions/*": Route("/predictions/{id}", {"GET": prediction}),
    "/outcomes": Route("/outcomes", {"POST": outcomes}, scope="predict"),
    "/news/recent": Route("/news/recent", {"GET": recent_news}),
    "/symbols": Route("/symbols", {"GET": symbols}),
    "/model": Route("/model", {"GET": model}),
    "/status": Route("/status", {"GET": status}, scope=""),
    "/health": Route("/health", {"GET": health}, scope=""),
    "/readyz": Route("/readyz", {"GET": ready}, scope=""),
    "/metrics": Route("/metrics", {"GET": own_metrics}, scope="metrics"),
    "/openapi.json": Route("/openapi.json", {"GET": openapi}, scope=""),
    "/docs": Route("/docs", {"GET": page}, scope=""),
    "/": Route("/", {"GET": page}, scope=""),
}


def _described(call: Call) -> dict[str, Any]:
    current, has_lake = call.served.current, call.served.fresh is not None
    return openapi_of(current and current.predictor, has_lake=has_lake)


def _refused_without_model(call: Call) -> dict[str, str]:
    try:
        call.served.answering  # noqa: B018 - raises where there is none
    except Refused as refused:
        return {"error": refused.message, "hint": refused.hint}
    return {}
