"""Quality checks: each finds what it is for, shows the rows, and leaves sound values alone."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.audit.quality import (
    FEATURE_PROFILE,
    constants_and_duplicates,
    missing,
    moved,
    outliers,
    profile,
    stability_index,
    warm_values,
)
from finpulse_assets.domain.features.feature import Feature
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.features.technical import build_technical_features
from tests.unit.domain.audit.moving_market import SESSIONS, market

ROWS = 400


def feature(name: str, **more) -> Feature:
    return Feature(
        name=name, family="momentum", formula="any", inputs=("close",), unit="fraction",
        **{"lookback": 1, **more},
    )  # fmt: skip


LISTED = [feature("one", warm_up=20), feature("other"), feature("rare", sparse=True)]


def features(seed: int = 0, **columns) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = np.arange(ROWS)
    frame = pl.DataFrame(
        {
            "ticker": "T",
            "session_date": [date(2023, 1, 1) + timedelta(days=int(at)) for at in rows],
            "bars_seen": rows + 1,
            "one": random.standard_normal(ROWS),
            "other": random.standard_normal(ROWS),
            "rare": np.where(rows % 10 == 0, random.standard_normal(ROWS), np.nan),
        }
    )
    early = pl.when(pl.col("bars_seen") >= 20).then("one").alias("one")
    return frame.with_columns(early).with_columns(
        **{name: pl.Series(values) for name, values in columns.items()}
    )


def test_sound_features_are_in_order():
    frame = features()
    profiled = profile(frame, LISTED)
    assert missing(frame, LISTED, profiled) == []
    assert outliers(frame, LISTED, profiled) == []
    assert constants_and_duplicates(frame, LISTED) == []
    assert moved(features(seed=1), LISTED[:2], profiled) == []


def test_the_profile_says_what_there_is():
    rows = {row["feature"]: row for row in profile(features(), LISTED).iter_rows(named=True)}
    assert rows["one"]["row_count"] == ROWS - 19  # the warm-up is no lack
    assert rows["one"]["missing_share"] == 0
    assert rows["rare"]["missing_share"] == pytest.approx(0.9)
    assert rows["other"]["robust_sigma"] == pytest.approx(1, abs=0.15)
    assert rows["other"]["decile_5"] == pytest.approx(rows["other"]["median"], abs=0.05)


def test_missing_values_past_the_warm_up_are_found_with_their_rows():
    values = features()["other"].to_list()
    values[100:150] = [None] * 50
    frame = features(other=values)
    (found,) = missing(frame, LISTED, profile(frame, LISTED))
    assert found.feature == "other"
    assert "12.5% of 400 warm rows" in found.what
    assert found.rows["session_date"][0] == date(2023, 1, 1) + timedelta(days=100)


def test_a_sparse_feature_may_be_missing():
    frame = features(rare=[None] * ROWS)
    assert missing(frame, LISTED, profile(frame, LISTED)) == []


def test_outliers_are_counted_and_too_many_are_shown():
    values = features()["other"].to_numpy().copy()
    values[:10] = 30.0
    counted = profile(features(other=values), LISTED)
    assert counted.filter(feature="other")["outlier_count"].item() == 10
    assert outliers(features(other=values), LISTED, counted) == []
    values[10:100] = -50.0
    (found,) = outliers(features(other=values), LISTED, profile(features(other=values), LISTED))
    assert "100 of 400 values lie beyond 5 robust sigmas" in found.what
    assert set(found.rows["other"]) == {-50.0}


def test_a_constant_and_a_duplicate_are_found():
    frame = features()
    twin = frame.with_columns(other=pl.col("one") * -3 + 1)
    (found,) = constants_and_duplicates(twin, LISTED)
    assert (found.feature, "correlation with one is -1.0000" in found.what) == ("other", True)
    (found,) = constants_and_duplicates(features(other=np.full(ROWS, 7.0)), LISTED)
    assert found.what == "all 400 values are 7"


def test_a_duplicate_is_seen_on_the_rows_that_both_have():
    frame = features().with_columns(
        other=pl.when(pl.col("bars_seen") % 3 == 0).then(pl.col("one") * 2)
    )
    assert [it.feature for it in constants_and_duplicates(frame, LISTED)] == ["other"]


def test_a_shift_against_the_accepted_build_is_found():
    accepted = profile(features(), LISTED)
    shifted = features(seed=1).with_columns(pl.col("other") + 1)
    (found,) = moved(shifted, LISTED[:2], accepted)
    assert found.feature == "other"
    assert "population stability index" in found.what
    assert moved(shifted, LISTED, FEATURE_PROFILE.empty()) == []


def test_the_stability_index_by_hand():
    """Half of the values in the lowest bin instead of a tenth, the others spread evenly."""
    tenths = {"deciles": list(range(1, 10)), "shares": [0.1] * 10}
    values = np.concatenate([np.full(45, 0.5), np.repeat(np.arange(1.5, 10), 5)])
    share = np.array([0.5, *[0.5 / 9] * 9])
    by_hand = ((share - 0.1) * np.log(share / 0.1)).sum()
    assert stability_index(values, **tenths) == pytest.approx(by_hand)
    assert stability_index(np.array([]), **tenths) == 0


def test_every_listed_feature_is_spread_as_itself():
    """Weekdays and counts take few values, so that many deciles are equal."""
    tables = {name: frame.lazy() for name, frame in market().items()}
    end = market()["raw/prices"]["knowledge_time"].max()
    frame = build_technical_features(
        tables["raw/prices"], tables["raw/corporate_actions"], SESSIONS, as_of=end,
        tickers=tables["raw/tickers"],
    )  # fmt: skip
    drawn = np.random.default_rng(0).choice([None, 0.0, 1.0, 2.5], (len(FEATURES), frame.height))
    texts = {it.name: list(drawn[at]) for at, it in enumerate(FEATURES) if it.name not in frame}
    frame = frame.with_columns(**{name: pl.Series(values) for name, values in texts.items()})
    index = {}
    for row in profile(frame, FEATURES).filter(pl.col("row_count") > 0).iter_rows(named=True):
        (listed,) = (it for it in FEATURES if it.name == row["feature"])
        values = warm_values(frame, listed)[listed.name].drop_nulls().to_numpy()
        deciles = [row[f"decile_{at}"] for at in range(1, 10)]
        shares = [row[f"share_{at}"] for at in range(1, 11)]
        assert sum(shares) == pytest.approx(1), listed.name
        index[listed.name] = stability_index(values, deciles=deciles, shares=shares)
    warm = [it.name for it in FEATURES if it.warm_up <= frame["bars_seen"].max()]
    assert len(warm) > 150
    assert index == dict.fromkeys(warm, 0.0)


def test_a_column_that_is_constant_where_both_are_known_has_no_correlation():
    """Once -inf: the spread of the shared rows is 0 but for rounding."""
    is_shared = np.arange(ROWS) % 50 == 0
    rare = np.where(is_shared, np.random.default_rng(2).standard_normal(ROWS), np.nan)
    for still in (0.0, 1.0, 1 / 3, 7.7):
        other = np.where(is_shared, still, np.random.default_rng(3).standard_normal(ROWS) + 2)
        assert constants_and_duplicates(features(rare=rare, other=other), LISTED) == []


def test_no_rows_are_no_trouble():
    frame = features().clear()
    profiled = profile(frame, LISTED)
    assert profiled["row_count"].sum() == 0
    assert missing(frame, LISTED, profiled) == []
    assert outliers(frame, LISTED, profiled) == []
    assert constants_and_duplicates(frame, LISTED) == []
