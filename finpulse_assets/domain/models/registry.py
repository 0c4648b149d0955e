"""The candidates by name, and who reads the files of which family."""

from __future__ import annotations

from collections.abc import Sequence

from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.candidate import CARD_FILE, Candidate
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.naive import (
    ALWAYS_UP,
    MAJORITY,
    MOMENTUM,
    PERSISTENCE,
    Naive,
    NaiveModel,
)
from finpulse_assets.domain.models.training import LightGBM, TrainingPlan
from finpulse_assets.domain.seal import REBUILD, parse_json
from finpulse_assets.errors import ModelError

LIGHTGBM, WITHOUT_TEXT = "lightgbm", "lightgbm_without_text"
# Shown beside the others on request; it is never promoted, for nothing serves its inputs.
WITH_EMBEDDINGS = "lightgbm_with_embeddings"
CHALLENGERS = (LIGHTGBM,)  # the candidates that may be promoted
NAIVE = (MAJORITY, ALWAYS_UP, PERSISTENCE, MOMENTUM)
# What a candidate has to beat. A model without text is among them: a platform that reads texts has
# to show that reading them adds something.
BASELINES = (*NAIVE, WITHOUT_TEXT)

LABELS = {
    LIGHTGBM: "LightGBM with texts",
    WITHOUT_TEXT: "LightGBM without",
    WITH_EMBEDDINGS: "LightGBM with embeddings",
    MAJORITY: "majority class",
    ALWAYS_UP: "always up",
    PERSISTENCE: "persistence",
    MOMENTUM: "momentum (20)",
}

# The `family` of a model's card -> the class that reads its files.
FAMILIES = {"lightgbm": PriceModel, "naive": NaiveModel}


def candidates(plan: TrainingPlan, *, embeddings: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """Return every candidate, those that may be promoted first.

    Args:
        plan: how LightGBM is fitted.
        embeddings: columns of embeddings that a further candidate reads, none for no such one.

    >>> [it.name for it in candidates(TrainingPlan()) if not it.is_baseline]
    ['lightgbm']
    """
    inputs = (*feature_names(), *embeddings)
    further = [LightGBM(WITH_EMBEDDINGS, inputs, plan, is_baseline=True)] if embeddings else []
    return (
        LightGBM(LIGHTGBM, tuple(feature_names()), plan),
        LightGBM(WITHOUT_TEXT, tuple(feature_names(with_text=False)), plan, is_baseline=True),
        *(Naive(name) for name in NAIVE),
        *further,
    )


def family_of(card: str) -> type[PriceModel] | type[NaiveModel]:
    """Return the class that reads the files of a model, by the text of its card.

    Raises:
        ModelError: the card names no family that this code knows.
    """
    family = parse_json(CARD_FILE, card).get("family")
    if family not in FAMILIES:
        raise ModelError(
            f"{CARD_FILE} names the family {family!r}, known are {', '.join(FAMILIES)}",
            hint=REBUILD,
        )
    return FAMILIES[family]


def label_of(candidate: str) -> str:
    """Return what people read for a candidate's name.

    >>> label_of("momentum"), label_of("another")
    ('momentum (20)', 'another')
    """
    return LABELS.get(candidate, candidate)
