"""The search for settings of the ranking on the training set of a home, its holdout left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl

from finpulse_assets.domain.evaluation.combinatorial import combinatorial_purged
from finpulse_assets.domain.evaluation.splits import Fold, sessions_of
from finpulse_assets.domain.evaluation.tuning import (
    Chosen,
    Trial,
    TunedPlan,
    best_of,
    default_settings,
    measured,
    plan_of,
)
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking
from finpulse_assets.domain.models.registry import RANKING
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.compute.ray_search import ray_trials
from finpulse_assets.gateways.compute.search import optuna_trials
from finpulse_assets.orchestration.training.training_plan import Recipe, tuned_plan
from finpulse_assets.settings import Settings

GROUPS, TEST_GROUPS = 6, 2  # of combinatorial purged cross-validation


@dataclass(frozen=True)
class Measuring:
    """Settings to what they show on the folds; it travels to the machines that measure.

    Attributes:
        placed: the training frame, its features as places, without the holdout.
        folds: what is fitted and tested.
        features: of the candidate.
        threads: that a fit takes.
    """

    placed: pl.DataFrame
    folds: tuple[Fold, ...]
    features: tuple[str, ...]
    threads: int

    def __call__(self, chosen: Chosen) -> Iterator[pl.DataFrame]:
        plan = plan_of(chosen).with_threads(self.threads)
        return measured(self.placed, self.folds, Ranking(RANKING, self.features, plan))


def tune(
    recipe: Recipe,
    *,
    trials: int,
    seed: int = 7,
    on_trial: Callable[[Trial], None] = lambda _trial: None,
) -> TunedPlan:
    """Search for settings and return the best, with the number of all that were ever tried.

    Args:
        recipe: of the home.
        trials: how many to try; the first is that of the default settings.
        seed: of the draws.
        on_trial: called with each trial that has ended, for progress.

    Raises:
        SettingError: the ranking is no candidate.
        EvaluationError: there are too few sessions.
        ComputeError: the package of the search is not installed, or the machines cannot be had.
    """
    settings = recipe.settings
    if RANKING not in settings.candidates.split(","):
        raise SettingError(
            f"FINPULSE_CANDIDATES is {settings.candidates}: there is no ranking to tune"
        )
    folds = folds_of(recipe)
    features = next(it for it in recipe.candidates if it.name == RANKING).features
    tested = {day for fold in folds for day in (*fold.train_sessions, *fold.test_sessions)}
    frame = recipe.frame.filter(pl.col("session_date").is_in(sorted(tested)))
    is_ray = settings.scoring_engine == "ray"
    measure = Measuring(
        places(frame, features), folds, features, 1 if is_ray else settings.model_threads
    )
    search = (
        partial(ray_trials, address=settings.ray_address, at_once=settings.ray_actors)
        if is_ray
        else optuna_trials
    )
    found = []
    for trial in search(measure, trials=trials, first=default_settings(), seed=seed):
        found.append(trial)
        on_trial(trial)
    before = tuned_plan(settings)
    return best_of(found, split=settings.tuning_split, tried_before=before.trials if before else 0)


def folds_of(recipe: Recipe) -> tuple[Fold, ...]:
    """Return the folds that settings are measured on, none of which sees the holdout."""
    settings: Settings = recipe.settings
    if settings.tuning_split == "walk_forward":
        return tuple(recipe.folds)
    sessions = sessions_of(recipe.frame)
    return tuple(
        combinatorial_purged(
            sessions.head(sessions.height - settings.holdout_sessions),
            groups=GROUPS,
            test_groups=TEST_GROUPS,
            embargo_sessions=settings.embargo_sessions,
        )
    )
