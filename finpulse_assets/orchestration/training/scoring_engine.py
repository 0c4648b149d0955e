"""The engine that texts are scored by: in the run's own process, or on a Ray cluster."""

from __future__ import annotations

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.compute.engine import LocalEngine, ScoringEngine
from finpulse_assets.gateways.compute.ray_engine import RayEngine
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.orchestration.training.sentiment_model import SentimentModel
from finpulse_assets.settings import Settings


def scoring_engine(settings: Settings, model: SentimentModel) -> ScoringEngine:
    """Return the engine of the settings, not yet started; close it after the run.

    Args:
        settings: of the deployment.
        model: whose arithmetic passed the parity gate; the actors compute in the same numbers.

    Raises:
        SettingError: the gate looked at a device that the actors of Ray do not have.
    """
    if settings.scoring_engine == "local":
        return LocalEngine(model.load)
    gated, has_gpus = model.arithmetic, settings.ray_gpus_per_actor > 0
    # What is found on this machine says nothing about the cluster's: the GPUs asked for do.
    device = "cuda" if has_gpus and settings.device != "cpu" else "cpu"
    if gated.device == "cuda" and device == "cpu":
        raise SettingError(
            f"scores are made in {gated}, and FINPULSE_RAY_GPUS_PER_ACTOR is 0: no actor has a GPU",
            hint="set it to 1, or to a fraction for actors that share one, or use FINPULSE_DEVICE "
            "cpu",
        )
    if gated.device != device and not gated.is_full_precision:
        raise SettingError(
            f"{gated} was compared with float32, and the actors of Ray have GPUs",
            hint="start the run on a machine with such a GPU, or set FINPULSE_SCORING_DTYPE to "
            "float32",
        )
    return RayEngine(
        model.folder,
        Arithmetic(device, gated.dtype),
        address=settings.ray_address,
        actors=settings.ray_actors,
        gpus_per_actor=settings.ray_gpus_per_actor,
    )
