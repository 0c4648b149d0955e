"""What every model that may be promoted can do beside predicting: id, seal, interval and range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.models.band import QUANTILES, Band, band_of
from finpulse_assets.domain.models.calibration import Calibration, calibrate
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.training_range import TrainingRange, range_of
from finpulse_assets.domain.seal import seal_of

RowPredictor = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# The logistic function of x is nearly the normal one of x / 1.702.
LOG_ODDS_OF_A_PROBIT = 1.702


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
    sentiment_head: SentimentHead | None
    candidate_id: str
    sentiment_fingerprint: str

    FILES: ClassVar[tuple[str, ...]]
    # LightGBM's text where MLflow registers it as such; None where it registers the files.
    booster_text: str | None = None
    packages: ClassVar[tuple[str, ...]] = ()  # what a service needs for it beside the usual

    def files(self) -> dict[str, str]:
        """Return the model as text files by name; equal models, equal bytes."""
        raise NotImplementedError

    @classmethod
    def file_names(cls, card: str) -> tuple[str, ...]:  # noqa: ARG003
        """Return the names of a model's files by the text of its card."""
        return cls.FILES

    def moves(self, frame: pl.DataFrame, peers: pl.DataFrame | None = None) -> np.ndarray:
        """Return what each feature adds to the probit of probability_up, float64 (rows, features).

        The probit is one unit for all families, so that moves of several models can be added.

        Raises:
            ModelError: a frame lacks a feature, or a feature is no number.
        """
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

    def return_quantiles(self, expected_return: np.ndarray) -> list[pl.Series]:
        """Return return_p10, return_p50 and return_p90, null without a band; see `band.Band`."""
        found = self.band and self.band.quantiles_around(np.asarray(expected_return, dtype=float))
        unknown = [None] * len(expected_return)
        return [
            pl.Series(f"return_p{100 * level:.0f}", found[at] if found else unknown, pl.Float64)
            for at, level in enumerate(QUANTILES)
        ]

    def next_sentiment(self, frame: pl.DataFrame) -> pl.Series:
        """Return expected_sentiment of the next session, null unless the head is proven.

        Raises:
            ModelError: the frame lacks a feature of texts, or one is no number.
        """
        head = self.sentiment_head
        said = head.predict(frame) if head and head.is_proven else [None] * frame.height
        return pl.Series("expected_sentiment", said, pl.Float64)

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

    def with_sentiment_head(self, head: SentimentHead | None) -> Self:
        """Return this model with the head that predicts the next session's sentiment."""
        return replace(self, sentiment_head=head)

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


PARTS = {
    "calibration": Calibration,
    "band": Band,
    "training_range": TrainingRange,
    "sentiment_head": SentimentHead,
}


def importance_of(features: Sequence[str], size: np.ndarray) -> pl.DataFrame:
    """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first.

    Args:
        features: names of the inputs.
        size: how much each counts, 0 or more, shape (features,).
    """
    text = {feature.name for feature in FEATURES if feature.is_text}
    return pl.DataFrame(
        {
            "feature": features,
            "gain_share": share_of(size),
            "is_text": [name in text for name in features],
        }
    ).sort("gain_share", "feature", descending=[True, False])


def share_of(size: np.ndarray) -> np.ndarray:
    """Return each size as its share of all, 0 where all are 0."""
    return size / size.sum() if size.sum() else np.zeros(len(size))


def strongest(
    features: Sequence[str], moves: np.ndarray, top: int, places: np.ndarray | None = None
) -> list[str]:
    """Return for each row the features that moved it most, signed, largest first, or "none".

    Args:
        features: names of the inputs.
        moves: what each added, shape (rows, features).
        top: how many are named.
        places: where each stands in its session, -0.5 to 0.5; then they are named too.

    >>> strongest(["rsi_14", "return_1d"], np.array([[0.1, -0.2], [0.0, 0.0]]), top=3)
    ['return_1d -0.2, rsi_14 +0.1', 'none']
    """
    order = np.argsort(-np.abs(moves), axis=1, kind="stable")[:, :top]
    lines = []
    for at, (row, best) in enumerate(zip(moves, order, strict=True)):
        said = [f"{features[it]} {row[it]:+.2g}" for it in best if row[it]]
        if places is not None:
            stand = [f" (place {places[at, it] + 0.5:.0%})" for it in best if row[it]]
            said = [a + b.replace("%", " %") for a, b in zip(said, stand, strict=True)]
        lines.append(", ".join(said) or "none")
    return lines
