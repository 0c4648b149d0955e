"""Which engine the settings mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.compute.ray_engine import RayEngine
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.orchestration.training.scoring_engine import scoring_engine
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.settings import load_settings


def model(device: str = "cpu", dtype: str = "float32") -> SentimentModel:
    return SentimentModel("tiny", Path("models/tiny"), "mark", {}, Arithmetic(device, dtype))


def test_texts_are_scored_in_the_process_of_the_run_by_default():
    assert isinstance(scoring_engine(load_settings(), model()), LocalEngine)


def test_ray_takes_its_cluster_from_the_settings_and_its_arithmetic_from_the_gate():
    settings = load_settings(scoring_engine="ray", ray_address="head:6379", ray_actors=3)
    gated = model(dtype="int8")
    expected = RayEngine(gated.folder, gated.arithmetic, address="head:6379", actors=3)
    assert scoring_engine(settings, gated) == expected


@pytest.mark.parametrize(
    ("device", "gpus", "taken"), [("auto", 0.5, "cuda"), ("cpu", 0.5, "cpu"), ("auto", 0, "cpu")]
)
def test_the_device_of_an_actor_follows_from_its_gpus(device: str, gpus: float, taken: str):
    settings = load_settings(scoring_engine="ray", device=device, ray_gpus_per_actor=gpus)
    engine = scoring_engine(settings, model())
    assert engine.arithmetic == Arithmetic(taken, "float32")


@pytest.mark.parametrize(
    ("gpus", "gated", "sentence"),
    [
        (0, model("cuda", "float16"), "float16 on cuda, and FINPULSE_RAY_GPUS_PER_ACTOR is 0: no"),
        (1, model("cpu", "bfloat16"), "bfloat16 on cpu was compared with float32, and the actors"),
    ],
)
def test_actors_on_a_device_that_the_gate_did_not_see_are_refused(gpus, gated, sentence):
    settings = load_settings(scoring_engine="ray", ray_gpus_per_actor=gpus)
    with pytest.raises(SettingError, match=sentence):
        scoring_engine(settings, gated)
