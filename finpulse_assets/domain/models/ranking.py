"""Fitting the ranking model: ridge and LightGBM on places, several seeds averaged.

Features and label are places within the session (see `places` and `taught`), so the fit sees
nothing of what moves all tickers at once. The score's size in returns is measured on the last
sessions of the training rows, by a fit on those before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import Scale
from finpulse_assets.domain.models.lightgbm_model import booster_from_text, feature_matrix
from finpulse_assets.domain.models.ranking_model import SEEDS, RankingModel
from finpulse_assets.domain.models.taught import EXPOSURES, taught_places
from finpulse_assets.domain.models.training import WINSOR_SHARE, TrainingPlan, check_labels
from finpulse_assets.errors import EvaluationError

MEASURED_SHARE = 0.25  # of the training sessions, the last ones, measure the size of the score
# A score that the last sessions do not support still orders the tickers, at a size of no weight.
LEAST_CORRELATION = 0.01
BLOCK = 65_536  # rows that are float64 at once
RETURNS = ("session_date", "return_next_session")
ROBUST = 1.4826  # a normal distribution's standard deviation over its median absolute value


TREES = TrainingPlan(
    num_leaves=6,
    learning_rate=0.03,
    rounds=150,
    min_data_in_leaf=500,
    feature_fraction=0.3,
    bagging_fraction=0.5,
    bagging_freq=1,
    lambda_l2=50.0,
)


@dataclass(frozen=True)
class RankingPlan:
    """How to fit a ranking. Each leaf holds many rows: the signal is a hundredth of the noise.

    Attributes:
        trees: LightGBM's plan; for few rows it is made smaller, see `trees_for`.
        leaf_share: a leaf holds at least this share of the rows, where that is fewer.
        ridge_penalty: added to each feature's sum of squares, as a multiple of that of a feature
            without ties or gaps.
    """

    trees: TrainingPlan = TREES
    leaf_share: float = 0.02
    ridge_penalty: float = 1.0

    def recipe(self) -> dict[str, Any]:
        """Return what decides the model."""
        return {**asdict(self), "trees": self.trees.recipe(), "seeds": SEEDS}

    def with_threads(self, threads: int) -> RankingPlan:
        """Return the plan for so many threads, which are of no effect on the model."""
        return replace(self, trees=replace(self.trees, num_threads=threads))

    def trees_for(self, rows: int, seed: int) -> TrainingPlan:
        """Return LightGBM's plan for so many rows.

        Where `leaf_share` of the rows is less than a leaf of the plan, leaves are smaller, and each
        tree sees all rows.

        >>> plan = RankingPlan()
        >>> [(it.min_data_in_leaf, it.bagging_freq) for rows in (50_000, 2_000)
        ...  for it in [plan.trees_for(rows, seed=7)]]
        [(500, 1), (40, 0)]
        """
        leaf = max(1, int(self.leaf_share * rows))
        if leaf >= self.trees.min_data_in_leaf:
            return replace(self.trees, seed=seed)
        whole = {"bagging_fraction": 1.0, "bagging_freq": 0}
        return replace(self.trees, seed=seed, min_data_in_leaf=leaf, **whole)


@dataclass(frozen=True)
class Ranking:
    """The ranking model as a candidate: its inputs and how it is fitted."""

    name: str
    features: tuple[str, ...]
    plan: RankingPlan
    is_baseline: bool = False
    scale: ClassVar[Scale] = "places"

    def recipe(self) -> dict[str, object]:
        return {"family": "ranking", "features": self.features, "plan": self.plan.recipe()}

    def fit(self, frame: pl.DataFrame) -> RankingModel:
        """Fit on places; see `fit_ranking`."""
        return fit_ranking(frame, self.plan, self.features)


@dataclass(frozen=True)
class _Score:
    """A fitted score, before its size in returns is known."""

    coefficients: np.ndarray
    ridge_weight: float
    booster_weight: float
    booster_texts: tuple[str, ...]

    def of(self, matrix: np.ndarray) -> np.ndarray:
        boosters = [booster_from_text(text) for text in self.booster_texts]
        trees = sum(it.predict(matrix, num_threads=2) for it in boosters) / len(boosters)
        ridge = matrix.astype(np.float64) @ self.coefficients
        return self.ridge_weight * ridge + self.booster_weight * trees


def fit_ranking(frame: pl.DataFrame, plan: RankingPlan, features: tuple[str, ...]) -> RankingModel:
    """Fit the place of a ticker's next return among those of its session.

    Args:
        frame: one row per ticker and session: session_date (Date), decision_at and exit_at (UTC),
            `features` as places (`places.places`), is_up (Boolean), return_next_session (Float64,
            fraction).
        plan: how to fit.
        features: names of the model's inputs, in their order.

    Raises:
        EvaluationError: fewer than 200 rows, a row without label, a single class, or no session
            with two tickers: a single one has no place.
        ModelError: the frame lacks a feature, or a feature is no number.
    """
    check_labels(frame)
    matrix = feature_matrix(frame, features)
    label = taught_places(frame.select(*RETURNS, *(it for it in EXPOSURES if it in features)))
    if not label.any():
        raise EvaluationError(
            "no session of the training frame has two tickers with different returns, so that "
            "nothing can be ranked",
            hint="add tickers, or take a candidate that does not rank (FINPULSE_CANDIDATES)",
        )
    returns = _winsorised(frame["return_next_session"])
    score = _fit_score(matrix, label, plan, SEEDS)
    return RankingModel(
        features=tuple(features),
        plan={**plan.trees.recipe(), "ridge_penalty": plan.ridge_penalty},
        coefficients=tuple(float(it) for it in score.coefficients),
        ridge_weight=score.ridge_weight,
        booster_weight=score.booster_weight,
        slope=_slope(frame, matrix, label, plan),
        drift=float(returns.mean()),
        spread=float(ROBUST * np.median(np.abs(returns))) or 1.0,
        trained_from=frame["session_date"].min(),
        trained_to=frame["session_date"].max(),
        row_count=frame.height,
        up_rate=float(frame["is_up"].mean()),
        booster_texts=score.booster_texts,
    )


def _winsorised(returns: pl.Series) -> np.ndarray:
    values = returns.to_numpy()
    return np.clip(values, *np.quantile(values, [WINSOR_SHARE, 1 - WINSOR_SHARE]))


def _fit_score(
    matrix: np.ndarray, label: np.ndarray, plan: RankingPlan, seeds: tuple[int, ...]
) -> _Score:
    coefficients = _ridge(matrix, label, plan.ridge_penalty)
    texts = _boosters(matrix, label, plan, seeds)
    plain = _Score(coefficients, 1.0, 0.0, texts)
    # Each half counts alike: its predictions of the training rows have a deviation of one half,
    # which some of many rows, spread evenly, tell as well.
    some = matrix[:: max(1, len(matrix) // BLOCK)]
    weights = [
        _half(np.std(part.of(some)))
        for part in (plain, replace(plain, ridge_weight=0.0, booster_weight=1.0))
    ]
    return replace(plain, ridge_weight=weights[0], booster_weight=weights[1])


def _half(deviation: float) -> float:
    return float(0.5 / deviation) if deviation > 0 else 0.0


def _ridge(matrix: np.ndarray, label: np.ndarray, penalty: float) -> np.ndarray:
    """Return the coefficients of the ridge regression through the origin.

    Places have the mean 0, so no intercept is needed; the variance of a uniform place is 1/12.
    """
    width = matrix.shape[1]
    squares, cross = np.zeros((width, width)), np.zeros(width)
    for start in range(0, len(matrix), BLOCK):
        block = matrix[start : start + BLOCK].astype(np.float64)
        squares += block.T @ block
        cross += block.T @ label[start : start + BLOCK]
    squares[np.diag_indices(width)] += penalty * len(matrix) / 12
    return np.linalg.solve(squares, cross)


def _boosters(
    matrix: np.ndarray, label: np.ndarray, plan: RankingPlan, seeds: tuple[int, ...]
) -> tuple[str, ...]:
    """Fit LightGBM once a seed; all share the bins."""
    import lightgbm

    plans = [plan.trees_for(len(matrix), seed) for seed in seeds]
    parameters = plans[0].lightgbm_parameters("l2")
    data = lightgbm.Dataset(matrix, label=label, params=parameters).construct()
    return tuple(
        lightgbm.train(it.lightgbm_parameters("l2"), data, num_boost_round=it.rounds)
        .model_to_string()
        .replace(f"[num_threads: {it.num_threads}]\n", "")
        for it in plans
    )


def _slope(frame: pl.DataFrame, matrix: np.ndarray, label: np.ndarray, plan: RankingPlan) -> float:
    """Return the return that a unit of score is worth, on sessions that its fit did not see."""
    sessions = frame["session_date"].unique().sort()
    first = sessions[int(len(sessions) * (1 - MEASURED_SHARE))]
    later = (frame["session_date"] >= first).to_numpy()
    decided_at = frame.filter(pl.col("session_date") == first)["decision_at"].min()
    earlier = (frame["exit_at"] < decided_at).to_numpy()
    returns = pl.Series(_winsorised(frame["return_next_session"]))
    excess = (
        frame.select("session_date")
        .with_columns(it=returns)
        .select(pl.col("it") - pl.col("it").mean().over("session_date"))["it"]
        .to_numpy()[later]
    )
    least = LEAST_CORRELATION * float(excess.std())
    if not label[earlier].any():
        return least
    score = _fit_score(matrix[earlier], label[earlier], plan, SEEDS[:1]).of(matrix[later])
    power = float(score @ score)
    return max(least, float(score @ excess) / power if power else 0.0)
