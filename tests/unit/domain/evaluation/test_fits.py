"""An unchanged candidate is not fitted again, a changed one is; importances of folds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from math import isnan

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.fits import Fits
from finpulse_assets.domain.evaluation.importance import (
    importance_by_fold,
    rank_correlation,
    share_among_top,
)
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.linear import MarketHead
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.naive import Naive
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.training import LightGBM, TrainingPlan
from finpulse_assets.gateways.models import fit_store
from finpulse_assets.gateways.models.fit_store import FitStore
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

TREES = TrainingPlan(rounds=5, min_data_in_leaf=30, num_threads=1)
FRAME = training_frame(sessions=60, effect=1.0)
FOLDS = purged_walk_forward(sessions_of(FRAME), folds=2, min_train_sessions=30, embargo_sessions=1)


@dataclass
class Counted:
    """A candidate that counts its fits."""

    of: object
    fits: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.of, name)

    def fit(self, frame: pl.DataFrame) -> object:
        self.fits.append(frame.height)
        return self.of.fit(frame)


def recipes() -> list:
    return [
        Ranking("ranking", FEATURES, RankingPlan(TREES)),
        LightGBM("lightgbm", FEATURES, TREES),
        MarketHead("market", (*FEATURES, "market_sentiment_mean")),
        Logistic("logistic_on_prices", ("return_1d", "rsi_14"), is_baseline=True),
        Naive("momentum"),
    ]


def walked(candidates, kept, frame=FRAME) -> pl.DataFrame:
    return walk_forward_predictions(frame, FOLDS, candidates, kept=kept)


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> FitStore:
    store = FitStore(tmp_path_factory.mktemp("fits"), salt="code")
    walked(recipes(), store)
    return store


def test_what_is_unchanged_is_fitted_once_and_predicts_the_same_to_the_bit(filled):
    again = [Counted(it) for it in recipes()]
    found = walked(again, FitStore(filled.root, salt="code"))
    assert [it.fits for it in again] == [[]] * 5
    assert found.equals(walked(recipes(), None))


def test_only_what_has_changed_is_fitted_again(filled):
    changed, same = (
        Counted(replace(recipes()[0], plan=RankingPlan(ridge_penalty=3.0))),
        recipes()[1],
    )
    walked([changed, same], store := FitStore(filled.root, salt="code"))
    assert len(changed.fits) == 2
    assert (store.found, store.made) == (2, 2)


def test_another_training_row_is_another_fit_and_a_tested_one_is_not(filled):
    first, last = FOLDS[0].train_sessions[0], FOLDS[1].test_sessions[-1]
    for day, fits in ((first, 2), (last, 0)):
        counted = Counted(recipes()[1])
        moved = pl.when(pl.col("session_date") == day).then(0.5).otherwise("rsi_14")
        frame = FRAME.with_columns(moved.alias("rsi_14"))
        walked([counted], FitStore(filled.root, salt="code"), frame)
        assert len(counted.fits) == fits


def test_other_code_fits_anew_and_so_does_a_file_that_cannot_be_read(filled):
    store = FitStore(filled.root, salt="other code")
    walked(recipes()[:1], store)
    assert (store.found, store.made) == (0, 2)
    for path in filled.root.glob("*-other code.json"):
        path.write_text("{")
    walked(recipes()[:1], store)
    assert (store.found, store.made) == (0, 4)


def test_the_fits_that_were_not_used_for_longest_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(fit_store, "MOST", 2)
    store = FitStore(tmp_path)
    for at, key in enumerate("abc"):
        store.put(key, {"model.json": key})
        os.utime(tmp_path / f"{key}.json", (at, at))
        if key == "b":
            store.get("a")  # used now
    assert [store.get(key) is not None for key in "abc"] == [True, False, True]


def test_importances_are_those_of_the_fits_and_need_no_new_ones(filled):
    store = FitStore(filled.root, salt="code")
    known = {"ranking": "r1", "lightgbm": "l1", "market": "m1"}
    table = importance_by_fold(FRAME, FOLDS, recipes()[:3], known, kept=store)
    assert store.made == 0
    assert set(table["candidate_id"]) == {"r1", "l1"}, "the market head names none"
    own = table.filter(candidate="ranking")
    assert own["fold"].unique().sort().to_list() == [1, 2]
    fitted = Fits(FRAME).of(recipes()[1], FOLDS[0], FRAME.filter(
        pl.col("session_date").is_in(FOLDS[0].train_sessions)
    ))  # fmt: skip
    expected = dict(fitted.importance().select("feature", "gain_share").iter_rows())
    first = table.filter(candidate="lightgbm", fold=1)
    assert dict(first.select("feature", "gain_share").iter_rows()) == pytest.approx(expected)
    top = share_among_top(own, top=1)
    assert top.row(0)[0] == "sentiment_mean"
    assert top["top_share"].to_list() == [1.0, 0.0, 0.0, 0.0]


def test_of_one_fold_nothing_can_be_said_to_be_steady(filled):
    store = FitStore(filled.root, salt="code")
    one = importance_by_fold(FRAME, FOLDS[:1], [recipes()[1]], {"lightgbm": "l"}, kept=store)
    assert isnan(rank_correlation(one))
