"""What every model that may be promoted can do beside predicting: id, seal, interval and range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band, band_of
from finpulse_assets.domain.models.calibration import Calibration, calibrate
from finpulse_assets.domain.models.training_range import TrainingRange, range_of
from finpulse_assets.domain.seal import seal_of

RowPredictor = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Served:
    """The part that is equal in all families; a frozen dataclass with these fields keeps it.

    `calibration` and `band` are None until out-of-sample predictions exist, `training_range` until
    the training rows were shown; `candidate_id` and the fingerprint of the sentiment model whose
    scores were read are empty until the model is a candidate's.
    """

    features: tuple[str, ...]
    calibration: Calibration | None
    band: Band | None
    training_range: TrainingRange | None
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

    def return_band(self, expected_return: np.ndarray) -> tuple[pl.Series, pl.Series]:
        """Return (return_lower, return_upper), null without a band; see `band.Band`."""
        names = ("return_lower", "return_upper")
        if self.band is None:
            unknown = [None] * len(expected_return)
            return pl.Series(names[0], unknown, pl.Float64), pl.Series(
                names[1], unknown, pl.Float64
            )
        lower, upper = self.band.around(np.asarray(expected_return, dtype=float))
        return pl.Series(names[0], lower), pl.Series(names[1], upper)

    def is_unlike_training(self, matrix: np.ndarray) -> np.ndarray:
        """Return for each row whether it is unlike the training rows, bool of shape (rows,).

        Never where the model does not know its training range.

        Args:
            matrix: the features as values, shape (rows, features), NaN where unknown.
        """
        if self.training_range is None:
            return np.zeros(len(matrix), bool)
        return self.training_range.is_unlike(matrix)

    def calibrated(self, predictions: pl.DataFrame, *, level: float = 0.90) -> Self:
        """Return this model with what its recipe's out-of-sample predictions say of its errors."""
        return replace(
            self,
            calibration=calibrate(predictions, level=level),
            band=band_of(predictions, level=level),
        )

    def trained_on(self, matrix: np.ndarray) -> Self:
        """Return this model with the range of its training rows.

        Args:
            matrix: the features as values, shape (rows, features), NaN where unknown.
        """
        return replace(self, training_range=range_of(matrix))

    def as_candidate(self, candidate_id: str, *, sentiment_fingerprint: str) -> Self:
        """Return this model with its id and the sentiment model whose scores it read."""
        return replace(self, candidate_id=candidate_id, sentiment_fingerprint=sentiment_fingerprint)

    def _served_card(self) -> dict[str, Any]:
        """Return these fields as JSON values, for the model's card."""
        return {
            "candidate_id": self.candidate_id,
            "sentiment_fingerprint": self.sentiment_fingerprint,
            **{name: (it := getattr(self, name)) and it.to_dict() for name in PARTS},
        }

    @staticmethod
    def _served_fields(card: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that `_served_card` wrote; a card of former code has fewer."""
        return {
            "candidate_id": card["candidate_id"],
            "sentiment_fingerprint": card["sentiment_fingerprint"],
            **{name: (it := card.get(name)) and of.from_dict(it) for name, of in PARTS.items()},
        }

    @property
    def fingerprint(self) -> str:
        """The sha256 of all files but the manifest, hexadecimal."""
        return seal_of(self.files())["fingerprint"]


PARTS = {"calibration": Calibration, "band": Band, "training_range": TrainingRange}
