"""The fitted ranking model: which tickers of a session will do better than the others.

What a fitted model is and its files: a ridge regression and LightGBM text models of several seeds,
averaged, no pickle. How it is fitted stands in `ranking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.lightgbm_model import (
    THREADED_ROWS,
    THREADS,
    booster_from_text,
    feature_matrix,
)
from finpulse_assets.domain.models.places import PlacesAmong, places, places_among
from finpulse_assets.domain.models.served import RowPredictor, Served
from finpulse_assets.domain.models.single_row import SingleRow
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

SEEDS = (7, 8, 9)
BOOSTER_FILES = tuple(f"ranking_{seed}.lightgbm.txt" for seed in SEEDS)


@dataclass(frozen=True)
class RankingModel(Served):
    """A fitted ranking as plain data: equal content means equal models and equal fingerprints.

    Its score is a weighted sum of the ridge's and the boosters' predictions of a ticker's place
    among the returns of its session. A score says how the ticker will do beside the others; what
    all of them will do together is `drift` alone, the mean return of the training rows.

    Attributes:
        features: names of the inputs, in their order.
        plan: how the boosters were fitted, as a mapping.
        coefficients: of the ridge, one for each feature.
        ridge_weight: what the ridge's prediction is multiplied by in the score.
        booster_weight: what the boosters' mean prediction is multiplied by in the score.
        slope: expected return of one unit of score, a fraction.
        drift: mean return of the training rows, a fraction.
        spread: robust standard deviation of the returns, a fraction.
        trained_from: first session.
        trained_to: last session.
        row_count: training rows.
        up_rate: share of up moves among them.
        booster_texts: LightGBM text models, one for each of SEEDS.
    """

    FILES: ClassVar[tuple[str, ...]] = (*BOOSTER_FILES, CARD_FILE)

    features: tuple[str, ...]
    plan: dict[str, Any]
    coefficients: tuple[float, ...]
    ridge_weight: float
    booster_weight: float
    slope: float
    drift: float
    spread: float
    trained_from: date
    trained_to: date
    row_count: int
    up_rate: float
    booster_texts: tuple[str, ...]
    calibration: Calibration | None = None
    band: Band | None = None
    training_range: TrainingRange | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

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
        place = PlacesAmong(feature_matrix(peers, self.features))

        alone = [SingleRow(it) for it in self._boosters]

        def predict(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            placed = place(matrix)
            if len(placed) == 1:
                trees = np.array([sum(it(placed[0]) for it in alone)])
                score = self._combined(placed, trees)
            else:
                score = self._score(placed)
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
        moves = self._moves(matrix)
        order = np.argsort(-np.abs(moves), axis=1, kind="stable")[:, :top]
        return [
            ", ".join(
                f"{self.features[at]} {row[at]:+.2g} (place {(place[at] + 0.5):.0%})"
                for at in best
                if row[at]
            ).replace("%)", " %)")
            or "none"
            for row, place, best in zip(moves, matrix, order, strict=True)
        ]

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first.

        Half of the share is a feature's part of the boosters' gain, half its part of the ridge's
        coefficients, which are all of places and so of one unit.
        """
        gain = sum(booster.feature_importance("gain") for booster in self._boosters)
        size = np.abs(np.array(self.coefficients))
        share = (_share(gain) + _share(size)) / 2
        text = {feature.name for feature in FEATURES if feature.is_text}
        return pl.DataFrame(
            {
                "feature": self.features,
                "gain_share": share / share.sum() if share.sum() else share,
                "is_text": [name in text for name in self.features],
            }
        ).sort("gain_share", "feature", descending=[True, False])

    @property
    def booster_text(self) -> str:
        """The booster that is registered in MLflow."""
        return self.booster_texts[0]

    def files(self) -> dict[str, str]:
        """Return the model as text files by name; equal models, equal bytes."""
        card = {
            "family": "ranking",
            "features": self.features,
            "plan": self.plan,
            "coefficients": self.coefficients,
            "ridge_weight": self.ridge_weight,
            "booster_weight": self.booster_weight,
            "slope": self.slope,
            "drift": self.drift,
            "spread": self.spread,
            "trained_from": self.trained_from.isoformat(),
            "trained_to": self.trained_to.isoformat(),
            "row_count": self.row_count,
            "up_rate": self.up_rate,
            **self._served_card(),
        }
        boosters = dict(zip(BOOSTER_FILES, self.booster_texts, strict=True))
        return {**boosters, CARD_FILE: as_json(card)}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> RankingModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the files of a ranking model.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(
                features=tuple(card["features"]),
                plan=card["plan"],
                coefficients=tuple(card["coefficients"]),
                **{name: float(card[name]) for name in NUMBERS},
                trained_from=date.fromisoformat(card["trained_from"]),
                trained_to=date.fromisoformat(card["trained_to"]),
                row_count=card["row_count"],
                booster_texts=tuple(texts[name] for name in BOOSTER_FILES),
                **cls._served_fields(card),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe a ranking model: {error!r}", hint=REBUILD
            ) from error

    def _places(self, frame: pl.DataFrame, peers: pl.DataFrame | None) -> np.ndarray:
        placed = (
            places(frame, self.features)
            if peers is None
            else places_among(frame, peers, self.features)
        )
        return feature_matrix(placed, self.features)

    def _score(self, matrix: np.ndarray) -> np.ndarray:
        if not len(matrix):
            return np.empty(0)
        threads = 1 if len(matrix) < THREADED_ROWS else THREADS
        trees = sum(it.predict(matrix, num_threads=threads) for it in self._boosters)
        return self._combined(matrix, trees)

    def _combined(self, matrix: np.ndarray, trees: np.ndarray) -> np.ndarray:
        """Return the score of places and of what the boosters say of them, added."""
        # Row by row in one order of sums: a product of matrices adds in another for other numbers
        # of rows, and a row alone has to get the bits that it gets among others.
        ridge = (np.ascontiguousarray(matrix, np.float64) * np.array(self.coefficients)).sum(axis=1)
        return self.ridge_weight * ridge + self.booster_weight * (trees / len(SEEDS))

    def _moves(self, matrix: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the score, shape (rows, features)."""
        linear = matrix * np.array(self.coefficients)
        shap = sum(it.predict(matrix, pred_contrib=True)[:, :-1] for it in self._boosters)
        return self.ridge_weight * linear + self.booster_weight * shap / len(SEEDS)

    def _expected_return(self, score: np.ndarray) -> np.ndarray:
        return self.drift + self.slope * score

    def _probability(self, score: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr  # a tenth of a second that reading a card need not wait

        return ndtr(self._expected_return(score) / self.spread)

    @cached_property
    def _boosters(self) -> list[Any]:
        return [booster_from_text(text) for text in self.booster_texts]


NUMBERS = ("ridge_weight", "booster_weight", "slope", "drift", "spread", "up_rate")


def _share(size: np.ndarray) -> np.ndarray:
    return size / size.sum() if size.sum() else np.zeros(len(size))
