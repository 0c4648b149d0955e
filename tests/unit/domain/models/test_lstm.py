"""The LSTM: it learns from sequences, sees no later row, and equal rows give equal files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.lstm import Lstm, LstmPlan
from finpulse_assets.domain.models.lstm_model import LstmModel
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.registry import candidates, family_of, never_promoted
from finpulse_assets.errors import EvaluationError, ModelError, SettingError
from tests.unit.domain.evaluation.panels import FEATURES, training_frame

FRAME = training_frame(sessions=90, effect=1.0)
FOLDS = purged_walk_forward(sessions_of(FRAME), folds=2, min_train_sessions=50, embargo_sessions=1)
LSTM = Lstm("lstm", FEATURES, LstmPlan(hidden=4, epochs=6, learning_rate=0.02))


@pytest.fixture(scope="module")
def model() -> LstmModel:
    return LSTM.fit(places(FRAME, FEATURES))


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return walk_forward_predictions(FRAME, FOLDS, [LSTM])


def test_the_planted_effect_is_found_out_of_sample(rows):
    by_day = rows.group_by("session_date").agg(
        ic=pl.corr(pl.col("score").rank(), pl.col("return_next_session").rank())
    )
    assert by_day["ic"].mean() > 0.3
    assert ((rows["probability_up"] >= 0.5) == (rows["expected_return"] >= 0)).all()


def test_the_first_session_of_a_fold_is_read_with_the_sessions_before_it(rows):
    """In one frame with its whole past, a row gets what the walk-forward gave it."""
    fold, known = FOLDS[-1], places(FRAME, FEATURES)
    fitted = LSTM.fit(known.filter(pl.col("session_date").is_in(fold.train_sessions)))
    whole = known.select("ticker", "session_date").hstack(fitted.forecast(known))
    tested = rows.filter(fold=fold.index).sort("session_date", "ticker")
    same = tested.join(whole, on=["ticker", "session_date"], how="left", maintain_order="left")
    assert np.allclose(same["score"], same["score_right"], atol=1e-12)


def test_no_later_row_changes_a_prediction(model):
    known = places(FRAME, FEATURES)
    day = FRAME["session_date"].unique().sort()[60]
    cut = known.filter(pl.col("session_date") <= day)
    whole = model.forecast(known).filter((known["session_date"] <= day).alias("it"))
    assert np.allclose(model.forecast(cut)["score"], whole["score"], atol=1e-12)


PROCESS = """
import hashlib
from tests.unit.domain.models.test_lstm import FEATURES, FRAME, LSTM, places
import torch
torch.set_num_threads(2)
torch.manual_seed(3)
text = LSTM.fit(places(FRAME, FEATURES)).files()["model.json"]
print(hashlib.sha256(text.encode()).hexdigest(), torch.get_num_threads())
"""


def test_equal_rows_give_equal_bytes_in_one_process_and_in_many(model):
    import hashlib

    import torch

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    assert LSTM.fit(places(FRAME, FEATURES)).files() == model.files()
    assert torch.equal(torch.random.get_rng_state(), before), "the state of others is left alone"
    other = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    digest = hashlib.sha256(model.files()[CARD_FILE].encode()).hexdigest()
    assert other.stdout.split() == [digest, "2"]


def test_a_model_is_its_file(model):
    text = model.files()
    assert family_of(text[CARD_FILE]).from_files(text) == model
    with pytest.raises(ModelError, match="does not describe an LSTM"):
        LstmModel.from_files({CARD_FILE: '{"features": 1}'})
    other = places(FRAME.drop("rsi_14"), FEATURES[:3])
    with pytest.raises(ModelError, match="lacks 1 of the model's 4 features: rsi_14"):
        model.forecast(other)


def test_bad_rows_are_refused_as_by_the_others():
    known = places(FRAME, FEATURES)
    with pytest.raises(EvaluationError, match="a fit needs both classes"):
        LSTM.fit(known.with_columns(is_up=pl.lit(True)))
    with pytest.raises(EvaluationError, match="a fit needs at least 200"):
        LSTM.fit(known.head(100))


def test_it_is_shown_beside_others_and_never_promoted():
    made = candidates(("ranking", "lstm"))
    assert [it.name for it in made if not it.is_baseline] == ["ranking"]
    assert {"lstm", "lstm_without_text"} <= {it.name for it in made}
    assert never_promoted(("ranking", "lstm")).startswith("lstm is never promoted: no service ")
    with pytest.raises(SettingError, match="none of lstm may be promoted"):
        candidates(("lstm",))
