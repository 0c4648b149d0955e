"""A fitted model: predictions, reasons, the sealed folder and the interval."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.models.lightgbm_model import (
    CARD_FILE,
    PROBABILITY_FILE,
    RETURN_FILE,
    PriceModel,
    feature_matrix,
)
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model
from finpulse_assets.gateways.models.sealed_folder import MANIFEST
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

PLAN = TrainingPlan(rounds=20, min_data_in_leaf=30, lambda_l2=1.0, learning_rate=0.1, num_threads=1)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return training_frame(effect=1.0)


@pytest.fixture(scope="module")
def model(frame) -> PriceModel:
    return fit_price_model(frame, PLAN, FEATURES)


@pytest.fixture(scope="module")
def calibrated(frame, model) -> PriceModel:
    probability, expected = model.predict(frame)
    known = model.trained_on(feature_matrix(frame, FEATURES))
    return known.calibrated(
        frame.with_columns(
            pl.Series("probability_up", probability), pl.Series("expected_return", expected)
        )
    )


def test_a_saved_model_comes_back_whole(tmp_path, frame, calibrated):
    save_model(calibrated, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded == calibrated
    assert loaded.fingerprint == calibrated.fingerprint
    for mine, theirs in zip(loaded.predict(frame), calibrated.predict(frame), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(
        [CARD_FILE, MANIFEST, PROBABILITY_FILE, RETURN_FILE]
    )


def test_saving_twice_gives_equal_bytes(tmp_path, model):
    for name in ("one", "two"):
        save_model(model, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("name", [PROBABILITY_FILE, RETURN_FILE, CARD_FILE])
def test_a_changed_file_is_refused_by_name(tmp_path, model, name):
    save_model(model, tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    with pytest.raises(ModelError, match=f"{name} has the sha256 .* Hint: the file was changed"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", [PROBABILITY_FILE, RETURN_FILE, CARD_FILE, MANIFEST])
def test_a_missing_file_is_refused_by_name(tmp_path, model, name):
    save_model(model, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=f"{name} cannot be read: No such file"):
        load_model(tmp_path)


def test_a_file_outside_the_manifest_is_refused(tmp_path, model):
    save_model(model, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["sha256"][RETURN_FILE]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="its manifest does not list it"):
        load_model(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_broken_manifest_is_refused(tmp_path, model, content):
    save_model(model, tmp_path)
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match=r"manifest\.json is not"):
        load_model(tmp_path)


def test_a_wrong_booster_is_a_model_error(frame, model):
    from dataclasses import replace

    with pytest.raises(ModelError, match="LightGBM cannot read the model"):
        replace(model, probability_text="tree\nnothing").predict(frame)


def test_predicting_needs_every_feature(frame, model):
    with pytest.raises(ModelError, match="lacks 1 of the model's 4 features: return_20d"):
        model.predict(frame.drop("return_20d"))


def test_column_order_and_other_columns_do_not_matter(frame, model):
    turned = frame.select(reversed(frame.columns))
    np.testing.assert_array_equal(model.predict(frame)[0], model.predict(turned)[0])


def test_an_empty_frame_predicts_nothing(frame, model):
    probability, expected = model.predict(frame.clear())
    assert probability.shape == expected.shape == (0,)
    assert model.reasons(frame.clear()) == []


def test_an_unknown_value_is_read_as_the_median_not_as_zero(frame):
    """rsi_14 is shifted to 60 +- 1 and decides: 0 would be far outside what was seen."""
    shifted = frame.with_columns(pl.col("sentiment_mean").fill_nan(0.0).alias("rsi_14") + 60)
    model = fit_price_model(shifted, PLAN, ("rsi_14",))
    median = shifted["rsi_14"].median()
    inputs = pl.DataFrame({"rsi_14": [None, median, 0.0]}, schema={"rsi_14": pl.Float64})
    unknown, middle, zero = model.predict(inputs)[0]
    assert unknown == middle
    assert abs(unknown - zero) > 0.05


def test_reasons_name_the_strongest_feature_with_its_sign(frame, model):
    row = {name: [0.0, 0.0] for name in FEATURES} | {"sentiment_mean": [2.0, -2.0]}
    up, down = model.reasons(pl.DataFrame(row), top=2)
    assert up.startswith("sentiment_mean +")
    assert down.startswith("sentiment_mean -")
    assert up.count(",") == 1


def test_a_model_without_splits_has_no_reasons(frame):
    flat = fit_price_model(frame, TrainingPlan(min_data_in_leaf=10_000, num_threads=1), FEATURES)
    assert flat.reasons(frame.head(2)) == ["none", "none"]
    assert flat.importance()["gain_share"].sum() == 0


def test_importance_sums_to_one_and_knows_text(model):
    importance = model.importance()
    assert importance["feature"][0] == "sentiment_mean"
    assert importance["gain_share"].sum() == pytest.approx(1.0)
    assert importance.filter("is_text")["feature"].to_list() == ["sentiment_mean"]


def test_an_uncalibrated_model_has_null_intervals(frame, model):
    lower, upper = model.interval(model.predict(frame.head(3))[0])
    assert lower.to_list() == upper.to_list() == [None, None, None]
    assert (lower.name, upper.name) == ("probability_lower", "probability_upper")
    assert lower.dtype == pl.Float64


def test_a_calibrated_model_bounds_the_observed_rate(frame, calibrated):
    lower, upper = calibrated.interval(np.array([0.0, 0.5, 1.0]))
    assert (lower < upper).all()
    assert lower.is_sorted() and upper.is_sorted()
    assert upper[0] < 0.5 < lower[2]


def test_the_calibration_belongs_to_the_fingerprint(model, calibrated):
    assert model.fingerprint != calibrated.fingerprint
    assert calibrated.trained_to - calibrated.trained_from == timedelta(days=59)
