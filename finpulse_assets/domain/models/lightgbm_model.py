"""The fitted price model: predicting, explaining, saving and loading it.

What a fitted model is and its files: two LightGBM text models, model.json and a manifest of sha256
sums, no pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.served import (
    LOG_ODDS_OF_A_PROBIT,
    RowPredictor,
    Served,
    importance_of,
    strongest,
)
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

PROBABILITY_FILE = "probability_up.lightgbm.txt"
RETURN_FILE = "expected_return.lightgbm.txt"
FILES = (PROBABILITY_FILE, RETURN_FILE, CARD_FILE)
# Below this many rows, waking a second thread costs more than it saves.
THREADED_ROWS, THREADS = 2_000, 2


@dataclass(frozen=True)
class PriceModel(Served):
    """A fitted model as plain data: equal content means equal models and equal fingerprints.

    `plan` is the TrainingPlan as a mapping; `medians` holds, feature by feature, the value put
    in place of an unknown one, or None where LightGBM has learnt what unknown means.
    """

    FILES: ClassVar[tuple[str, ...]] = FILES

    features: tuple[str, ...]
    plan: dict[str, Any]
    trained_from: date
    trained_to: date
    row_count: int
    up_rate: float
    medians: tuple[float | None, ...]
    probability_text: str
    return_text: str
    calibration: Calibration | None = None
    band: Band | None = None
    training_range: TrainingRange | None = None
    sentiment_head: SentimentHead | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

    def predict(
        self,
        frame: pl.DataFrame,
        peers: pl.DataFrame | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probability_up, expected_return), float64 of shape (rows,) each.

        Args:
            frame: the model's features by name, numeric, null or NaN where unknown.
            peers: of no effect, this model reads each row for itself.

        Raises:
            ModelError: the frame lacks a feature, or a feature is no number.
        """
        return self._predict(feature_matrix(frame, self.features))

    def row_predictor(self, peers: pl.DataFrame) -> RowPredictor:  # noqa: ARG002
        """Return `predict` for matrices; see `served.Served.row_predictor`."""
        return self._predict

    def _predict(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        filled = self._filled(matrix)
        return self._run(self._probability, filled), self._run(self._return, filled)

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions as columns; see `candidate.Fitted`."""
        probability_up, expected_return = self.predict(frame)
        return pl.DataFrame(
            {
                "probability_up": probability_up,
                "score": probability_up,
                "predicts_up": probability_up >= 0.5,
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

        A row reads "sentiment_mean +0.12, return_1d -0.05": the text raised the log-odds of an
        up move by 0.12. The moves are SHAP values, against the average training row. A row that
        no feature moved reads "none".

        Raises:
            ModelError: the frame lacks a feature, or a feature is no number.
        """
        matrix = self._filled(feature_matrix(frame, self.features))
        if not len(matrix):
            return []
        return strongest(self.features, self._contributions(matrix), top)

    def moves(self, frame: pl.DataFrame, peers: pl.DataFrame | None = None) -> np.ndarray:  # noqa: ARG002
        """Return what each feature adds to the probit; see `served.Served.moves`."""
        matrix = self._filled(feature_matrix(frame, self.features))
        return self._contributions(matrix) / LOG_ODDS_OF_A_PROBIT

    def _contributions(self, matrix: np.ndarray) -> np.ndarray:
        if not len(matrix):
            return np.empty((0, len(self.features)))
        return self._run(self._probability, matrix, pred_contrib=True)[:, :-1]

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first."""
        return importance_of(self.features, self._probability.feature_importance("gain"))

    @property
    def booster_text(self) -> str:
        """The booster that is registered in MLflow."""
        return self.probability_text

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> PriceModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the files of a price model.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(
                features=tuple(card["features"]),
                plan=card["plan"],
                trained_from=date.fromisoformat(card["trained_from"]),
                trained_to=date.fromisoformat(card["trained_to"]),
                row_count=card["row_count"],
                up_rate=card["up_rate"],
                medians=tuple(card["medians"]),
                probability_text=texts[PROBABILITY_FILE],
                return_text=texts[RETURN_FILE],
                **cls._served_fields(card),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe a price model: {error!r}", hint=REBUILD
            ) from error

    def files(self) -> dict[str, str]:
        """Return the model as text files by name; equal models, equal bytes."""
        card = {
            "family": "lightgbm",
            "features": self.features,
            "plan": self.plan,
            "trained_from": self.trained_from.isoformat(),
            "trained_to": self.trained_to.isoformat(),
            "row_count": self.row_count,
            "up_rate": self.up_rate,
            "medians": self.medians,
            **self._served_card(),
        }
        return {
            PROBABILITY_FILE: self.probability_text,
            RETURN_FILE: self.return_text,
            CARD_FILE: as_json(card),
        }

    def _filled(self, matrix: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(matrix), self._fill, matrix)

    @cached_property
    def _fill(self) -> np.ndarray:
        return np.array([np.nan if median is None else median for median in self.medians])

    def _run(self, booster: Any, matrix: np.ndarray, **options: Any) -> np.ndarray:
        if not len(matrix):
            return np.empty(0)
        threads = 1 if len(matrix) < THREADED_ROWS else THREADS
        return booster.predict(matrix, num_threads=threads, **options)

    @cached_property
    def _probability(self) -> Any:
        return booster_from_text(self.probability_text)

    @cached_property
    def _return(self) -> Any:
        return booster_from_text(self.return_text)


def booster_from_text(text: str) -> Any:
    """Return the LightGBM booster of a text model.

    Raises:
        ModelError: LightGBM cannot read the text.
    """
    import lightgbm

    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise ModelError(f"LightGBM cannot read the model: {error}", hint=REBUILD) from error
