"""The sentiment scorer as a service: the opinion in texts, on a GPU where there is one.

https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html

Requests that wait are scored together: BentoML learns how long a batch takes and how long to wait
for one. It is called by the price predictor; it has no keys and listens on its own machine, or
inside a network that others cannot reach.

The bundle lies in the folder that FINPULSE_SENTIMENT_BUNDLE names, or else in `bundle/` beside this
file, where a built bento has it. torch is loaded when the service starts, not by who imports this.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import bentoml
from pydantic import BaseModel

from finpulse_assets.domain.serving.sentiment import MAX_TEXTS, TextScore, text_scores
from finpulse_assets.domain.texts.normalise import normalise_text

if TYPE_CHECKING:
    from finpulse_assets.gateways.sentiment.classifier import Classifier

BUNDLE_VARIABLE = "FINPULSE_SENTIMENT_BUNDLE"
# What the NVIDIA container runtime reads; CUDA itself comes with torch.
GPU_VARIABLES = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
# Beyond it who waits is told to come again; a batch of long texts takes seconds on a CPU.
MAX_LATENCY_MS = 20_000


class BuildArguments(BaseModel):
    """What `bentoml build --arg flavour=gpu` may set."""

    flavour: Literal["cpu", "gpu"] = "cpu"


HAS_GPU = bentoml.use_arguments(BuildArguments).flavour == "gpu"


@bentoml.service(
    name="sentiment_scorer",
    workers=1,
    resources={"cpu": "1"} | ({"gpu": 1} if HAS_GPU else {}),
    envs=[{"name": name, "value": value} for name, value in GPU_VARIABLES.items() if HAS_GPU],
    traffic={"timeout": 30},
    # Every raw path would be a label of BentoML's metrics.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    labels={"flavour": "gpu" if HAS_GPU else "cpu"},
)
class SentimentScorer:
    """Scores texts by the classifier of its bundle."""

    def __init__(self) -> None:
        from finpulse_assets.gateways.serving.sentiment_bundle import read_classifier

        home = os.environ.get(BUNDLE_VARIABLE) or Path(__file__).parent / "bundle"
        self.classifier: Classifier = read_classifier(Path(home))

    @bentoml.api(
        route="/score",
        batchable=True,
        max_batch_size=4 * MAX_TEXTS,
        max_latency_ms=MAX_LATENCY_MS,
    )
    def score(self, texts: list[str]) -> list[TextScore]:
        """Return what is said of each text; what comes in is normalised as training texts are."""
        scores = self.classifier.score([normalise_text(text) for text in texts])
        return text_scores(scores.probabilities, scores.is_truncated, self.classifier.fingerprint)
