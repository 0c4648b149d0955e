"""What is said of a row in JSON's types: the members of an answer that the model's numbers give."""

from __future__ import annotations

from typing import Any

import numpy as np

from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.predictions.signals import direction
from finpulse_assets.domain.serving.answer import CONTRADICTION, DISSIMILAR


def said_of(
    model: Model, probability: np.ndarray, expected_return: np.ndarray
) -> list[dict[str, Any]]:
    """Return the members of each row, from the prediction to its two intervals.

    Args:
        model: whose calibration and band are told.
        probability: of a rise, float64 (rows,).
        expected_return: a fraction, float64 (rows,).
    """
    unknown = [None] * len(probability)
    found, band = model.bounds(probability), model.band
    bounds = [unknown, unknown] if found is None else [it.tolist() for it in found]
    around = None if band is None else band.around(expected_return)
    ends = [unknown, unknown] if around is None else [it.tolist() for it in around]
    return [
        {
            "prediction": direction(p),
            "probability": p,
            "confidence": abs(p - 0.5) * 2,
            "interval": _interval(lower, upper),
            "expected_return": r,
            "expected_return_interval": _interval(low, high),
            "fresh_inputs": None,
        }
        for p, r, lower, upper, low, high in zip(
            probability.tolist(), expected_return.tolist(), *bounds, *ends, strict=True
        )
    ]


def close_of(close: float | None, said: dict[str, Any]) -> dict[str, Any]:
    """Return the expected close of a symbol with its band: the returns, times the last close."""
    if close is None:
        return {"expected_close": None, "expected_close_interval": None}
    ends = said["expected_return_interval"]
    return {
        "expected_close": close * (1 + said["expected_return"]),
        "expected_close_interval": ends and {end: close * (1 + it) for end, it in ends.items()},
    }


def doubts(said: dict[str, Any], is_unlike: bool) -> list[str]:
    """Return what speaks against a prediction itself."""
    is_one = (said["prediction"] == "up") == (said["expected_return"] >= 0)
    return ([DISSIMILAR] if is_unlike else []) + ([] if is_one else [CONTRADICTION])


def reasons_in(line: str) -> list[str]:
    """Return the reasons that a line of a model names.

    >>> reasons_in("rsi_14 +0.3, return_1d -0.1"), reasons_in("none")
    (['rsi_14 +0.3', 'return_1d -0.1'], [])
    """
    return [] if line == "none" else line.split(", ")


def _interval(lower: float | None, upper: float | None) -> dict[str, float] | None:
    return None if lower is None else {"lower": lower, "upper": upper}
