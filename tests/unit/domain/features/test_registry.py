"""The registry: every feature once, complete, and worth its name."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from finpulse_assets.domain.audit.quality import constants_and_duplicates
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.feature import MINUTE, SESSION
from finpulse_assets.domain.features.registry import (
    ALL,
    COMPANY,
    FEATURES,
    TECHNICAL,
    TEXT,
    bar_features,
)
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.domain.simulator import MarketPlan, simulate

NAMED = {feature.name: feature for feature in ALL}


def test_there_are_at_least_114_features_each_once():
    assert len(FEATURES) >= 114
    assert len(NAMED) == len(ALL)
    assert set(FEATURES) <= set(ALL)


@pytest.mark.parametrize("feature", ALL, ids=lambda feature: feature.name)
def test_a_feature_says_what_it_is(feature):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
    for text in (feature.formula, feature.unit, feature.source):
        assert text.strip() == text != ""
    assert not feature.formula.endswith(".")
    assert feature.inputs
    assert 1 <= feature.lookback <= feature.warm_up
    assert set(feature.clocks) <= {"session", "minute"}
    # Something has to make it: a function, a statistic, the calendar, or dbt.
    by_dbt = feature in TEXT + COMPANY
    assert feature.compute or feature.across or feature.family == "calendar" or by_dbt


def test_no_feature_is_a_price_level():
    assert not {"open", "high", "low", "close", "volume", "vwap"} & set(NAMED)
    assert not [it.name for it in ALL if it.unit == "USD"]


def test_statistics_across_tickers_are_of_known_features():
    for feature in ALL:
        if feature.across:
            base = NAMED[feature.across[1]]
            assert base.warm_up == feature.warm_up, feature.name


def test_the_names_on_the_clock_of_minutes_are_distinct():
    names = [MINUTE.column(feature.name) for feature in bar_features(MINUTE)]
    assert len(set(names)) == len(names)
    assert MINUTE.words("the mean return_1d of 5 bars") == "the mean return_1m of 5 bars"
    assert [SESSION.column(it.name) for it in TECHNICAL] == [it.name for it in TECHNICAL]


def test_no_two_features_of_bars_repeat_each_other():
    """No pair correlates by more than 0.995 on a simulated market of 30 tickers."""
    sessions = build_sessions(date(2018, 1, 2), date(2024, 6, 28))
    market = simulate(MarketPlan(ticker_count=30, session_count=450, seed=11, effect=0.5), sessions)
    features = build_technical_features(
        market.prices.lazy(), market.corporate_actions.lazy(), sessions,
        as_of=datetime(2024, 7, 1, tzinfo=UTC), tickers=market.tickers.lazy(),
    )  # fmt: skip
    assert [str(it.what) for it in constants_and_duplicates(features, TECHNICAL)] == []
