"""The search for settings: its space, what is kept, and that no setting sees the holdout."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.tuning import (
    SPACE,
    Trial,
    TunedPlan,
    best_of,
    default_settings,
    measured,
    plan_of,
)
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.compute.search import NEVER_STOPPED, optuna_trials
from tests.unit.domain.evaluation.panels import FEATURES, training_frame


def shown(*rank_ics: float, first: int = 1) -> pl.DataFrame:
    days = pl.date_range(pl.date(2024, 1, first), pl.date(2024, 1, first + len(rank_ics) - 1),
                         eager=True)  # fmt: skip
    return pl.DataFrame({"session_date": days, "rank_ic": rank_ics})


def trial(rank_ics: list[float], *, is_complete: bool = True, **chosen: float) -> Trial:
    return Trial.of(default_settings() | chosen, [shown(*rank_ics)], is_complete=is_complete)


def test_the_default_settings_are_those_in_force_and_lie_in_the_space():
    assert plan_of(default_settings()) == RankingPlan()
    for name, value in default_settings().items():
        assert SPACE[name].low <= value <= SPACE[name].high, name


@pytest.mark.parametrize("wrong", [{"depth": 3.0}, {"num_leaves": 1}])
def test_settings_that_nobody_searches_for_are_refused(wrong):
    with pytest.raises(ModelError, match=r"depth|num_leaves"):
        plan_of(default_settings() | wrong)


def test_a_setting_with_the_signal_beats_one_without():
    """Measured fold by fold on sessions that the fit did not see."""
    frame = training_frame(sessions=60, tickers=10, effect=0.5)
    folds = purged_walk_forward(
        sessions_of(frame), folds=1, min_train_sessions=40, embargo_sessions=1
    )
    placed = places(frame, FEATURES)
    mean = {}
    for name, features in {"with": FEATURES, "without": ("rsi_14",)}.items():
        plan = plan_of(default_settings() | {"rounds": 50}).with_threads(1)
        parts = list(measured(placed, folds, Ranking("ranking", features, plan)))
        tested = [day for fold in folds for day in fold.test_sessions]
        assert pl.concat(parts)["session_date"].to_list() == tested
        mean[name] = pl.concat(parts)["rank_ic"].mean()
    assert mean["with"] > 0.2 > mean["without"]


def measure(chosen):
    """A hill: 4 folds, best at 8 leaves and a penalty of 2."""
    from math import log

    height = -abs(log(chosen["num_leaves"] / 8)) - abs(log(chosen["ridge_penalty"] / 2))
    for fold in range(4):
        yield shown(0.1 * height, 0.1 * height + 0.01, first=1 + 2 * fold)


def search(trials: int, seed: int = 7) -> list[Trial]:
    return list(optuna_trials(measure, trials=trials, first=default_settings(), seed=seed))


@pytest.fixture(scope="module")
def found() -> list[Trial]:
    return search(40)


def test_a_search_begins_with_the_default_climbs_and_stops_what_falls_behind(found):
    assert found[0].chosen == default_settings()
    assert all(it.is_complete for it in found[:NEVER_STOPPED])
    stopped = [it for it in found if not it.is_complete]
    assert stopped, "a trial below the median of the others ends early"
    assert all(it.folds < 4 for it in stopped)
    best = best_of(found, split="walk_forward")
    assert best.rank_ic > best.default_rank_ic
    assert best.plan.trees.num_leaves in range(6, 11)


def test_equal_seeds_search_alike(found):
    again = search(12)
    assert [it.chosen for it in again] == [it.chosen for it in found[:12]]


def test_every_trial_counts_those_that_were_stopped_and_those_of_before_too(found):
    assert best_of(found, split="walk_forward", tried_before=30).trials == 70


def test_the_plan_is_kept_as_it_was_found():
    plan = best_of([trial([0.0, 0.1] * 6), trial([0.2, 0.1] * 6, rounds=60)], split="combinatorial")
    assert plan.chosen["rounds"] == 60
    assert plan.overfitting == 0.0
    assert TunedPlan.from_json(plan.to_json()) == plan
    few = best_of([trial([0.0, 0.1])], split="walk_forward")
    assert '"overfitting": null' in few.to_json()
    assert TunedPlan.from_json(few.to_json()).to_json() == few.to_json()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"chosen": {}}'])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(ModelError, match="no plan that `finpulse tune` wrote"):
        TunedPlan.from_json(text)


def test_without_a_rank_ic_nothing_is_chosen():
    with pytest.raises(ModelError, match="no tested session has a rank IC"):
        best_of([Trial.of(default_settings(), [shown(0.1).clear()], is_complete=True)], split="x")
