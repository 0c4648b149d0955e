"""Fitting the price model: the plan of a fit and the fit itself.

Hyper-parameters and turning a training frame into boosters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import Scale
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.errors import EvaluationError, ModelError

MIN_TRAINING_ROWS = 200
WINSOR_SHARE = 0.01


@dataclass(frozen=True)
class TrainingPlan:
    """How to fit. The defaults suit a weak signal: few leaves, large ones, strong shrinkage.

    `max_bin` is low because a finer threshold on a noisy feature buys nothing and costs time.
    `num_threads` decides how long a fit takes and nothing of the model: LightGBM is told to be
    deterministic, so it stands in no recipe and in no file.
    """

    num_leaves: int = 4
    learning_rate: float = 0.03
    rounds: int = 100
    min_data_in_leaf: int = 100
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.7
    bagging_freq: int = 1
    lambda_l2: float = 20.0
    max_bin: int = 63
    seed: int = 7
    num_threads: int = 2

    def __post_init__(self) -> None:
        bounds = {
            "num_leaves": (2, 1024),
            "learning_rate": (1e-4, 1.0),
            "rounds": (1, 10_000),
            "min_data_in_leaf": (1, 1_000_000),
            "feature_fraction": (0.01, 1.0),
            "bagging_fraction": (0.01, 1.0),
            "bagging_freq": (0, 1_000),
            "lambda_l2": (0.0, 1e6),
            "max_bin": (2, 65_535),
            "seed": (0, 2**31 - 1),
            "num_threads": (1, 256),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ModelError(
                    f"the training plan's {name} is {value}, it should be {least} to {most}"
                )

    def recipe(self) -> dict[str, Any]:
        """Return what decides the model."""
        return {name: value for name, value in asdict(self).items() if name != "num_threads"}

    def lightgbm_parameters(self, objective: str) -> dict[str, Any]:
        """Return the parameters of LightGBM for one objective ("binary" or "l2")."""
        own = {name: value for name, value in asdict(self).items() if name != "rounds"}
        return own | {
            "objective": objective,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class LightGBM:
    """LightGBM as a candidate: its inputs and how it is fitted."""

    name: str
    features: tuple[str, ...]
    plan: TrainingPlan
    is_baseline: bool = False
    scale: ClassVar[Scale] = "values"

    def recipe(self) -> dict[str, object]:
        return {"family": "lightgbm", "features": self.features, "plan": self.plan.recipe()}

    def fit(self, frame: pl.DataFrame) -> PriceModel:
        """Fit both boosters; see `fit_price_model`."""
        return fit_price_model(frame, self.plan, self.features)


def fit_price_model(frame: pl.DataFrame, plan: TrainingPlan, features: Sequence[str]) -> PriceModel:
    """Fit the probability of an up move and the expected return on the same rows.

    The return is fitted by least squares after its outer 1 % at each end is pulled in: an
    earnings gap of 30 % would otherwise outweigh a thousand ordinary sessions.

    Args:
        frame: one row per ticker and session: session_date (Date), `features` (numeric, null or
            NaN where unknown), is_up (Boolean), return_next_session (Float64, fraction).
        plan: how to fit.
        features: names of the model's inputs, in their order.

    Raises:
        EvaluationError: fewer than 200 rows, a row without label, or a single class.
        ModelError: the frame lacks a feature, or a feature is no number.
    """
    check_labels(frame)
    matrix = feature_matrix(frame, features)
    data = _dataset(matrix, plan)
    up = frame["is_up"].cast(pl.Float64).to_numpy()
    probability_text = _fit(data, up, plan, "binary")
    returns = frame["return_next_session"].to_numpy()
    low, high = np.quantile(returns, [WINSOR_SHARE, 1 - WINSOR_SHARE])
    return_text = _fit(data, np.clip(returns, low, high), plan, "l2")
    return PriceModel(
        features=tuple(features),
        plan=plan.recipe(),
        trained_from=frame["session_date"].min(),
        trained_to=frame["session_date"].max(),
        row_count=frame.height,
        up_rate=float(up.mean()),
        medians=_medians_of_full_features(matrix),
        probability_text=probability_text,
        return_text=return_text,
    )


def check_labels(frame: pl.DataFrame) -> None:
    """Hold a training frame to what a fit needs.

    Raises:
        EvaluationError: fewer than 200 rows, a row without label, or a single class.
    """
    if frame.height < MIN_TRAINING_ROWS:
        raise EvaluationError(
            f"the training frame has {frame.height} rows, a fit needs at least {MIN_TRAINING_ROWS}",
            hint="add sessions or tickers",
        )
    unlabelled = frame.filter(
        pl.col("is_up").is_null() | ~pl.col("return_next_session").is_finite().fill_null(False)
    ).height
    if unlabelled:
        raise EvaluationError(
            f"{unlabelled} of {frame.height} training rows have no label",
            hint="leave out the sessions whose next session has not closed yet",
        )
    if frame["is_up"].n_unique() == 1:
        raise EvaluationError(
            f"all {frame.height} training rows have is_up = {str(frame['is_up'][0]).lower()}, "
            "a fit needs both classes",
            hint="add sessions, or check how the labels were made",
        )


def _dataset(matrix: np.ndarray, plan: TrainingPlan) -> Any:
    """Bin the features once; both objectives share the bins."""
    import lightgbm

    parameters = plan.lightgbm_parameters("l2")
    return lightgbm.Dataset(matrix, label=np.zeros(len(matrix)), params=parameters).construct()


def _fit(data: Any, label: np.ndarray, plan: TrainingPlan, objective: str) -> str:
    import lightgbm

    data.set_label(label)
    parameters = plan.lightgbm_parameters(objective)
    text = lightgbm.train(parameters, data, num_boost_round=plan.rounds).model_to_string()
    return text.replace(f"[num_threads: {plan.num_threads}]\n", "")


def _medians_of_full_features(matrix: np.ndarray) -> tuple[float | None, ...]:
    """Return each feature's median, None where training had unknown values itself.

    LightGBM learns where to send an unknown value only from features that had one; in the others
    it reads an unknown value as 0, which for an RSI means "crashed". The median is neutral.
    """
    unknown = np.isnan(matrix).any(axis=0)
    return tuple(
        None if has_unknown else float(np.median(column))
        for has_unknown, column in zip(unknown, matrix.T, strict=True)
    )
