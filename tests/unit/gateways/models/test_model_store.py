"""The model store: sealed models by candidate id, the history of decisions, pruning."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.lightgbm_model import PROBABILITY_FILE, PriceModel
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.errors import LakeError, ModelError
from finpulse_assets.gateways import atomic
from finpulse_assets.gateways.models import sealed_folder
from finpulse_assets.gateways.models.model_store import ModelStore

NOW = datetime(2024, 3, 28, 21, tzinfo=UTC)
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
    model = fit_price_model(frame, plan, FEATURES)
    return model.as_candidate(f"candidate{seed}", sentiment_fingerprint="s1"), frame


@pytest.fixture(scope="module")
def model() -> PriceModel:
    return fitted(0)[0]


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "price")


def named(model: PriceModel, candidate_id: str, *, day: int | None = None) -> PriceModel:
    """Return the model under another id, and as trained to a later day of 2024."""
    later = model if day is None else replace(model, trained_to=date(2024, 1, day))
    return later.as_candidate(candidate_id, sentiment_fingerprint="s1")


def touch_in_reverse(store: ModelStore, names: list[str]) -> None:
    """Give the folders times that say the opposite, as a copy may."""
    for number, name in enumerate(reversed(names)):
        os.utime(store.folder(name), (number, number))


def decision(candidate_id: str, *, champion: str | None = None, at: datetime = NOW) -> Promotion:
    named_champion = Champion(
        champion or candidate_id, ("ranking",), {"ranking": 0.02}, "s1", at, at
    )
    reasons = ("proven: yes", "promoted: — first")
    return Promotion(candidate_id, champion is None, True, reasons, named_champion, at)


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


def test_a_saved_model_comes_back_under_its_id(store):
    model, frame = fitted(0)
    assert store.save(model) == store.root / "candidate0"
    loaded = store.load("candidate0")
    assert loaded == model
    np.testing.assert_array_equal(loaded.predict(frame)[0], model.predict(frame)[0])
    assert store.promotion() is None, "nothing else was said about it"
    assert [path.name for path in store.root.iterdir()] == ["candidate0"]


def test_any_number_of_models_lie_side_by_side(store, model):
    for name in ("one", "two", "three"):
        store.save(named(model, name))
    assert set(store.candidates()) == {"one", "two", "three"}
    assert store.load("two").candidate_id == "two"


def test_a_model_without_an_id_is_refused(store, model):
    with pytest.raises(ModelError, match="the model has no candidate id"):
        store.save(named(model, ""))


def test_saving_the_same_candidate_again_touches_no_file(store, model):
    """Defect: the manifest was unlinked first; a kill then left a champion that did not open."""
    before = files_of(store.save(model))
    assert files_of(store.save(model)) == before


@pytest.mark.parametrize("step", ["mkdir", "write_bytes", "replace"])
def test_a_save_that_is_cut_short_leaves_no_half_and_no_harm(store, model, monkeypatch, step):
    store.save(model)
    before = files_of(store.folder("candidate0"))
    broken = named(model, "next")

    def killed(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, killed)
    with pytest.raises(LakeError, match="next cannot be written: No space left on device"):
        store.save(broken)
    monkeypatch.undo()
    assert files_of(store.folder("candidate0")) == before
    assert store.candidates() == ["candidate0"]
    store.save(broken)
    assert store.load("next") == broken


def test_what_a_killed_process_left_is_no_model_and_is_cleared(store, model):
    left = store.root / f".candidate0.{atomic._writer().split('.')[0]}.999999999.abcd.tmp"
    left.mkdir(parents=True)
    (left / sealed_folder.MANIFEST).write_text("{}")
    assert store.candidates() == []
    store.save(model)
    assert not left.exists()


def test_a_damaged_model_is_made_anew(store, model):
    path = store.save(model) / PROBABILITY_FILE
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=rf"{PROBABILITY_FILE} has the sha256 .* its manifest sa"):
        store.load("candidate0")
    store.save(model)
    assert store.load("candidate0") == model


def test_a_model_that_is_not_there_is_named(store, model):
    store.save(model)
    with pytest.raises(ModelError, match=r"price/0123456789abcdef/manifest\.json cannot be read"):
        store.load("0123456789abcdef")


def test_the_history_keeps_every_decision_and_the_last_is_in_force(store):
    assert store.promotion() is None
    first, second = decision("one"), decision("two", champion="one", at=NOW + timedelta(days=1))
    assert store.decide(lambda before: first) == first
    assert store.decide(lambda before: second) == second
    assert store.history() == [first, second]
    assert store.promotion() == second
    assert len(store.history_path.read_text().splitlines()) == 2


def test_a_decision_is_made_on_the_one_in_force(store):
    store.decide(lambda before: decision("one"))
    seen = []
    store.decide(seen.append)
    assert seen == [decision("one")]
    assert store.promotion() == decision("one"), "None leaves it"


def test_saying_the_same_again_adds_nothing(store):
    store.decide(lambda before: decision("one"))
    again = store.decide(lambda before: decision("one", at=NOW + timedelta(hours=1)))
    assert again == decision("one")
    assert len(store.history()) == 1


@pytest.mark.parametrize("content", ["[]", "{", '{"candidate_id": "abc"}'])
def test_a_damaged_history_is_a_sentence(store, content):
    store.root.mkdir()
    store.history_path.write_text(content)
    with pytest.raises(ModelError, match=r"the stored promotion cannot be read: .* materialize m"):
        store.promotion()


def test_pruning_keeps_the_champion_the_latest_and_the_needed(store, model):
    """Defect: models were never removed."""
    names = [f"m{number}" for number in range(9)]
    for number, name in enumerate(names):
        store.save(named(model, name, day=number + 1))
    touch_in_reverse(store, names)
    store.decide(lambda before: decision("m1"))
    assert store.prune(kept=5, needed={"m2", "gone long ago"}) == ["m3", "m0"]
    assert set(store.candidates()) == {"m1", "m2", "m4", "m5", "m6", "m7", "m8"}
    assert store.load("m1").candidate_id == "m1"
    assert store.prune(kept=5, needed={"m2"}) == []
    assert not [p for p in store.root.iterdir() if p.name.endswith(".tmp")]


def test_without_a_champion_the_latest_stay(store, model):
    names = ["m0", "m1"]
    for number, name in enumerate(names):
        store.save(named(model, name, day=number + 1))
    touch_in_reverse(store, names)
    assert store.prune(kept=1) == ["m0"]


def test_of_models_of_one_day_the_one_decided_on_later_is_newer(store, model):
    """One that nobody has decided on yet is that of a run at work, unless a later day has come."""
    for name in ("a", "b", "c", "d"):
        store.save(named(model, name))
    store.save(named(model, "left", day=1))
    store.save(named(model, "latest", day=2))
    touch_in_reverse(store, ["c", "a", "b", "d"])
    for name in ("c", "a", "b"):
        store.decide(lambda before, name=name: decision(name))
    assert store.candidates() == ["latest", "left", "d", "b", "a", "c"]
    (store.folder("latest") / CARD_FILE).write_text("{")
    assert store.candidates()[-1] == "latest", "what cannot be opened goes first"
