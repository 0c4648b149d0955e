"""The training plan of a deployment: how the settings shape training and evaluation.

Reading the training frame and cutting its folds as the settings say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold, purged_walk_forward, sessions_of
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.training import TrainingPlan
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.settings import Settings

TRAINING_SET = "fct_training_set"


@dataclass(frozen=True)
class Recipe:
    """A training frame with everything that decides the model made from it."""

    frame: pl.DataFrame
    settings: Settings

    @property
    def plan(self) -> TrainingPlan:
        return TrainingPlan(num_threads=self.settings.model_threads)

    @property
    def features(self) -> list[str]:
        return feature_names()

    @property
    def features_without_text(self) -> list[str]:
        return feature_names(with_text=False)

    @cached_property
    def folds(self) -> list[Fold]:
        return purged_walk_forward(
            sessions_of(self.frame),
            folds=self.settings.folds,
            min_train_sessions=self.settings.min_train_sessions,
            embargo_sessions=self.settings.embargo_sessions,
        )


def read_recipe(warehouse: Warehouse, settings: Settings) -> Recipe:
    """Return the recipe for the training set as dbt built it last."""
    frame = warehouse.query(f"select * from {TRAINING_SET} order by ticker, session_date")  # noqa: S608
    return Recipe(frame, settings)
