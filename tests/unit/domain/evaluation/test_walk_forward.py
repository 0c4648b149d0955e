"""Out-of-sample predictions of the whole recipe, from frame to verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import (
    check_identity,
    walk_forward_predictions,
)
from finpulse_assets.domain.models.linear import MarketHead
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.naive import Naive
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import NAIVE, baselines_of
from finpulse_assets.domain.models.training import TrainingPlan
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import OUT_OF_SAMPLE
from tests.unit.domain.evaluation.panels import FEATURES, FEATURES_WITHOUT_TEXT, training_frame

PLAN = RankingPlan(
    TrainingPlan(rounds=15, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)
)
FRAME = training_frame(sessions=90, effect=1.0)
FOLDS = purged_walk_forward(sessions_of(FRAME), folds=2, min_train_sessions=40, embargo_sessions=2)
RANKING = Ranking("ranking", FEATURES, PLAN)
CANDIDATES = (
    RANKING,
    Ranking("ranking_without_text", FEATURES_WITHOUT_TEXT, PLAN, is_baseline=True),
    MarketHead("market", FEATURES),
    Logistic("logistic_on_prices", FEATURES_WITHOUT_TEXT, is_baseline=True),
    *(Naive(name) for name in NAIVE),
)


@pytest.fixture(scope="module")
def predictions() -> pl.DataFrame:
    return walk_forward_predictions(FRAME, FOLDS, CANDIDATES, sentiment_fingerprint="s1")


def test_every_test_row_is_predicted_once(predictions):
    tested = [day for fold in FOLDS for day in fold.test_sessions]
    assert OUT_OF_SAMPLE.enforce(predictions).equals(predictions)
    rows = FRAME.filter(pl.col("session_date").is_in(tested)).height
    counts = dict(predictions.group_by("candidate").len().iter_rows())
    assert counts == dict.fromkeys(("ranking", "market", *baselines_of("ranking")), rows)
    assert predictions["horizon_sessions"].unique().to_list() == [1]
    by_fold = predictions.group_by("fold").agg(pl.col("session_date").unique().sort())
    assert {fold: tuple(days) for fold, days in by_fold.iter_rows()} == {
        fold.index: fold.test_sessions for fold in FOLDS
    }


def test_the_future_does_not_change_a_prediction(predictions):
    """Turning every label after the first test session around leaves fold 1 as it was."""
    boundary = FOLDS[0].test_sessions[0]
    turned = FRAME.with_columns(
        pl.when(pl.col("session_date") >= boundary)
        .then(-pl.col("return_next_session"))
        .otherwise("return_next_session")
        .alias("return_next_session")
    ).with_columns((pl.col("return_next_session") > 0).alias("is_up"))
    other = walk_forward_predictions(turned, FOLDS[:1], CANDIDATES)
    said = ["candidate", "ticker", "session_date", "probability_up", "score", "expected_return"]
    assert other.select(said).equals(predictions.filter(pl.col("fold") == 1).select(said))


def test_the_planted_text_effect_is_found_and_belongs_to_the_text(predictions):
    evaluation = evaluate(predictions, "ranking", resamples=300)
    assert {"ranking", "text"} <= set(evaluation.proven)
    assert not evaluation.estimate("rank_ic", "ranking_without_text").lower > 0


def test_progress_is_reported_fold_by_fold():
    seen = []
    walk_forward_predictions(
        FRAME,
        FOLDS,
        [Naive("always_up")],
        on_fold=lambda fold, rows: seen.append((fold.index, rows.height)),
    )
    assert seen == [(fold.index, 10 * len(fold.test_sessions)) for fold in FOLDS]


def test_the_id_stands_for_the_recipe_the_rows_and_the_scores(predictions):
    ids = dict(predictions.select("candidate", "candidate_id").unique().iter_rows())
    assert len(set(ids.values())) == len(CANDIDATES)
    assert all(len(name) == 16 for name in ids.values())
    again = walk_forward_predictions(FRAME, FOLDS, CANDIDATES, sentiment_fingerprint="s1")
    assert again.equals(predictions)
    corrected = FRAME.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(0.7).otherwise("rsi_14").alias("rsi_14")
    )
    others = {
        "another sentiment model": (FRAME, RANKING, "s2"),
        "a corrected row": (corrected, RANKING, "s1"),
        "another plan": (FRAME, replace(RANKING, plan=replace(PLAN, ridge_penalty=2.0)), "s1"),
        "other inputs": (FRAME, replace(RANKING, features=FEATURES[:3]), "s1"),
    }
    for what, (frame, candidate, fingerprint) in others.items():
        rows = walk_forward_predictions(
            frame, FOLDS, [candidate], sentiment_fingerprint=fingerprint
        )
        assert rows["candidate_id"][0] != ids["ranking"], what


def test_a_model_is_fitted_only_by_the_recipe_of_its_predictions(predictions):
    """Another run may have changed the training set, or the predictions, since they were made."""
    own = predictions.filter(candidate="ranking")
    held = check_identity(RANKING, own, frame=FRAME, sentiment_fingerprint="s1")
    assert held == own["candidate_id"][0]
    shuffled = own.sample(fraction=1.0, shuffle=True, seed=1)
    assert check_identity(RANKING, shuffled, frame=FRAME, sentiment_fingerprint="s1") == held
    with pytest.raises(EvaluationError, match=rf"of ranking are those of the candidate {held}, "):
        check_identity(RANKING, own, frame=FRAME[1:], sentiment_fingerprint="s1")
    with pytest.raises(EvaluationError, match="another run has changed one of them meanwhile"):
        check_identity(RANKING, own, frame=FRAME, sentiment_fingerprint="s2")
    with pytest.raises(EvaluationError, match="there are no out-of-sample predictions of the cand"):
        check_identity(RANKING, own.clear(), frame=FRAME, sentiment_fingerprint="s1")


def test_folds_of_another_frame_that_leak_are_refused():
    leaking = replace(FOLDS[0], first_test_decision_at=datetime(2020, 1, 5, tzinfo=UTC))
    with pytest.raises(EvaluationError, match="training rows of fold 1 have labels that end at or"):
        walk_forward_predictions(FRAME, [leaking], CANDIDATES)


def test_no_folds_is_an_error():
    with pytest.raises(EvaluationError, match="has 0 folds, it needs at least 1"):
        walk_forward_predictions(FRAME, [], CANDIDATES)
