"""The price predictor as a service: POST /predict on the champion and the online features.

https://docs.bentoml.com/en/latest/build-with-bentoml/services.html

The bundle lies in the folder that FINPULSE_SERVICE_HOME names, or else in `bundle/` beside this
file, where a built bento has it; `finpulse serve` names a store whose newest bento is followed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import bentoml
import msgspec
from pydantic import BaseModel

from bentos.price_predictor.connection import limit_connections
from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.front import Front
from bentos.price_predictor.lifecycle import start_stand_in
from bentos.price_predictor.logs import begin_log, log
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.scorer import Scorer
from bentos.price_predictor.served import SERVED
from bentos.price_predictor.traces import Traces
from bentos.sentiment_scorer.service import SentimentScorer
from finpulse_assets.domain.serving.answer import Answer
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving.fresh_features import FreshFeatures
from finpulse_assets.gateways.serving.online_store import OnlineStore, online_store
from finpulse_assets.gateways.serving.service_environment import (
    DEFAULT_SENTIMENT_URL,
    FOLLOWED_BENTOS,
    KEYS,
    LAKE_FOLDER,
    LEDGER_FOLDER,
    LEDGER_MODE,
    LOG,
    MARTS_MANIFEST,
    ONLINE_STORE,
    PROFILE,
    SENTIMENT_URL,
    TEXT_LANGUAGES,
    TRACES,
    LedgerMode,
)

HOME_VARIABLE = "FINPULSE_SERVICE_HOME"
DEMO = "demo"  # the profile where none is set
# What the NVIDIA container runtime reads; CUDA itself comes with the packages that need it.
GPU_VARIABLES = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


class BuildArguments(BaseModel):
    """What `bentoml build --arg flavour=gpu` may set."""

    flavour: Literal["cpu", "gpu"] = "cpu"


HAS_GPU = bentoml.use_arguments(BuildArguments).flavour == "gpu"


@bentoml.service(
    name="price_predictor",
    workers=1,
    resources={"cpu": "1"} | ({"gpu": 1} if HAS_GPU else {}),
    envs=[{"name": name, "value": value} for name, value in GPU_VARIABLES.items() if HAS_GPU],
    # The front has limits, metrics and a log of its own, for which every path is one of a few.
    traffic={"timeout": 10},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": [".*"]},
    labels={"flavour": "gpu" if HAS_GPU else "cpu"},
)
class PricePredictor:
    """Answers through `Front`; not ready, and says why, while its bundle cannot be trusted."""

    # By its URL it is another service, started and scaled by itself, and asked in JSON. Without one
    # BentoML would start it beside this one, and speak pickle with it.
    scorer = bentoml.depends(
        SentimentScorer, url=os.environ.get(SENTIMENT_URL) or DEFAULT_SENTIMENT_URL
    )

    def __init__(self) -> None:
        home = Path(os.environ.get(HOME_VARIABLE) or Path(__file__).parent / "bundle")
        bentos = os.environ.get(FOLLOWED_BENTOS)
        # Raised from here, an error would make BentoML start the worker again without end.
        begin_log(requests=os.environ.get(LOG) == "requests")
        keys = os.environ.get(KEYS)
        SERVED.start(
            home,
            bentos=Path(bentos) if bentos else None,
            recorder=_recorder(),
            keys=Path(keys) if keys else None,
            store=_store(),
        )
        SERVED.scorer = Scorer(lambda: self.scorer.to_async)
        SERVED.fresh = _fresh_rows()
        if traces := os.environ.get(TRACES):
            SERVED.traces = Traces(traces)

    @bentoml.on_deployment
    def stand_in() -> None:
        """Begin, in BentoML's main process, what answers when no worker does."""
        start_stand_in()

    @bentoml.api(route="/predict")
    async def predict(self, symbol: str) -> Answer:
        """Answer for one symbol, for BentoML's own callers; over HTTP the front answers."""
        body = msgspec.json.encode({"symbol": symbol})
        return SERVED.answering.answer(body, now=system_now())


def _fresh_rows() -> FreshRows | None:
    lake, marts = os.environ.get(LAKE_FOLDER), os.environ.get(MARTS_MANIFEST)
    if not lake or not marts or not Path(marts).is_file():
        return None
    languages = tuple((os.environ.get(TEXT_LANGUAGES) or "en").split(","))
    return FreshRows(FreshFeatures(Lake(Path(lake)), Path(marts), languages), SERVED.scorer)


def _recorder() -> Recorder | None:
    folder = os.environ.get(LEDGER_FOLDER)
    mode = LedgerMode(os.environ.get(LEDGER_MODE) or LedgerMode.ON)
    return Recorder(Path(folder), mode) if folder and mode is not LedgerMode.OFF else None


def _store() -> OnlineStore | None:
    place = os.environ.get(ONLINE_STORE)
    try:
        return online_store(place, os.environ.get(PROFILE) or DEMO) if place else None
    except FinPulseError as error:
        log.error("the features of the bundle are served: %s", error)
        return None


limit_connections()
PricePredictor.add_asgi_middleware(Front, served=SERVED)
