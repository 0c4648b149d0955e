"""Out-of-sample predictions of the whole recipe, from frame to verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
from evaluation_panels import FEATURES, FEATURES_WITHOUT_TEXT, training_frame
from finpulse_assets.domain.evaluation.baselines import forecasts

from finpulse_assets.domain.evaluation.report import evaluate, text_gain
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.training import TrainingPlan
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import OUT_OF_SAMPLE

PLAN = TrainingPlan(rounds=15, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)
FRAME = training_frame(sessions=90, effect=1.0)
FOLDS = purged_walk_forward(sessions_of(FRAME), folds=2, min_train_sessions=40, embargo_sessions=2)
INPUTS = {"features_with_text": FEATURES, "features_without_text": FEATURES_WITHOUT_TEXT}


@pytest.fixture(scope="module")
def predictions() -> pl.DataFrame:
    return walk_forward_predictions(FRAME, PLAN, FOLDS, **INPUTS)


def test_every_test_row_is_predicted_once(predictions):
    tested = [day for fold in FOLDS for day in fold.test_sessions]
    assert OUT_OF_SAMPLE.enforce(predictions).equals(predictions)
    assert predictions.height == FRAME.filter(pl.col("session_date").is_in(tested)).height
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
    other = walk_forward_predictions(turned, PLAN, FOLDS[:1], **INPUTS)
    spoken = ["ticker", "session_date", "probability_up", "expected_return"]
    assert other.select(spoken).equals(predictions.filter(pl.col("fold") == 1).select(spoken))


def test_the_planted_text_effect_is_found_and_belongs_to_the_text(predictions):
    evaluation = evaluate(forecasts(predictions, FRAME, FOLDS), candidate_id="x", resamples=300)
    assert evaluation.verdict == "skill"
    assert text_gain(evaluation).lower > 0
    assert not evaluation.estimate("auc", "candidate_without_text").lower > 0.5


def test_progress_is_reported_fold_by_fold():
    seen = []
    walk_forward_predictions(
        FRAME,
        PLAN,
        FOLDS,
        **INPUTS,
        on_fold=lambda fold, rows: seen.append((fold.index, rows.height)),
    )
    assert seen == [(fold.index, 10 * len(fold.test_sessions)) for fold in FOLDS]


def test_folds_of_another_frame_that_leak_are_refused():
    leaking = replace(FOLDS[0], first_test_decision_at=datetime(2020, 1, 5, tzinfo=UTC))
    with pytest.raises(EvaluationError, match="training rows of fold 1 have labels that end at or"):
        walk_forward_predictions(FRAME, PLAN, [leaking], **INPUTS)


def test_no_folds_is_an_error():
    with pytest.raises(EvaluationError, match="has 0 folds, it needs at least 1"):
        walk_forward_predictions(FRAME, PLAN, [], **INPUTS)
