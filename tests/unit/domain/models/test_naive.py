"""What the naive guesses predict, by hand, and that they are candidates like any model."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpulse_assets import setting_values
from finpulse_assets.domain.models.candidate import (
    CARD_FILE,
    FORECAST_COLUMNS,
    Candidate,
    Fitted,
)
from finpulse_assets.domain.models.naive import Naive, NaiveModel
from finpulse_assets.domain.models.registry import (
    CHALLENGERS,
    CLAIMS,
    LABELS,
    MARKET,
    NAIVE,
    SHOWN,
    baselines_of,
    candidates,
    family_of,
)
from finpulse_assets.errors import ModelError, SettingError

DAYS = [date(2024, 1, day) for day in (1, 2, 3)]
TRAIN = pl.DataFrame({"session_date": [DAYS[0]] * 3, "is_up": [False, False, True]})
TEST = pl.DataFrame(
    {
        "ticker": ["A", "B", "C", "A"],
        "session_date": [DAYS[1]] * 3 + [DAYS[2]],
        "return_1d": [0.01, -0.01, None, float("nan")],
        "return_20d": [-0.2, 0.2, 0.0, None],
    }
)


@pytest.mark.parametrize(
    ("name", "directions"),
    [
        ("majority", [False] * 4),  # one of three training rows was up
        ("always_up", [True] * 4),
        ("persistence", [True, False, True, True]),  # null and NaN count as up
        ("reversal", [False, True, True, True]),
        ("momentum", [False, True, True, True]),
    ],
)
def test_directions(name, directions):
    forecast = Naive(name).fit(TRAIN).forecast(TEST)
    assert tuple(forecast.columns) == FORECAST_COLUMNS
    assert forecast["predicts_up"].to_list() == directions
    assert forecast["score"].null_count() == forecast["score"].is_nan().sum() == 0


def test_majority_states_the_training_rate_and_the_others_no_probability():
    for name in NAIVE:
        stated = Naive(name).fit(TRAIN).forecast(TEST)["probability_up"].to_list()
        assert stated == (pytest.approx([1 / 3] * 4) if name == "majority" else [None] * 4)


def test_a_missing_input_is_named():
    with pytest.raises(ModelError, match="the frame lacks return_20d, which the candidate momentu"):
        Naive("momentum").fit(TRAIN).forecast(TEST.drop("return_20d"))


@pytest.mark.parametrize("name", NAIVE)
def test_a_guess_comes_back_from_its_files(name):
    model = Naive(name).fit(TRAIN)
    files = model.files()
    assert family_of(files[CARD_FILE]).from_files(files) == model


def test_files_of_another_kind_are_refused():
    with pytest.raises(ModelError, match="names the family 'crystal ball', known are lightgbm, ra"):
        family_of('{"family": "crystal ball"}')
    with pytest.raises(ModelError, match="does not describe a naive guess"):
        NaiveModel.from_files({CARD_FILE: '{"family": "naive"}'})


def test_every_candidate_keeps_the_protocol_and_has_a_name_for_people():
    made = candidates((*CHALLENGERS, *SHOWN), embeddings=("embedding_1",))
    assert all(isinstance(candidate, Candidate) for candidate in made)
    assert isinstance(NaiveModel("always_up", 0.5), Fitted)
    names = [candidate.name for candidate in made]
    assert len(set(names)) == len(names)
    assert set(names) == set(LABELS)
    assert [it.name for it in made if not it.is_baseline] == list(CHALLENGERS)
    assert set(CLAIMS) == {*CHALLENGERS, *SHOWN, MARKET}
    for name in names:
        assert set(baselines_of(name)) <= set(names)


def test_the_default_is_the_ranking_beside_its_twin_and_the_guesses():
    names = [candidate.name for candidate in candidates()]
    assert names == ["ranking", "ranking_without_text", "logistic_on_prices", "market", *NAIVE]


def test_a_candidate_that_is_unknown_is_refused():
    with pytest.raises(SettingError, match="the candidate 'oracle' is unknown"):
        candidates(["oracle"])
    assert (*CHALLENGERS, *SHOWN) == setting_values.CANDIDATES, "what the setting accepts"
