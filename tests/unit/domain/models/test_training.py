"""Fitting: what is refused, what is deterministic, what is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.metrics import auc
from finpulse_assets.domain.models.training import LightGBM, TrainingPlan, fit_price_model
from finpulse_assets.errors import EvaluationError, ModelError
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

PLAN = TrainingPlan(rounds=20, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)


def test_a_planted_effect_is_found_by_both_boosters():
    train, test = training_frame(effect=1.0), training_frame(effect=1.0, seed=1)
    probability, expected = fit_price_model(train, PLAN, FEATURES).predict(test)
    assert probability.shape == expected.shape == (600,)
    assert auc(probability, test["is_up"].to_numpy()) > 0.7
    assert np.corrcoef(expected, test["return_next_session"])[0, 1] > 0.4


def test_equal_input_gives_equal_models():
    one, two = (fit_price_model(training_frame(effect=1.0), PLAN, FEATURES) for _ in range(2))
    assert one == two
    assert one.fingerprint == two.fingerprint


def test_the_number_of_threads_is_no_part_of_a_model():
    """Two machines gave the same model two ids."""
    frame = pl.concat([training_frame(effect=1.0, seed=seed) for seed in range(8)])
    assert frame.height >= 4_000, "enough that LightGBM shares the rows among threads"
    own, other = (LightGBM("one", FEATURES, replace(PLAN, num_threads=n)) for n in (1, 3))
    assert own.recipe() == other.recipe()
    assert own.fit(frame).files() == other.fit(frame).files()


def test_another_seed_gives_another_model():
    other = TrainingPlan(rounds=20, min_data_in_leaf=30, seed=8, num_threads=1)
    frame = training_frame(effect=1.0)
    assert (
        fit_price_model(frame, PLAN, FEATURES).fingerprint
        != fit_price_model(frame, other, FEATURES).fingerprint
    )


def test_null_and_nan_train_alike():
    frame = training_frame(effect=1.0)
    nulls = frame.with_columns(pl.col("sentiment_mean").fill_nan(None))
    assert nulls["sentiment_mean"].null_count() > 50
    assert fit_price_model(frame, PLAN, FEATURES) == fit_price_model(nulls, PLAN, FEATURES)


def test_one_wild_return_does_not_move_the_expected_returns():
    frame = training_frame()
    wild = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 7)
        .then(50.0)
        .otherwise("return_next_session")
        .alias("return_next_session")
    )
    _, expected = fit_price_model(wild, PLAN, FEATURES).predict(frame)
    assert np.abs(expected).max() < 0.02


def test_the_model_remembers_what_it_was_trained_on():
    frame = training_frame()
    model = fit_price_model(frame, PLAN, FEATURES)
    assert (model.trained_from, model.trained_to) == (
        frame["session_date"].min(),
        frame["session_date"].max(),
    )
    assert model.row_count == 600
    assert model.up_rate == pytest.approx(frame["is_up"].mean())
    assert model.plan["num_leaves"] == PLAN.num_leaves


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (training_frame(sessions=19), "has 190 rows, a fit needs at least 200"),
        (
            training_frame().with_columns(pl.lit(True).alias("is_up")),
            "all 600 training rows have is_up = true, a fit needs both classes",
        ),
        (
            training_frame().with_columns(
                pl.when(pl.int_range(pl.len()) > 2).then("is_up").alias("is_up")
            ),
            "3 of 600 training rows have no label",
        ),
        (
            training_frame().with_columns(
                pl.when(pl.int_range(pl.len()) > 4)
                .then("return_next_session")
                .otherwise(float("nan"))
                .alias("return_next_session")
            ),
            "5 of 600 training rows have no label",
        ),
    ],
)
def test_frames_that_cannot_teach_are_refused(frame, message):
    with pytest.raises(EvaluationError, match=message):
        fit_price_model(frame, PLAN, FEATURES)


def test_a_missing_feature_is_named():
    with pytest.raises(ModelError, match=r"lacks 1 of the model's 4 features: rsi_14\."):
        fit_price_model(training_frame().drop("rsi_14"), PLAN, FEATURES)


def test_a_feature_that_is_no_number_is_named():
    frame = training_frame().with_columns(pl.col("rsi_14").cast(pl.String))
    with pytest.raises(ModelError, match="feature rsi_14 has the dtype String"):
        fit_price_model(frame, PLAN, FEATURES)


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0), ("num_leaves", 1), ("feature_fraction", 1.5), ("num_threads", 0)],
)
def test_a_plan_out_of_range_is_refused(name, value):
    with pytest.raises(ModelError, match=f"plan's {name} is {value}, it should be"):
        TrainingPlan(**{name: value})
