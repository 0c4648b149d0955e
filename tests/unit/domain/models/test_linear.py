"""The linear candidates: a market effect is found by the market head alone, and files come back."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.linear import (
    LinearModel,
    MarketHead,
    market_wide,
)
from finpulse_assets.errors import ModelError
from tests.unit.domain.evaluation.panels import FEATURES, training_frame


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Return a market whose next mean return follows `vix`, which is equal for all tickers."""
    rows = training_frame(sessions=200)
    days = rows["session_date"].unique().sort()
    vix = pl.Series(np.random.default_rng(5).standard_normal(len(days)))
    by_day = pl.DataFrame({"session_date": days, "vix": vix})
    moved = rows.join(by_day, on="session_date", maintain_order="left").with_columns(
        return_next_session=pl.col("return_next_session") + 0.01 * pl.col("vix")
    )
    return moved.with_columns(is_up=pl.col("return_next_session") > 0)


def test_the_market_head_reads_what_is_equal_for_all_tickers_and_finds_its_effect(frame):
    inputs = (*FEATURES, "vix")
    assert market_wide(frame, inputs) == ["vix"]
    model = MarketHead("market", inputs).fit(frame)
    forecast = model.forecast(frame)
    assert model.features == ("vix",)
    by_day = frame.select("session_date", "return_next_session").hstack(forecast)
    assert by_day.group_by("session_date").agg(pl.col("score").n_unique())["score"].max() == 1
    days = by_day.group_by("session_date").agg(pl.col("score", "return_next_session").mean())
    assert days.select(pl.corr("score", "return_next_session")).item() > 0.8
    assert ((forecast["expected_return"] >= 0) == forecast["predicts_up"]).all()


def test_a_market_without_any_market_feature_says_the_mean(frame):
    forecast = MarketHead("market", FEATURES).fit(frame).forecast(frame)
    assert forecast["expected_return"].n_unique() == 1


def test_a_rule_is_its_file(frame):
    model = MarketHead("market", (*FEATURES, "vix")).fit(frame)
    assert LinearModel.from_files(model.files()) == model
    with pytest.raises(ModelError, match="does not describe a linear rule"):
        LinearModel.from_files({CARD_FILE: '{"family": "linear"}'})


def test_a_feature_of_few_days_is_not_the_markets():
    """Where the only tickers of a feature differ, it is theirs, not the market's."""
    days = [date(2024, 7, 2)] * 3
    one_day = pl.DataFrame({"session_date": days, "rsi": [1.0, 1.0, 5.0]})
    assert market_wide(one_day, ("rsi",)) == []
