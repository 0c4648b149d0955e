"""The ranking model: what it learns, what it cannot see, and the same bytes for the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.ranking_model import RankingModel
from finpulse_assets.errors import EvaluationError, ModelError
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

PLAN = RankingPlan().with_threads(1)


def fitted(frame: pl.DataFrame, plan: RankingPlan = PLAN) -> RankingModel:
    return Ranking("ranking", FEATURES, plan).fit(places(frame, FEATURES))


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return training_frame(sessions=120, effect=0.5)


@pytest.fixture(scope="module")
def model(frame) -> RankingModel:
    return fitted(frame)


def rank_ic(model: RankingModel, frame: pl.DataFrame) -> float:
    scored = frame.with_columns(score=pl.Series(model.predict(frame)[1]))
    by_day = scored.group_by("session_date").agg(
        ic=pl.corr(pl.col("score").rank(), pl.col("return_next_session").rank())
    )
    return by_day["ic"].mean()


def test_a_planted_effect_orders_sessions_it_never_saw(model):
    assert rank_ic(model, training_frame(sessions=60, effect=0.5, seed=1)) > 0.25
    assert abs(rank_ic(model, training_frame(sessions=60, effect=0.0, seed=1))) < 0.1


def test_what_moves_all_tickers_at_once_changes_nothing(frame, model):
    """Defect: signals of a whole session had one probability and one reason, the month's day."""
    shift = pl.col("session_date").dt.day().cast(pl.Float64)
    moved = frame.with_columns(
        (pl.col("rsi_14") + 100 * shift).alias("rsi_14"),
        (pl.col("return_next_session") + 0.01 * shift).alias("return_next_session"),
    )
    other = fitted(moved)
    assert other.booster_texts == model.booster_texts
    assert other.coefficients == model.coefficients


def test_probability_and_expected_return_never_contradict_each_other(frame, model):
    """Defect: "up" with an expected return of -0.12 %, in 13 % of the signals."""
    probability, expected = model.predict(frame)
    assert ((probability >= 0.5) == (expected >= 0)).all()
    forecast = model.forecast(places(frame, FEATURES))
    assert forecast["expected_return"].to_numpy() == pytest.approx(expected)
    assert (forecast["predicts_up"].to_numpy() == (expected >= 0)).all()


def test_one_row_among_its_peers_is_answered_as_the_whole_session_is(frame, model):
    day = frame.filter(pl.col("session_date") == frame["session_date"][0])
    together = model.predict(day)[1]
    alone = [model.predict(row, day)[1][0] for row in day.iter_slices(1)]
    assert alone == pytest.approx(together, abs=1e-15)
    assert model.reasons(day) == [model.reasons(row, day)[0] for row in day.iter_slices(1)]


def test_reasons_say_the_feature_its_move_and_its_place(frame, model):
    day = frame.filter(pl.col("session_date") == frame["session_date"][0])
    best = int(np.argmax(model.predict(day)[1]))
    assert model.reasons(day)[best].startswith("sentiment_mean +")
    assert "(place " in model.reasons(day, top=1)[best]
    assert model.reasons(day.clear()) == []


def test_the_size_of_a_score_is_that_of_sessions_its_fit_did_not_see():
    strong = fitted(training_frame(sessions=160, effect=1.0))
    none = fitted(training_frame(sessions=160, effect=0.0))
    assert strong.slope > 5 * none.slope > 0


def test_equal_rows_give_equal_bytes_whatever_the_threads(frame, model):
    again = fitted(frame, PLAN.with_threads(2))
    assert again.files() == model.files()
    assert RankingModel.from_files(model.files()) == model
    assert again.fingerprint == model.fingerprint


def test_importance_finds_the_planted_feature(model):
    importance = model.importance()
    assert importance["feature"][0] == "sentiment_mean"
    assert importance["gain_share"].sum() == pytest.approx(1)
    assert importance["is_text"].to_list() == [
        name == "sentiment_mean" for name in importance["feature"]
    ]


def test_a_feature_all_null_and_one_that_is_equal_for_all_are_of_no_effect(frame):
    odd = frame.with_columns(rsi_14=pl.lit(None, pl.Float64), return_20d=pl.lit(1.0))
    model = fitted(odd)
    of = dict(zip(FEATURES, model.coefficients, strict=True))
    assert (of["rsi_14"], of["return_20d"]) == (0.0, pytest.approx(0.0, abs=1e-6))


def test_a_session_of_one_ticker_ranks_nothing(frame):
    alone = frame.filter(pl.col("ticker") == "T00")
    more = pl.concat([alone, alone.with_columns(pl.col("session_date").dt.offset_by("1000d"))])
    with pytest.raises(EvaluationError, match="no session of the training frame has two tickers"):
        fitted(more)


def test_too_few_rows_are_refused(frame):
    with pytest.raises(EvaluationError, match="has 100 rows, a fit needs at least 200"):
        fitted(frame.head(100))


@pytest.mark.parametrize("card", ["{}", '{"features": 1}'])
def test_files_of_something_else_are_refused(model, card):
    with pytest.raises(ModelError, match=r"does not describe a ranking model"):
        RankingModel.from_files({**model.files(), CARD_FILE: card})


def test_the_recipe_names_what_decides_and_nothing_else():
    recipe = Ranking("ranking", FEATURES, PLAN).recipe()
    assert recipe == Ranking("other", FEATURES, PLAN.with_threads(8)).recipe()
    assert recipe != Ranking("ranking", FEATURES, replace(PLAN, ridge_penalty=2.0)).recipe()


@pytest.mark.parametrize("rows", [1, 20])
def test_rows_as_matrices_get_the_numbers_that_frames_get(frame, model, rows):
    peers = frame.filter(pl.col("session_date") == frame["session_date"][0])
    own = frame.tail(rows)
    by_matrix = model.row_predictor(peers)(own.select(FEATURES).to_numpy())
    for one, other in zip(by_matrix, model.predict(own, peers), strict=True):
        assert np.array_equal(one, other)


def test_a_row_alone_gets_the_bits_that_it_gets_among_others(frame, model):
    """Defect it prevents: a prediction of a batch that differs in its last digit when replayed."""
    predict = model.row_predictor(frame.head(12))
    rows = frame.tail(200).select(FEATURES).to_numpy()
    alone = np.concatenate([predict(rows[at : at + 1])[0] for at in range(len(rows))])
    assert np.array_equal(predict(rows)[0], alone)
