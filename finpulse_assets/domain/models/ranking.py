"""Fitting the ranking model: ridge and LightGBM on places, several seeds averaged.

Features and label are places within the session (see `places` and `taught`), so the fit sees
nothing of what moves all tickers at once. What a score is worth in returns: see `place_fit`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import Scale
from finpulse_assets.domain.models.lightgbm_model import booster_from_text
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.models.place_fit import places_and_label, stated
from finpulse_assets.domain.models.ranking_model import SEEDS, RankingModel
from finpulse_assets.domain.models.training import TrainingPlan

BLOCK = 65_536  # rows that are float64 at once


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
        ridge = np.einsum("rf,f->r", matrix, self.coefficients)
        return self.ridge_weight * ridge + self.booster_weight * trees


@on_one_blas_thread
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
    matrix, label = places_and_label(frame, features)
    score = _fit_score(matrix, label, plan, SEEDS)
    return RankingModel(
        features=tuple(features),
        plan={**plan.trees.recipe(), "ridge_penalty": plan.ridge_penalty},
        coefficients=tuple(float(it) for it in score.coefficients),
        ridge_weight=score.ridge_weight,
        booster_weight=score.booster_weight,
        booster_texts=score.booster_texts,
        **stated(frame, matrix, label, lambda *rows: _fit_score(*rows, plan, SEEDS[:1]).of),
    )


def _fit_score(
    matrix: np.ndarray, label: np.ndarray, plan: RankingPlan, seeds: tuple[int, ...]
) -> _Score:
    coefficients = _ridge(matrix, label, plan.ridge_penalty, plan.trees.num_threads)
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


def _ridge(matrix: np.ndarray, label: np.ndarray, penalty: float, threads: int) -> np.ndarray:
    """Return the coefficients of the ridge regression through the origin.

    Places have the mean 0, so no intercept is needed; the variance of a uniform place is 1/12.
    """
    width = matrix.shape[1]
    squares, cross = np.zeros((width, width)), np.zeros(width)

    def products(start: int) -> tuple[np.ndarray, np.ndarray]:
        block = matrix[start : start + BLOCK].astype(np.float64)
        return block.T @ block, block.T @ label[start : start + BLOCK]

    with ThreadPoolExecutor(threads) as pool:
        for of_block in pool.map(products, range(0, len(matrix), BLOCK)):
            squares += of_block[0]
            cross += of_block[1]
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
