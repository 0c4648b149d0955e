"""Logistic regression with a squared penalty on the features' values: a candidate and its model.

On the features of bars alone it is the baseline that every model has to be seen beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE, Scale
from finpulse_assets.domain.models.inputs import feature_matrix, moments, standardised
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.models.place_fit import robust_deviation, winsorised
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.served import (
    LOG_ODDS_OF_A_PROBIT,
    RowPredictor,
    Served,
    importance_of,
    strongest,
)
from finpulse_assets.domain.models.training import check_labels
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

PENALTY = 0.01  # of a row, on the squared coefficients
LISTS = ("features", "means", "deviations", "coefficients")
NUMBERS = ("intercept", "spread", "up_rate")


@dataclass(frozen=True)
class LogisticModel(Served):
    """A fitted logistic regression: log-odds of an up move = intercept + inputs x coefficients.

    Attributes:
        features: names of the inputs, in their order.
        means: of the training rows; an unknown input counts as the mean.
        deviations: of the training rows, by which inputs are divided.
        coefficients: one for each feature.
        intercept: log-odds of a row of means.
        spread: robust standard deviation of the returns, a fraction: the expected return is that of
            the normal distribution with this deviation that rises with the probability stated.
        trained_from: first session.
        trained_to: last session.
        row_count: training rows.
        up_rate: share of up moves among them.
    """

    FILES: ClassVar[tuple[str, ...]] = (CARD_FILE,)

    features: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    spread: float
    trained_from: date
    trained_to: date
    row_count: int
    up_rate: float
    calibration: Calibration | None = None
    band: Band | None = None
    training_range: TrainingRange | None = None
    sentiment_head: SentimentHead | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

    @property
    def plan(self) -> dict[str, Any]:
        """How it was fitted."""
        return {"penalty": PENALTY}

    def predict(
        self,
        frame: pl.DataFrame,
        peers: pl.DataFrame | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probability_up, expected_return), float64 of shape (rows,) each; signs agree.

        Args:
            frame: the model's features by name, numeric, null or NaN where unknown.
            peers: of no effect, this model reads each row for itself.

        Raises:
            ModelError: the frame lacks a feature, or a feature is no number.
        """
        return self._stated(self._log_odds(feature_matrix(frame, self.features)))

    def row_predictor(self, peers: pl.DataFrame) -> RowPredictor:  # noqa: ARG002
        """Return `predict` for matrices; see `served.Served.row_predictor`."""
        return lambda matrix: self._stated(self._log_odds(matrix))

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions as columns; see `candidate.Fitted`."""
        log_odds = self._log_odds(feature_matrix(frame, self.features))
        probability_up, expected_return = self._stated(log_odds)
        return pl.DataFrame(
            {
                "probability_up": probability_up,
                "score": log_odds,
                "predicts_up": log_odds >= 0,
                "expected_return": expected_return,
            }
        )

    def reasons(
        self,
        frame: pl.DataFrame,
        peers: pl.DataFrame | None = None,  # noqa: ARG002
        *,
        top: int = 3,
    ) -> list[str]:
        """Return for each row the features that moved its log-odds most, signed, largest first.

        A move is against the mean of the training rows. A row that no feature moved reads "none".

        Raises:
            ModelError: the frame lacks a feature, or a feature is no number.
        """
        return strongest(self.features, self._parts(feature_matrix(frame, self.features)), top)

    def moves(self, frame: pl.DataFrame, peers: pl.DataFrame | None = None) -> np.ndarray:  # noqa: ARG002
        """Return what each feature adds to the probit; see `served.Served.moves`."""
        return self._parts(feature_matrix(frame, self.features)) / LOG_ODDS_OF_A_PROBIT

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first.

        The share is that of a coefficient: all are of one deviation of their feature.
        """
        return importance_of(self.features, np.abs(np.array(self.coefficients)))

    def files(self) -> dict[str, str]:
        """Return the model as one file; equal models, equal bytes."""
        card = {
            "family": "logistic",
            **{name: getattr(self, name) for name in (*LISTS, *NUMBERS, "row_count")},
            "trained_from": self.trained_from.isoformat(),
            "trained_to": self.trained_to.isoformat(),
            **self._served_card(),
        }
        return {CARD_FILE: as_json(card)}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> LogisticModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the file of a logistic regression.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(
                **{name: tuple(card[name]) for name in LISTS},
                **{name: float(card[name]) for name in NUMBERS},
                trained_from=date.fromisoformat(card["trained_from"]),
                trained_to=date.fromisoformat(card["trained_to"]),
                row_count=card["row_count"],
                **cls._served_fields(card),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe a logistic regression: {error!r}", hint=REBUILD
            ) from error

    def _parts(self, matrix: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the log-odds, shape (rows, features)."""
        inputs = standardised(matrix, np.array(self.means), np.array(self.deviations))
        return inputs * np.array(self.coefficients)

    def _log_odds(self, matrix: np.ndarray) -> np.ndarray:
        # A sum of parts, row by row: a row alone gets the bits that it gets among others.
        return self.intercept + self._parts(matrix).sum(axis=1)

    def _stated(self, log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import expit

        return expit(log_odds), self.spread * log_odds / LOG_ODDS_OF_A_PROBIT


@dataclass(frozen=True)
class Logistic:
    """Logistic regression as a candidate: its inputs."""

    name: str
    features: tuple[str, ...]
    is_baseline: bool = False
    scale: ClassVar[Scale] = "values"

    def recipe(self) -> dict[str, object]:
        return {"family": "logistic", "features": self.features, "penalty": PENALTY}

    @on_one_blas_thread
    def fit(self, frame: pl.DataFrame) -> LogisticModel:
        """Fit on a training frame; see `candidate.Candidate`."""
        from sklearn.linear_model import LogisticRegression

        check_labels(frame)
        matrix = feature_matrix(frame, self.features)
        means, deviations = moments(matrix)
        inputs = standardised(matrix, means, deviations)
        strength = 1 / (PENALTY * len(inputs))
        fitted = LogisticRegression(C=strength, max_iter=200).fit(inputs, frame["is_up"].to_numpy())
        return LogisticModel(
            features=tuple(self.features),
            means=tuple(means.tolist()),
            deviations=tuple(deviations.tolist()),
            coefficients=tuple(fitted.coef_[0].tolist()),
            intercept=float(fitted.intercept_[0]),
            spread=robust_deviation(winsorised(frame["return_next_session"])),
            trained_from=frame["session_date"].min(),
            trained_to=frame["session_date"].max(),
            row_count=frame.height,
            up_rate=float(frame["is_up"].mean()),
        )
