"""The fitted ranking model: which tickers of a session will do better than the others.

What a fitted model is and its files: a ridge regression and LightGBM text models of several seeds,
averaged, no pickle. How it is fitted stands in `ranking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.lightgbm_model import (
    THREADED_ROWS,
    THREADS,
    booster_from_text,
)
from finpulse_assets.domain.models.place_model import PlaceModel
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.served import importance_of, share_of
from finpulse_assets.domain.models.single_row import SingleRow
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

SEEDS = (7, 8, 9)
BOOSTER_FILES = tuple(f"ranking_{seed}.lightgbm.txt" for seed in SEEDS)


@dataclass(frozen=True)
class RankingModel(PlaceModel):
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
    sentiment_head: SentimentHead | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first.

        Half of the share is a feature's part of the boosters' gain, half its part of the ridge's
        coefficients, which are all of places and so of one unit.
        """
        gain = sum(booster.feature_importance("gain") for booster in self._boosters)
        size = np.abs(self._linear)
        return importance_of(self.features, share_of(gain) + share_of(size))

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

    def _row_scorer(self) -> Callable[[np.ndarray], np.ndarray]:
        alone = [SingleRow(it) for it in self._boosters]

        def score(matrix: np.ndarray) -> np.ndarray:
            if len(matrix) != 1:
                return self._score(matrix)
            return self._combined(matrix, np.array([sum(it(matrix[0]) for it in alone)]))

        return score

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
        ridge = (np.ascontiguousarray(matrix, np.float64) * self._linear).sum(axis=1)
        return self.ridge_weight * ridge + self.booster_weight * (trees / len(SEEDS))

    def _moves(self, matrix: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the score, shape (rows, features)."""
        linear = matrix * self._linear
        shap = sum(it.predict(matrix, pred_contrib=True)[:, :-1] for it in self._boosters)
        return self.ridge_weight * linear + self.booster_weight * shap / len(SEEDS)

    @cached_property
    def _linear(self) -> np.ndarray:
        return np.array(self.coefficients)

    @cached_property
    def _boosters(self) -> list[Any]:
        return [booster_from_text(text) for text in self.booster_texts]


NUMBERS = ("ridge_weight", "booster_weight", "slope", "drift", "spread", "up_rate")
