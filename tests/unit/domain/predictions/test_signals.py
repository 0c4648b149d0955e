"""Signals: ranks, reasons, target sessions, and which of several signals of a session stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from evaluation_panels import FEATURES, training_frame

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.domain.predictions.signals import (
    LIVE,
    WALK_FORWARD,
    direction,
    live_signals,
    merge_signals,
    past_signals,
)
from finpulse_assets.errors import EvaluationError, SchemaError
from finpulse_assets.schemas import DAILY_SIGNALS, OUT_OF_SAMPLE

SESSIONS = build_sessions(date(2024, 11, 25), date(2024, 12, 13))
HALF_DAY, MONDAY, TUESDAY = date(2024, 11, 29), date(2024, 12, 2), date(2024, 12, 3)
PLAN = TrainingPlan(rounds=10, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)


@pytest.fixture(scope="module")
def model() -> PriceModel:
    return fit_price_model(training_frame(effect=1.0, sessions=30), PLAN, FEATURES)


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    """Two sessions of ten tickers."""
    frame = training_frame(sessions=2, seed=3).select("ticker", *FEATURES)
    return frame.with_columns(session_date=pl.Series([HALF_DAY] * 10 + [MONDAY] * 10))


def speak(model, features, day, **options):
    says = {"is_proven": False, "model_version": "m1"} | options
    return live_signals(model, features, SESSIONS, session_date=day, **says)


def predictions(*rows: tuple[str, date, float]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["ticker", "session_date", "probability_up"], orient="row")
    return OUT_OF_SAMPLE.enforce(
        frame.with_columns(
            fold=pl.lit(1),
            expected_return=pl.lit(0.0),
            probability_up_without_text=pl.lit(0.5),
            is_up=pl.lit(True),
            return_next_session=pl.lit(0.01),
        )
    )


def past(*rows, model_version: str = "m1") -> pl.DataFrame:
    return past_signals(predictions(*rows), SESSIONS, is_proven=False, model_version=model_version)


def test_a_live_signal_says_what_the_model_says(model, features):
    signals = speak(model, features.sample(fraction=1.0, shuffle=True, seed=1), HALF_DAY)
    rows = features.filter(session_date=HALF_DAY).sort("ticker")
    probability, expected = model.predict(rows)
    assert signals["ticker"].to_list() == rows["ticker"].to_list()
    np.testing.assert_array_equal(signals["probability_up"], probability)
    np.testing.assert_array_equal(signals["expected_return"], expected)
    assert signals["reasons"].to_list() == model.reasons(rows)
    assert "sentiment_mean" in signals["reasons"][0]
    assert signals["origin"].unique().to_list() == [LIVE]
    assert signals["probability_lower"].null_count() == 10
    assert signals.select("is_proven", "model_version").unique().rows() == [(False, "m1")]


def test_a_signal_is_for_the_next_session(model, features):
    signals = speak(model, features, HALF_DAY)
    assert signals["target_session_date"].unique().to_list() == [MONDAY]
    assert [f"{at:%Y-%m-%d %H:%M}" for at in signals["decision_at"].unique()] == [
        "2024-11-29 18:15"
    ]


def test_a_calibrated_model_gives_an_interval(model, features):
    frame = training_frame(effect=1.0, sessions=30)
    probability, _ = model.predict(frame)
    calibrated = model.calibrated(frame.with_columns(pl.Series("probability_up", probability)))
    signals = speak(calibrated, features, HALF_DAY, is_proven=True)
    assert (signals["probability_lower"] <= signals["probability_upper"]).all()
    assert signals["is_proven"].all()


def test_rank_one_is_the_strongest(model, features):
    ranked = speak(model, features, MONDAY).sort("rank")
    assert ranked["rank"].to_list() == list(range(1, 11))
    assert ranked["probability_up"].is_sorted(descending=True)


def test_equal_signals_rank_by_ticker():
    rows = [("C", MONDAY, 0.5), ("B", MONDAY, 0.5 + 1e-12), ("A", MONDAY, 0.5), ("D", MONDAY, 0.6)]
    signals = past(*rows, ("Z", TUESDAY, 0.1))
    ranks = dict(signals.select("ticker", "rank").iter_rows())
    assert ranks == {"D": 1, "A": 2, "B": 3, "C": 4, "Z": 1}
    assert signals["origin"].unique().to_list() == [WALK_FORWARD]
    assert signals["reasons"].unique().to_list() == [""]
    assert signals["target_session_date"].to_list()[:1] == [TUESDAY]


def test_a_session_without_features_is_a_sentence(model, features):
    sentence = (
        "no ticker has features on 2024-12-03, the last completed session "
        r"\(the features end on 2024-12-02\). Hint: check that the price source reaches"
    )
    with pytest.raises(EvaluationError, match=sentence):
        speak(model, features, TUESDAY)
    with pytest.raises(EvaluationError, match=r"the last completed session \(there are none\)"):
        speak(model, features.clear(), TUESDAY)


def test_a_session_outside_the_calendar_is_refused():
    with pytest.raises(SchemaError, match="nulls where none may be: decision_at"):
        past(("A", date(2024, 12, 14), 0.5))


def test_the_walk_forward_fills_what_was_not_said_live(model, features):
    live = speak(model, features, MONDAY)
    merged = merge_signals(
        past(("T00", HALF_DAY, 0.9), ("T00", MONDAY, 0.9), ("NEW", MONDAY, 0.8)),
        live,
        DAILY_SIGNALS.empty(),
    )
    assert merged.filter(origin=LIVE).equals(live)
    assert merged.filter(origin=WALK_FORWARD)["session_date"].to_list() == [HALF_DAY]
    ranks = merged.select(pl.struct("session_date", "rank").is_unique())
    assert ranks.to_series().all()


def test_what_was_said_live_earlier_is_never_touched(model, features):
    said = merge_signals(past(), speak(model, features, HALF_DAY), DAILY_SIGNALS.empty())
    changed = replace(model, probability_text=model.return_text)
    later = merge_signals(
        past(("T00", HALF_DAY, 0.9), ("T01", HALF_DAY, 0.1), model_version="m2"),
        speak(changed, features, MONDAY, is_proven=True, model_version="m2"),
        said,
    )
    assert later.filter(session_date=HALF_DAY).equals(said)
    assert later.filter(session_date=MONDAY)["model_version"].unique().to_list() == ["m2"]


def test_a_session_said_again_is_replaced_whole(model, features):
    said = merge_signals(past(), speak(model, features, MONDAY), DAILY_SIGNALS.empty())
    fewer = features.filter(pl.col("ticker") < "T07")
    again = merge_signals(past(), speak(model, fewer, MONDAY, model_version="m2"), said)
    assert again.height == 7
    assert again["rank"].sort().to_list() == list(range(1, 8))
    assert again["model_version"].unique().to_list() == ["m2"]


def test_an_old_walk_forward_gives_way_to_the_new_one(model, features):
    held = merge_signals(
        past(("T00", HALF_DAY, 0.9)), speak(model, features, MONDAY), DAILY_SIGNALS.empty()
    )
    merged = merge_signals(past(("T00", HALF_DAY, 0.2)), speak(model, features, MONDAY), held)
    assert merged.filter(origin=WALK_FORWARD)["probability_up"].to_list() == [0.2]


@pytest.mark.parametrize(("probability", "word"), [(0.5, "up"), (0.4999999, "down"), (1.0, "up")])
def test_a_direction(probability, word):
    assert direction(probability) == word
