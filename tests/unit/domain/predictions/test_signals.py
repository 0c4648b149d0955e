"""Signals: ranks, reasons, target sessions, versions, and which version of a session counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.sentiment_head import FEATURES as SENTIMENT_INPUTS
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.domain.predictions.abstention import (
    CONTRADICTION,
    DISSIMILAR,
    MODEL_EXPIRED,
    NO_PROVEN_SKILL,
)
from finpulse_assets.domain.predictions.signals import (
    LATE,
    LIVE,
    current_signals,
    direction,
    new_version,
    signals_of,
)
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import DAILY_SIGNALS
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

SESSIONS = build_sessions(date(2024, 11, 25), date(2024, 12, 13))
HALF_DAY, MONDAY, TUESDAY = date(2024, 11, 29), date(2024, 12, 2), date(2024, 12, 3)
CLOSED = datetime(2024, 12, 2, 21, 30, tzinfo=UTC)  # after Monday's decision
EVENING = datetime(2024, 12, 3, 1, 0, tzinfo=UTC)  # 20:00 in New York
OPENED = datetime(2024, 12, 3, 14, 30, tzinfo=UTC)  # Tuesday, for which Monday's signals are
PLAN = TrainingPlan(rounds=10, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)


@pytest.fixture(scope="module")
def model() -> PriceModel:
    return fit_price_model(training_frame(effect=1.0, sessions=30), PLAN, FEATURES)


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    """Two sessions of ten tickers."""
    frame = training_frame(sessions=2, seed=3).select("ticker", *FEATURES)
    return frame.with_columns(session_date=pl.Series([HALF_DAY] * 10 + [MONDAY] * 10))


def predict(model, features, day, *, at=CLOSED, **options):
    says = {"skills": (), "model_version": "m1"} | options
    return signals_of(model, features, SESSIONS, session_date=day, predicted_at=at, **says)


def add(history: pl.DataFrame, computed: pl.DataFrame) -> pl.DataFrame:
    """Append what is new, as the lake does."""
    return DAILY_SIGNALS.enforce(pl.concat([history, new_version(computed, history)]))


def test_a_signal_is_what_the_model_predicts(model, features):
    signals = predict(model, features.sample(fraction=1.0, shuffle=True, seed=1), MONDAY)
    rows = features.filter(session_date=MONDAY).sort("ticker")
    probability, expected = model.predict(rows)
    assert signals["ticker"].to_list() == rows["ticker"].to_list()
    np.testing.assert_array_equal(signals["probability_up"], probability)
    np.testing.assert_array_equal(signals["expected_return"], expected)
    assert signals["reasons"].to_list() == model.reasons(rows)
    assert "sentiment_mean" in signals["reasons"][0]
    assert signals["origin"].unique().to_list() == [LIVE]
    assert signals["probability_lower"].null_count() == 10
    shown = signals.select("is_proven", "model_version", "predicted_at").unique()
    assert shown.rows() == [(False, "m1", CLOSED)]


def test_a_signal_is_for_the_next_session(model, features):
    signals = predict(model, features, HALF_DAY)
    assert signals["target_session_date"].unique().to_list() == [MONDAY]
    assert signals["origin"].unique().to_list() == [LATE], "computed after Monday had opened"
    assert [f"{at:%Y-%m-%d %H:%M}" for at in signals["decision_at"].unique()] == [
        "2024-11-29 18:15"
    ]


def test_a_calibrated_model_gives_an_interval(model, features):
    frame = training_frame(effect=1.0, sessions=30)
    probability, expected = model.predict(frame)
    calibrated = model.calibrated(
        frame.with_columns(
            pl.Series("probability_up", probability), pl.Series("expected_return", expected)
        )
    )
    signals = predict(calibrated, features, HALF_DAY, skills=("ranking", "text"))
    assert (signals["probability_lower"] <= signals["probability_upper"]).all()
    assert (signals["return_lower"] < signals["expected_return"]).all()
    assert (signals["expected_return"] < signals["return_upper"]).all()
    assert (signals["return_p10"] < signals["return_p50"]).all()
    assert (signals["return_p50"] < signals["return_p90"]).all()
    assert signals["expected_sentiment"].null_count() == signals.height, "no head is proven"
    assert signals["is_proven"].all()
    assert signals["skills"].unique().to_list() == ["ranking, text"]


def test_a_proven_sentiment_head_stands_in_the_signals_and_an_unproven_one_does_not(
    model, features
):
    texts = pl.Series("ignored", [0.0] * features.height)
    known = features.with_columns(
        texts.alias(name) for name in SENTIMENT_INPUTS if name not in features.columns
    )
    width = [0.0] * len(SENTIMENT_INPUTS)
    head = SentimentHead(tuple(width), tuple(1.0 for _ in width), tuple(width), 0.25)
    unproven = predict(model.with_sentiment_head(head), known, HALF_DAY)
    assert unproven["expected_sentiment"].null_count() == unproven.height
    proven = replace(head, gain_lower=0.1, gain_over_mean_lower=0.1)
    signals = predict(model.with_sentiment_head(proven), known, HALF_DAY)
    assert signals["expected_sentiment"].unique().to_list() == [0.25]


def test_a_signal_says_why_it_should_not_be_acted_on(model, features):
    """The first reason that holds, a code a row."""

    def reasons(of, rows=features, **options):
        signals = predict(of, rows, MONDAY, **{"skills": ("ranking",)} | options)
        return dict(signals.select("ticker", "abstain_reason").iter_rows())

    at_hand = replace(model, trained_to=HALF_DAY)
    known = at_hand.trained_on(feature_matrix(training_frame(sessions=60), FEATURES))
    strange = features.with_columns(
        pl.when(pl.col("ticker") == "T03").then(99.0).otherwise(pl.col(name)).alias(name)
        for name in FEATURES
    )
    assert set(reasons(known, skills=()).values()) == {NO_PROVEN_SKILL}
    says = reasons(known, strange)
    assert says.pop("T03") == DISSIMILAR
    assert not {DISSIMILAR, NO_PROVEN_SKILL} & set(says.values())
    assert reasons(at_hand, strange)["T03"] in (None, CONTRADICTION), "it does not know its range"
    calendar = build_sessions(date(2024, 5, 1), date(2024, 12, 13))
    old = replace(known, trained_to=calendar["session_date"][0])
    expired = signals_of(
        old, features, calendar, session_date=MONDAY, predicted_at=CLOSED,
        skills=("ranking",), model_version="m1",
    )  # fmt: skip
    assert set(expired["abstain_reason"]) == {MODEL_EXPIRED}


def test_rank_one_is_the_strongest(model, features):
    ranked = predict(model, features, MONDAY).sort("rank")
    assert ranked["rank"].to_list() == list(range(1, 11))
    assert ranked["probability_up"].is_sorted(descending=True)


def test_equal_signals_rank_by_ticker(model, features):
    equal = features.filter(session_date=MONDAY).with_columns(
        [pl.lit(0.0).alias(name) for name in FEATURES]
    )
    ranks = predict(model, equal, MONDAY).sort("rank")["ticker"].to_list()
    assert ranks == sorted(ranks)


def test_a_session_without_features_is_a_sentence(model, features):
    sentence = (
        "no ticker has features on 2024-12-03, the last completed session "
        r"\(the features end on 2024-12-02\). Hint: check that the price source reaches"
    )
    with pytest.raises(EvaluationError, match=sentence):
        predict(model, features, TUESDAY)
    with pytest.raises(EvaluationError, match=r"the last completed session \(there are none\)"):
        predict(model, features.clear(), TUESDAY)


def test_a_calendar_that_ends_before_the_target_is_a_sentence(model, features):
    short = SESSIONS.filter(pl.col("session_date") <= MONDAY)
    with pytest.raises(EvaluationError, match="the calendar ends on 2024-12-02, before the target"):
        signals_of(
            model, features, short, session_date=MONDAY, predicted_at=CLOSED, skills=(),
            model_version="m1",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "origin"),
    [(CLOSED, LIVE), (OPENED - timedelta(seconds=1), LIVE), (OPENED, LATE)],
)
def test_a_signal_is_live_before_it_can_be_traded(model, features, at, origin):
    assert predict(model, features, MONDAY, at=at)["origin"].unique().to_list() == [origin]


def test_a_retraining_in_the_evening_adds_a_version_and_overwrites_nothing(model, features):
    """Defect: what was published at 16:30 was replaced by what a retraining said at 20:00."""
    afternoon = predict(model, features, MONDAY)
    retrained = replace(model, probability_text=model.return_text)
    evening = predict(
        retrained, features, MONDAY, at=EVENING, skills=("ranking",), model_version="m2"
    )
    history = add(add(DAILY_SIGNALS.empty(), afternoon), evening)
    assert history.filter(predicted_at=CLOSED).equals(afternoon)
    assert history.filter(predicted_at=EVENING).equals(evening)
    assert current_signals(history).equals(evening)


def test_saying_the_same_again_adds_nothing(model, features):
    history = add(DAILY_SIGNALS.empty(), predict(model, features, MONDAY))
    again = predict(model, features, MONDAY, at=EVENING)
    assert new_version(again, history).is_empty()
    assert add(history, again).equals(history)


def test_a_lost_proof_is_said_in_a_version_of_its_own(model, features):
    history = add(DAILY_SIGNALS.empty(), predict(model, features, MONDAY, skills=("ranking",)))
    history = add(history, predict(model, features, MONDAY, at=EVENING, skills=()))
    assert history["is_proven"].sum() == 10
    assert not current_signals(history)["is_proven"].any()


def test_two_versions_of_one_as_of_time_stay_apart_and_the_later_one_counts(model, features):
    """A data set that has ended has one as-of time for every run."""
    history = add(DAILY_SIGNALS.empty(), predict(model, features, MONDAY))
    history = add(history, predict(model, features, MONDAY, model_version="m2"))
    history = add(history, predict(model, features, MONDAY, model_version="m3"))
    assert history.height == 30
    times = history["predicted_at"].unique().sort().to_list()
    assert times == [CLOSED + timedelta(microseconds=at) for at in range(3)]
    assert current_signals(history)["model_version"].unique().to_list() == ["m3"]


def test_a_late_version_counts_only_where_there_is_no_live_one(model, features):
    late = predict(model, features, MONDAY, at=OPENED, model_version="m2")
    history = add(DAILY_SIGNALS.empty(), predict(model, features, MONDAY))
    assert new_version(late, history).is_empty(), "it says nothing that anybody could act on"
    assert current_signals(pl.concat([history, late])).equals(history)
    only_late = add(DAILY_SIGNALS.empty(), late)
    assert current_signals(only_late).equals(late)


def test_a_session_comes_whole_from_one_version(model, features):
    fewer = features.filter(pl.col("ticker") < "T07")
    history = add(DAILY_SIGNALS.empty(), predict(model, features, MONDAY))
    history = add(history, predict(model, fewer, MONDAY, at=EVENING, model_version="m2"))
    history = pl.concat([history, predict(model, features, HALF_DAY)])
    current = current_signals(history)
    assert current.filter(session_date=MONDAY)["rank"].sort().to_list() == list(range(1, 8))
    assert current.filter(session_date=HALF_DAY).height == 10
    assert current.select(pl.struct("ticker", "session_date").is_unique()).to_series().all()


@pytest.mark.parametrize(("probability", "word"), [(0.5, "up"), (0.4999999, "down"), (1.0, "up")])
def test_a_direction(probability, word):
    assert direction(probability) == word
