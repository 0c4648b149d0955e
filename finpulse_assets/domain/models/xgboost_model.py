"""XGBoost on places: a candidate and its model, a text model in JSON, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE, Scale
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.models.place_fit import ScoreOf, places_and_label, stated
from finpulse_assets.domain.models.place_model import PlaceModel
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.served import importance_of
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

TREES_FILE = "trees.xgboost.json"
NUMBERS = ("slope", "drift", "spread", "up_rate")
EXTRA = "install the extra `candidates`: pip install -e '.[candidates]'"


@dataclass(frozen=True)
class XGBoostPlan:
    """How to fit: shallow trees, large leaves, strong shrinkage, as the ranking's.

    `leaf_share` is the least share of the rows in a leaf where that is fewer than `leaf_rows`.
    """

    max_depth: int = 3
    learning_rate: float = 0.03
    rounds: int = 150
    leaf_rows: int = 500
    leaf_share: float = 0.02
    feature_fraction: float = 0.3
    lambda_l2: float = 50.0
    max_bin: int = 64
    seed: int = 7

    def parameters(self, rows: int) -> dict[str, Any]:
        """Return XGBoost's parameters for a fit on so many rows."""
        return {
            "objective": "reg:squarederror",  # the weight of a leaf is its number of rows
            "tree_method": "hist",
            "base_score": 0.0,  # places have the mean 0
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "min_child_weight": max(1, min(self.leaf_rows, int(self.leaf_share * rows))),
            "colsample_bytree": self.feature_fraction,
            "lambda": self.lambda_l2,
            "max_bin": self.max_bin,
            "seed": self.seed,
            # Several threads add histograms in an order of their own: other digits, other trees.
            "nthread": 1,
        }


@dataclass(frozen=True)
class XGBoostModel(PlaceModel):
    """A fitted XGBoost ranking as plain data: equal content means equal fingerprints.

    Attributes:
        features: names of the inputs, in their order.
        plan: how the trees were fitted, as a mapping.
        slope: see `place_model.PlaceModel`, as `drift` and `spread`.
        trained_from: first session.
        trained_to: last session.
        row_count: training rows.
        up_rate: share of up moves among them.
        trees: XGBoost's text model, JSON.
    """

    FILES: ClassVar[tuple[str, ...]] = (TREES_FILE, CARD_FILE)
    packages: ClassVar[tuple[str, ...]] = ("xgboost-cpu",)

    features: tuple[str, ...]
    plan: dict[str, Any]
    slope: float
    drift: float
    spread: float
    trained_from: date
    trained_to: date
    row_count: int
    up_rate: float
    trees: str
    calibration: Calibration | None = None
    band: Band | None = None
    training_range: TrainingRange | None = None
    sentiment_head: SentimentHead | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first."""
        gain = self._booster.get_score(importance_type="total_gain")
        return importance_of(
            self.features, np.array([gain.get(f"f{at}", 0.0) for at in range(len(self.features))])
        )

    def files(self) -> dict[str, str]:
        """Return the model as text files by name; equal models, equal bytes."""
        card = {
            "family": "xgboost",
            **{name: getattr(self, name) for name in ("features", "plan", *NUMBERS, "row_count")},
            "trained_from": self.trained_from.isoformat(),
            "trained_to": self.trained_to.isoformat(),
            **self._served_card(),
        }
        return {TREES_FILE: self.trees, CARD_FILE: as_json(card)}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> XGBoostModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the files of an XGBoost model.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(
                features=tuple(card["features"]),
                plan=card["plan"],
                **{name: float(card[name]) for name in NUMBERS},
                trained_from=date.fromisoformat(card["trained_from"]),
                trained_to=date.fromisoformat(card["trained_to"]),
                row_count=card["row_count"],
                trees=texts[TREES_FILE],
                **cls._served_fields(card),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe an XGBoost model: {error!r}", hint=REBUILD
            ) from error

    def _score(self, matrix: np.ndarray) -> np.ndarray:
        return _predicted(self._booster, matrix)

    def _moves(self, matrix: np.ndarray) -> np.ndarray:
        data = _xgboost().DMatrix(matrix, nthread=1)
        return self._booster.predict(data, pred_contribs=True)[:, :-1].astype(np.float64)

    @cached_property
    def _booster(self) -> Any:
        return _booster_of(self.trees)


@dataclass(frozen=True)
class XGBoost:
    """XGBoost on places as a candidate: its inputs and how it is fitted."""

    name: str
    features: tuple[str, ...]
    plan: XGBoostPlan = XGBoostPlan()
    is_baseline: bool = False
    scale: ClassVar[Scale] = "places"

    def recipe(self) -> dict[str, object]:
        return {"family": "xgboost", "features": self.features, "plan": asdict(self.plan)}

    @on_one_blas_thread
    def fit(self, frame: pl.DataFrame) -> XGBoostModel:
        """Fit on places; see `candidate.Candidate`.

        Raises:
            EvaluationError: also where no session has two tickers.
            ModelError: also where XGBoost is not installed.
        """
        matrix, label = places_and_label(frame, self.features)
        return XGBoostModel(
            features=tuple(self.features),
            plan=asdict(self.plan),
            trees=self._trees(matrix, label),
            **stated(frame, matrix, label, self._score_fitted_on),
        )

    def _trees(self, matrix: np.ndarray, label: np.ndarray) -> str:
        xgboost = _xgboost()
        data = xgboost.QuantileDMatrix(matrix, label=label, max_bin=self.plan.max_bin, nthread=1)
        fitted = xgboost.train(self.plan.parameters(len(matrix)), data, self.plan.rounds)
        return fitted.save_raw("json").decode()

    def _score_fitted_on(self, matrix: np.ndarray, label: np.ndarray) -> ScoreOf:
        booster = _booster_of(self._trees(matrix, label))
        return lambda rows: _predicted(booster, rows)


def _predicted(booster: Any, matrix: np.ndarray) -> np.ndarray:
    if not len(matrix):
        return np.empty(0)
    # A margin is a sum of trees in their order, so threads change no digit of it.
    return booster.inplace_predict(matrix, predict_type="margin").astype(np.float64)


def _booster_of(text: str) -> Any:
    """Return the booster of a text model.

    Raises:
        ModelError: XGBoost is not installed, or cannot read the text.
    """
    xgboost = _xgboost()
    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(text.encode()))
    except xgboost.core.XGBoostError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"XGBoost cannot read the model: {reason}", hint=REBUILD) from error
    return booster


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise ModelError(f"the candidate xgboost needs XGBoost: {error}", hint=EXTRA) from error
    return xgboost
