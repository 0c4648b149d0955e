"""What holds of every candidate that may be promoted: files, bits, signs, reasons, importance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.registry import CHALLENGERS, SHOWN, family_of
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model
from finpulse_assets.setting_values import CANDIDATES
from tests.unit.domain.evaluation.panels import FEATURES, training_frame
from tests.unit.domain.models.all_candidates import fitted_on, predicted, small_candidates

FRAME = training_frame(sessions=90, effect=1.0)
DAY = FRAME.filter(pl.col("session_date") == FRAME["session_date"].max())
every_candidate = pytest.mark.parametrize("name", CHALLENGERS)


@pytest.fixture(scope="module")
def rows():
    return predicted(FRAME, small_candidates())


@pytest.fixture(scope="module")
def models(rows):
    return fitted_on(FRAME, small_candidates(), rows)


def test_the_setting_knows_every_candidate():
    assert (*CHALLENGERS, *SHOWN) == CANDIDATES


@every_candidate
def test_the_planted_effect_is_found_out_of_sample(rows, name):
    own = rows.filter(candidate=name)
    by_day = own.group_by("session_date").agg(
        ic=pl.corr(pl.col("score").rank(), pl.col("return_next_session").rank())
    )
    assert by_day["ic"].mean() > 0.3


@every_candidate
def test_a_model_is_its_files(models, name, tmp_path):
    model = (
        models[name]
        .calibrated(FRAME.with_columns(probability_up=pl.lit(0.5), expected_return=pl.lit(0.0)))
        .as_candidate("a" * 16, sentiment_fingerprint="s")
    )
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.files() == model.files()
    assert loaded.candidate_id == "a" * 16
    assert np.array_equal(loaded.predict(DAY), model.predict(DAY))
    assert all(isinstance(text, str) for text in model.files().values())


@every_candidate
def test_equal_rows_give_equal_bytes_whatever_the_threads(models, rows, name):
    again = fitted_on(FRAME, small_candidates(threads=2), rows)
    assert again[name].files() == models[name].files()


@pytest.mark.parametrize("name", [it for it in CHALLENGERS if it != "lightgbm"])
def test_probability_and_expected_return_never_contradict_each_other(models, rows, name):
    """LightGBM on values fits both apart: there a contradiction is a reason to abstain."""
    probability, expected = models[name].predict(FRAME)
    assert ((probability >= 0.5) == (expected >= 0)).all()
    own = rows.filter(candidate=name)
    assert ((own["probability_up"] >= 0.5) == (own["expected_return"] >= 0)).all()
    assert own["predicts_up"].equals(own["probability_up"] >= 0.5)


@every_candidate
def test_a_row_alone_gets_the_bits_that_it_gets_among_others(models, name):
    predict = models[name].row_predictor(DAY)
    matrix = FRAME.select(models[name].features).to_numpy()[:50]
    alone = np.hstack([predict(matrix[at : at + 1]) for at in range(len(matrix))])
    assert np.array_equal(np.array(predict(matrix)), alone)
    own = DAY.select(models[name].features).to_numpy()
    assert np.allclose(np.array(predict(own)), np.array(models[name].predict(DAY)), atol=1e-12)


@every_candidate
def test_reasons_and_importance_name_the_planted_feature(models, name):
    model = models[name]
    assert model.importance()["feature"][0] == "sentiment_mean"
    assert model.importance()["gain_share"].sum() == pytest.approx(1)
    strongest = int(np.argmax(model.predict(DAY)[0]))
    assert model.reasons(DAY)[strongest].startswith("sentiment_mean +")
    assert len(model.reasons(DAY, DAY)) == DAY.height
    assert model.reasons(DAY.clear()) == []


@every_candidate
def test_moves_are_in_probits_and_sum_to_the_difference_of_two_rows(models, name):
    from scipy.special import ndtri

    model = models[name]
    moved = model.moves(DAY).sum(axis=1)
    stated = ndtri(model.predict(DAY)[0])
    # Log-odds are read as probits of a logistic function that is nearly normal.
    assert np.ptp(moved - stated) < 0.1 * np.ptp(stated)
    assert model.moves(DAY.clear()).shape == (0, len(FEATURES))


@every_candidate
def test_files_of_something_else_are_refused(models, name):
    model = models[name]
    family = family_of(model.files()[CARD_FILE])
    for card in ("{}", '{"features": 1, "members": ["a"], "files": {"a": 1}}'):
        with pytest.raises(ModelError, match="does not describe"):
            family.from_files({**model.files(), CARD_FILE: card})
