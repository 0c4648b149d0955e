"""Every candidate that may be promoted, on the inputs of the small panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import in_scales, walk_forward_predictions
from finpulse_assets.domain.models.candidate import Candidate
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import CHALLENGERS, Model
from finpulse_assets.domain.models.training import LightGBM, TrainingPlan
from finpulse_assets.domain.models.xgboost_model import XGBoost, XGBoostPlan
from tests.unit.domain.evaluation.panels import FEATURES

TREES = TrainingPlan(rounds=15, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1)


def small_candidates(threads: int = 1) -> dict[str, Candidate]:
    """Return the candidates by name, with few rounds."""
    trees = replace(TREES, num_threads=threads)
    alone = (
        Ranking("ranking", FEATURES, RankingPlan(trees)),
        LightGBM("lightgbm", FEATURES, trees),
        Logistic("logistic", FEATURES),
        XGBoost("xgboost", FEATURES, XGBoostPlan(rounds=15, learning_rate=0.1, lambda_l2=1.0)),
    )
    found = {it.name: it for it in (*alone, Ensemble("ensemble", alone))}
    assert tuple(found) == CHALLENGERS
    return found


def fitted_on(
    frame: pl.DataFrame, candidates: Mapping[str, Candidate], rows: pl.DataFrame
) -> dict[str, Model]:
    """Return the models by name, fitted on a training frame; `rows` from `predicted`."""
    scaled = in_scales(frame, list(candidates.values()))
    models: dict[str, Model] = {}
    for name, candidate in candidates.items():
        if isinstance(candidate, Ensemble):
            models[name] = candidate.of(models, rows, frame)
        else:
            models[name] = candidate.fit(scaled[candidate.scale])
    return models


def predicted(frame: pl.DataFrame, candidates: Mapping[str, Candidate]) -> pl.DataFrame:
    """Return the predictions of two folds."""
    sessions = sessions_of(frame)
    folds = purged_walk_forward(
        sessions, folds=2, min_train_sessions=len(sessions) // 2, embargo_sessions=1
    )
    return walk_forward_predictions(frame, folds, list(candidates.values()))
