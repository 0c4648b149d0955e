"""What every model that may be promoted can do beside predicting: id, seal and interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

import numpy as np
import polars as pl

from finpulse_assets.domain.models.calibration import Calibration, calibrate
from finpulse_assets.domain.seal import seal_of

RowPredictor = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Served:
    """The part that is equal in all families; a frozen dataclass with these two fields keeps it.

    `calibration` is None until out-of-sample predictions exist; `candidate_id` and the fingerprint
    of the sentiment model whose scores were read are empty until the model is a candidate's.
    """

    calibration: Calibration | None
    candidate_id: str
    sentiment_fingerprint: str

    def files(self) -> dict[str, str]:
        """Return the model as text files by name; equal models, equal bytes."""
        raise NotImplementedError

    def interval(self, probability_up: np.ndarray) -> tuple[pl.Series, pl.Series]:
        """Return (probability_lower, probability_upper), null while uncalibrated.

        They bound how often the market rose after out-of-sample predictions like these, so they
        need not contain the prediction itself; see `Calibration.interval`.
        """
        names = ("probability_lower", "probability_upper")
        bounds = self.bounds(np.asarray(probability_up, dtype=float))
        if bounds is None:
            unknown = [None] * len(probability_up)
            return pl.Series(names[0], unknown, pl.Float64), pl.Series(
                names[1], unknown, pl.Float64
            )
        return pl.Series(names[0], bounds[0]), pl.Series(names[1], bounds[1])

    def bounds(self, probability_up: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return what `interval` returns as float64 (rows,) each, None while uncalibrated."""
        return None if self.calibration is None else self.calibration.interval(probability_up)

    def row_predictor(self, peers: pl.DataFrame) -> RowPredictor:
        """Return `predict` for many calls of few rows, with what it needs of the peers made once.

        It takes the features in the model's order, float64 (rows, features), NaN where unknown, and
        gives the numbers that `predict` gives.

        Raises:
            ModelError: the peers lack a feature, or a feature is no number.
        """
        raise NotImplementedError

    def calibrated(self, predictions: pl.DataFrame, *, level: float = 0.90) -> Self:
        """Return this model with the calibration of its recipe's out-of-sample predictions."""
        return replace(self, calibration=calibrate(predictions, level=level))

    def as_candidate(self, candidate_id: str, *, sentiment_fingerprint: str) -> Self:
        """Return this model with its id and the sentiment model whose scores it read."""
        return replace(self, candidate_id=candidate_id, sentiment_fingerprint=sentiment_fingerprint)

    @property
    def fingerprint(self) -> str:
        """The sha256 of all files but the manifest, hexadecimal."""
        return seal_of(self.files())["fingerprint"]
