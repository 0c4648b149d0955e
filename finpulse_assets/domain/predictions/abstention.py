"""Abstention: why a prediction should not be acted on, as a reason code.

The first that holds is given:

- `model_expired`: the model has seen no labels for half a year.
- `no_proven_skill`: nothing of it is proven.
- `dissimilar`: the row is unlike what the model was trained on (`models.training_range`).
- `contradiction`: probability and expected return point to different sides.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.domain.models.registry import Model

MODEL_EXPIRED, NO_PROVEN_SKILL = "model_expired", "no_proven_skill"
DISSIMILAR, CONTRADICTION = "dissimilar", "contradiction"
CODES = (MODEL_EXPIRED, NO_PROVEN_SKILL, DISSIMILAR, CONTRADICTION)
WORDS = {
    MODEL_EXPIRED: "the model has seen no new outcomes for half a year",
    NO_PROVEN_SKILL: "no skill of the model is proven",
    DISSIMILAR: "what is known of the ticker is unlike what the model was trained on",
    CONTRADICTION: "probability and expected return point to different sides",
}


def reasons_to_abstain(
    model: Model,
    matrix: np.ndarray,
    probability_up: np.ndarray,
    expected_return: np.ndarray,
    *,
    is_proven: bool,
    is_expired: bool,
) -> pl.Series:
    """Return a code of CODES for each row, null where there is no reason to abstain.

    Args:
        model: whose predictions they are.
        matrix: its inputs as values, shape (rows, features), NaN where unknown.
        probability_up: float64, shape (rows,).
        expected_return: float64, shape (rows,).
        is_proven: whether any skill of the model is proven.
        is_expired: whether it has seen no labels for too long.
    """
    is_up = np.asarray(probability_up) >= 0.5
    holds = {
        MODEL_EXPIRED: np.full(len(is_up), is_expired),
        NO_PROVEN_SKILL: np.full(len(is_up), not is_proven),
        DISSIMILAR: model.is_unlike_training(matrix),
        CONTRADICTION: is_up != (np.asarray(expected_return) >= 0),
    }
    found = [next((code for code in CODES if holds[code][at]), None) for at in range(len(is_up))]
    return pl.Series("abstain_reason", found, pl.String)
