"""What every model of places has in common: from places to a score, and from it to a return.

How the score is made is a family's own: `ranking_model`, `xgboost_model`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.places import PlacesAmong, places, places_among
from finpulse_assets.domain.models.served import RowPredictor, Served, strongest


class PlaceModel(Served):
    """A model whose score says how a ticker will do beside the others of its session.

    A frozen dataclass with these fields keeps it.

    Attributes:
        slope: expected return of one unit of score, a fraction.
        drift: mean return of the training rows, a fraction; what all tickers will do together.
        spread: robust standard deviation of the returns, a fraction.
    """

    slope: float
    drift: float
    spread: float

    def _score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the score of places, float64 of shape (rows,)."""
        raise NotImplementedError

    def _row_scorer(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return `_score` for many calls of few rows."""
        return self._score

    def _moves(self, matrix: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the score, shape (rows, features); one row at least."""
        raise NotImplementedError

    def predict(
        self, frame: pl.DataFrame, peers: pl.DataFrame | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probability_up, expected_return), float64 of shape (rows,) each.

        Their signs agree: the probability is at least 0.5 exactly where the expected return is at
        least 0.

        Args:
            frame: the model's features by name, numeric, null or NaN where unknown.
            peers: rows of one session among which each row takes its place; by default the rows of
                `frame` that have the same session_date.

        Raises:
            ModelError: a frame lacks a feature, or a feature is no number.
        """
        score = self._score(self._places(frame, peers))
        return self._probability(score), self._expected_return(score)

    def row_predictor(self, peers: pl.DataFrame) -> RowPredictor:
        """Return `predict` for matrices; see `served.Served.row_predictor`."""
        place, score_of = PlacesAmong(feature_matrix(peers, self.features)), self._row_scorer()

        def predict(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            score = score_of(place(matrix))
            return self._probability(score), self._expected_return(score)

        return predict

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions as columns; `frame` holds places. See `candidate.Fitted`."""
        score = self._score(feature_matrix(frame, self.features))
        expected_return = self._expected_return(score)
        return pl.DataFrame(
            {
                "probability_up": self._probability(score),
                "score": score,
                "predicts_up": expected_return >= 0,
                "expected_return": expected_return,
            }
        )

    def reasons(
        self, frame: pl.DataFrame, peers: pl.DataFrame | None = None, *, top: int = 3
    ) -> list[str]:
        """Return for each row the features that moved its score most, signed, largest first.

        A row reads "sentiment_mean +0.31 (place 97 %), return_1d -0.12 (place 8 %)": the text put
        the ticker above the session's middle by 0.31 units of score, with a sentiment above that of
        97 % of the others. The moves of the boosters are SHAP values. A row that no feature moved
        reads "none".

        Raises:
            ModelError: a frame lacks a feature, or a feature is no number.
        """
        matrix = self._places(frame, peers)
        if not len(matrix):
            return []
        return strongest(self.features, self._moves(matrix), top, places=matrix)

    def moves(self, frame: pl.DataFrame, peers: pl.DataFrame | None = None) -> np.ndarray:
        """Return what each feature adds to the probit; see `served.Served.moves`."""
        matrix = self._places(frame, peers)
        return self._moves(matrix) * self.slope / self.spread if len(matrix) else matrix

    def _places(self, frame: pl.DataFrame, peers: pl.DataFrame | None) -> np.ndarray:
        placed = (
            places(frame, self.features)
            if peers is None
            else places_among(frame, peers, self.features)
        )
        return feature_matrix(placed, self.features)

    def _expected_return(self, score: np.ndarray) -> np.ndarray:
        return self.drift + self.slope * score

    def _probability(self, score: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr  # a tenth of a second that reading a card need not wait

        return ndtr(self._expected_return(score) / self.spread)
