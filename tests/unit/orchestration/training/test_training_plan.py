"""The recipe leaves out what no row of the training set has, and says so."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.features.registry import COMPANY, feature_names
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.registry import candidates
from finpulse_assets.errors import ModelError
from finpulse_assets.orchestration.training.training_plan import Recipe
from finpulse_assets.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    return load_settings(home=tmp_path)


def recipe(settings, *known: str) -> Recipe:
    """Return the recipe of a frame in which of COMPANY only `known` have a value."""
    empty = {it.name for it in COMPANY} - set(known)
    columns = {name: [None, None if name in empty else 0.5] for name in feature_names()}
    return Recipe(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64)), settings)


def test_features_of_sources_that_are_not_on_are_no_inputs(settings):
    """The model is the one that it was before there were such features."""
    found = recipe(settings)
    assert found.left_out == [it.name for it in COMPANY]
    before = [name for name in feature_names() if name not in found.left_out]
    assert list(found.challengers[0].features) == before
    assert not any(set(found.left_out) & set(getattr(it, "features", ()))
                   for it in found.candidates)  # fmt: skip


def test_a_feature_with_a_single_value_is_an_input_of_every_candidate(settings):
    found = recipe(settings, "put_call_volume")
    assert "put_call_volume" not in found.left_out
    for name in ("ranking", "ranking_without_text"):
        own = next(it for it in found.candidates if it.name == name)
        assert "put_call_volume" in own.features
        assert "implied_skew" not in own.features


def test_a_training_set_of_former_code_is_one_sentence(settings):
    """Defect: the backtest of a home that no run had built anew ended in a traceback."""
    old = recipe(settings).frame.drop("put_call_volume")
    ranking = Recipe(old, settings).challengers[0]
    with pytest.raises(ModelError, match=r"lacks 1 of the model's .*: put_call_volume\."):
        places(old, ranking.features)


def test_what_is_left_out_decides_the_recipe():
    every, fewer = candidates()[0], candidates(without=["rsi_14"])[0]
    assert set(every.features) - set(fewer.features) == {"rsi_14"}
    assert every.recipe() != fewer.recipe()
