"""The oracle on frames: each planted effect is found under its own name, and none where none is."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.report import claims_of, evaluate
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.linear import MarketHead
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.naive import Naive
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import NAIVE
from finpulse_assets.domain.models.training import TrainingPlan
from tests.unit.domain.evaluation.panels import FEATURES, FEATURES_WITHOUT_TEXT, training_frame

PLAN = RankingPlan(TrainingPlan(rounds=6, min_data_in_leaf=40, learning_rate=0.2, num_threads=1))
JUDGED = ("ranking", "market")
CANDIDATES = (
    Ranking("ranking", FEATURES, PLAN),
    Ranking("ranking_without_text", FEATURES_WITHOUT_TEXT, PLAN, is_baseline=True),
    MarketHead("market", (*FEATURES, "market_sentiment_mean")),
    Logistic("logistic_on_prices", FEATURES_WITHOUT_TEXT, is_baseline=True),
    *(Naive(name) for name in NAIVE),
)
SIZE = {"sessions": 140, "tickers": 12, "shared": 0.5}


def skills_of(frame: pl.DataFrame) -> set[str]:
    """Return the skills that the gate names; costs are 0, so that they hide nothing."""
    folds = purged_walk_forward(
        sessions_of(frame), folds=1, min_train_sessions=60, embargo_sessions=1
    )
    rows = walk_forward_predictions(frame, folds, CANDIDATES)
    found = [
        evaluate(rows, name, claims=claims_of(JUDGED), cost_bps=0, resamples=200).proven
        for name in JUDGED
    ]
    return {skill for proven in found for skill in proven}


@pytest.mark.parametrize("seed", range(2))
def test_an_effect_of_each_tickers_own_texts_is_ranking_and_text(seed):
    frame = training_frame(**SIZE, effect=0.6, seed=seed)
    assert skills_of(frame) - {"after_costs"} == {"ranking", "text"}


@pytest.mark.parametrize("seed", range(2))
def test_an_effect_on_all_tickers_is_the_market_and_never_ranking(seed):
    assert skills_of(training_frame(**SIZE, market_effect=0.6, seed=seed)) == {"market"}


def test_both_effects_have_both_names():
    frame = training_frame(**SIZE, effect=0.6, market_effect=0.6)
    assert skills_of(frame) - {"after_costs"} == {"ranking", "text", "market"}


def test_texts_that_are_shuffled_between_the_tickers_of_a_session_prove_nothing():
    frame = training_frame(**SIZE, effect=0.6)
    shuffled = frame.with_columns(pl.col("sentiment_mean").shuffle(seed=1).over("session_date"))
    assert not skills_of(shuffled)


@pytest.mark.long
def test_where_nothing_is_planted_at_most_one_run_of_twenty_claims_anything():
    claims = [skills_of(training_frame(**SIZE, seed=seed)) for seed in range(40)]
    assert sum(map(bool, claims)) <= 2
