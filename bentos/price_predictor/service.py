"""The price predictor as a service: POST /predict on the champion and the online features.

https://docs.bentoml.com/en/latest/build-with-bentoml/services.html

The bundle lies in the folder that FINPULSE_SERVICE_HOME names, or else in `bundle/` beside this
file, where a built bento has it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Literal

import bentoml
from pydantic import BaseModel, PrivateAttr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bentos.price_predictor.body_limit import BodyLimit
from bentos.price_predictor.refusal import refused
from finpulse_assets.domain.serving.predictor import Answer, Predictor, UnknownSymbolError
from finpulse_assets.errors import FinPulseError, RequestError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.served_home import HOME_HEADER, SERVED_HOME

HOME_VARIABLE = "FINPULSE_SERVICE_HOME"
# What the NVIDIA container runtime reads; CUDA itself comes with the packages that need it.
GPU_VARIABLES = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}

GAUGES = {
    "features_age_seconds": "Seconds since the decision that the newest features were made for.",
    "features_sessions_behind": "Sessions that have opened since the newest features.",
    "stale_symbols": "Listed symbols of which the newest features are stale.",
    "model_sessions_behind": "Sessions that have opened since the model's last training label.",
}

log = logging.getLogger("bentoml.price_predictor")


class BuildArguments(BaseModel):
    """What `bentoml build --arg flavour=gpu` may set."""

    flavour: Literal["cpu", "gpu"] = "cpu"


HAS_GPU = bentoml.use_arguments(BuildArguments).flavour == "gpu"


class PredictRequest(bentoml.IODescriptor):
    """The form of a request, for the API's own documentation; the body is read by the domain.

    BentoML would answer what it cannot parse in its own words and log a traceback for it.
    """

    symbol: str | None = None
    features: dict[str, float | None] | None = None
    _body: bytes = PrivateAttr(b"")

    @classmethod
    async def from_http_request(cls, request: Any, serde: Any) -> PredictRequest:  # noqa: ARG003
        asked = cls.model_construct()
        asked._body = await request.body()
        return asked


async def status(_: Request) -> Response:
    """Answer GET /status: how old features and model are, judged now, and whose home is served."""
    service = bentoml.get_current_service()
    if service.predictor is None:
        answer = refused(503, service.refusal)
    else:
        judged = service.predictor.judge(system_now())
        answer = Response(judged.model_dump_json(), media_type="application/json")
    if home := os.environ.get(SERVED_HOME):
        answer.headers[HOME_HEADER] = home
    return answer


@bentoml.asgi_app(Starlette(routes=[Route("/status", status)]))
@bentoml.service(
    name="price_predictor",
    workers=1,
    resources={"cpu": "1"} | ({"gpu": 1} if HAS_GPU else {}),
    envs=[{"name": name, "value": value} for name, value in GPU_VARIABLES.items() if HAS_GPU],
    traffic={"timeout": 10},
    logging={"access": {"enabled": False}},
    labels={"flavour": "gpu" if HAS_GPU else "cpu"},
)
class PricePredictor:
    """Answers POST /predict; not ready, and says why, while its bundle cannot be trusted."""

    def __init__(self) -> None:
        self.predictor: Predictor | None = None
        self.refusal: FinPulseError | None = None
        home = Path(os.environ.get(HOME_VARIABLE) or Path(__file__).parent / "bundle")
        # Raised from here, the error would make BentoML start the worker again without end.
        try:
            predictor = read_bundle(home)
            predictor.warm_up()
            self.predictor = predictor
        except FinPulseError as error:
            self.refusal = error
            log.error("not ready: %s", error)

    def __is_ready__(self) -> bool:
        return self.predictor is not None

    async def __metrics__(self, content: str) -> str:
        """Return BentoML's metrics with the ages of features and model, judged now."""
        if self.predictor is None:
            return content
        judged = self.predictor.judge(system_now())
        values = (
            judged.features_age_seconds,
            judged.sessions_behind,
            judged.stale_symbol_count,
            judged.sessions_since_training,
        )
        lines = [
            f"# HELP finpulse_{name} {GAUGES[name]}\n# TYPE finpulse_{name} gauge\n"
            f"finpulse_{name} {value}\n"
            for name, value in zip(GAUGES, values, strict=True)
        ]
        return content + "".join(lines)

    @bentoml.api(route="/predict")
    async def predict(self, request: PredictRequest, /) -> Answer:
        """Answer for one symbol, or for one explicit feature row."""
        if self.predictor is None:
            return refused(503, self.refusal)
        try:
            return self.predictor.answer(request._body, now=system_now())
        except UnknownSymbolError as error:
            return refused(404, error)
        except RequestError as error:
            return refused(400, error)


PricePredictor.add_asgi_middleware(BodyLimit)
