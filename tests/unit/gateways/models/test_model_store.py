"""The model store: sealed models and the pointers to them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.models.lightgbm_model import PROBABILITY_FILE, PriceModel
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.model_store import ID_LENGTH, ModelStore

FEATURES = ("return_1d", "sentiment_mean")


def fitted(seed: int) -> tuple[PriceModel, pl.DataFrame]:
    random = np.random.default_rng(seed)
    returns = random.standard_normal(300)
    frame = pl.DataFrame(
        {
            "session_date": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 10, 26), eager=True),
            "return_1d": random.standard_normal(300),
            "sentiment_mean": returns + random.standard_normal(300),
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    )
    plan = TrainingPlan(rounds=5, min_data_in_leaf=20, num_threads=1)
    return fit_price_model(frame, plan, FEATURES), frame


@pytest.fixture(scope="module")
def model() -> PriceModel:
    return fitted(0)[0]


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "price")


def test_a_saved_challenger_comes_back(store):
    model, frame = fitted(0)
    candidate_id = store.save_challenger(model)
    assert candidate_id == model.fingerprint[:ID_LENGTH]
    assert store.challenger() == candidate_id
    loaded = store.load(candidate_id)
    assert loaded == model
    np.testing.assert_array_equal(loaded.predict(frame)[0], model.predict(frame)[0])
    assert not (store.root / "promotion.json").exists()


def test_the_newest_model_is_the_challenger_and_older_ones_stay(store, model):
    first, second = store.save_challenger(model), store.save_challenger(fitted(1)[0])
    assert first != second
    assert store.challenger() == second
    assert store.load(first) == model
    assert store.save_challenger(model) == first
    assert store.challenger() == first


def test_a_flipped_byte_is_refused(store, model):
    candidate_id = store.save_challenger(model)
    path = store.folder(candidate_id) / PROBABILITY_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ModelError, match=rf"{PROBABILITY_FILE} has the sha256 .* its manifest says"
    ):
        store.load(candidate_id)


def test_a_model_that_is_not_there_is_named(store, model):
    store.save_challenger(model)
    with pytest.raises(ModelError, match=r"price/0123456789abcdef/manifest\.json cannot be read"):
        store.load("0123456789abcdef")


def test_no_challenger_yet(store):
    with pytest.raises(ModelError, match=r"there is no price model yet\. Hint: materialize models"):
        store.challenger()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"abc"', "null"])
def test_a_damaged_pointer_is_named(store, model, content):
    store.save_challenger(model)
    (store.root / "challenger.json").write_text(content)
    with pytest.raises(
        ModelError, match=r"challenger\.json names no candidate: .* Hint: delete it"
    ):
        store.challenger()


def test_a_promotion_comes_back(store):
    assert store.promotion() is None
    champion = Champion("abc", True, 0.55, 0.02)
    decision = Promotion("abc", True, True, ("proven: yes", "promoted: — first"), champion)
    assert store.keep_promotion(decision) == store.root / "promotion.json"
    assert store.promotion() == decision
    later = Promotion("def", False, False, ("unproven",), champion)
    store.keep_promotion(later)
    assert store.promotion() == later
    assert [path.name for path in store.root.iterdir()] == ["promotion.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"candidate_id": "abc"}'])
def test_a_damaged_promotion_is_a_sentence(store, content):
    store.root.mkdir()
    (store.root / "promotion.json").write_text(content)
    with pytest.raises(ModelError, match=r"the stored promotion cannot be read: .* materialize m"):
        store.promotion()
