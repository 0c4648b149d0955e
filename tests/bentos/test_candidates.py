"""Every candidate that may be promoted, from its fit to the answer: the bits of the signal."""

from __future__ import annotations

import shutil
from datetime import date

import numpy as np
import polars as pl
import pytest

from bentos.price_predictor import served
from bentos.price_predictor.front import Front
from bentos.price_predictor.served import Served
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.online import latest_features
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.registry import CHALLENGERS
from finpulse_assets.domain.predictions.signals import signals_of
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model
from finpulse_assets.gateways.serving.bundle import write_bundle
from finpulse_assets.schemas import TICKERS
from tests.bentos.front_client import ask, follow, refuse
from tests.fakes import serving as fakes
from tests.unit.domain.evaluation.panels import FEATURES, training_frame
from tests.unit.domain.models.all_candidates import fitted_on, predicted, small_candidates

FRAME = training_frame(sessions=90, effect=1.0)
DAY = date(2020, 4, 6)  # the session after those of FRAME
ASKED = "probability", "expected_return"
SAID = "probability_up", "expected_return"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return each candidate's model as its files give it."""
    rows = predicted(FRAME, small_candidates())
    root, found = tmp_path_factory.mktemp("models"), {}
    for at, (name, model) in enumerate(fitted_on(FRAME, small_candidates(), rows).items()):
        made = (
            model.trained_on(feature_matrix(FRAME, model.features))
            .calibrated(rows.filter(candidate=name))
            .as_candidate(f"{at}" * 16, sentiment_fingerprint="s1")
        )
        save_model(made, root / name)
        found[name] = load_model(root / name)
    return found


@pytest.fixture(scope="module")
def session() -> pl.DataFrame:
    """Return fct_daily_features of one session; one ticker knows nothing, two are equal."""
    others = [it for it in feature_names() if it not in FEATURES]
    unknown, tie = pl.col("ticker") == "T03", pl.col("ticker").is_in(["T05", "T06"])
    rows = training_frame(sessions=1, tickers=40, seed=3).with_columns(
        *(
            pl.when(unknown).then(None).when(tie).then(0.25).otherwise(pl.col(name)).alias(name)
            for name in FEATURES
        ),
        *(pl.lit(None, pl.Float64).alias(name) for name in others),
    )
    return rows.with_columns(
        session_date=pl.lit(DAY),
        decision_at=build_sessions(DAY, DAY)["decision_at"][0],
    ).select("ticker", "session_date", "decision_at", *feature_names())


@pytest.fixture
def front(tmp_path, session, monkeypatch):
    """Return a function that lets a running service take a champion in place of another."""
    monkeypatch.setattr(served, "LOOK_SECONDS", 0.005)
    listed = session.select("ticker", valid_from=pl.lit(date(2019, 1, 2)))
    names = [it for it in TICKERS.column_names if it not in listed.columns]
    listed = TICKERS.enforce(listed.with_columns(pl.lit(None).alias(name) for name in names))
    closes = session.select("ticker", "session_date", close=pl.lit(10.0), close_band=pl.lit(0.02))
    found = Served()
    found.start(fakes.bundle(tmp_path / "bundle"))

    def take(model, *, is_proven: bool) -> Front:
        decision = fakes.promotion(is_proven=is_proven, candidate_id=model.candidate_id)

        def replace() -> None:
            shutil.rmtree(tmp_path / "bundle")
            write_bundle(
                tmp_path / "bundle", model, decision, latest_features(session, listed, closes)
            )

        def is_taken() -> bool:
            current = found.answering.predictor
            return (current.model_version, current.is_proven) == (model.candidate_id, is_proven)

        follow(found, replace, is_taken)
        return Front(refuse, found)

    return take


def bits(answers: list[dict], names: tuple[str, ...]) -> bytes:
    return np.array([[it[name] for name in names] for it in answers]).tobytes()


@pytest.mark.parametrize("name", CHALLENGERS)
def test_a_champion_answers_with_the_bits_of_its_signal_and_after_a_reload(
    name, models, session, front
):
    model = models[name]
    signals = signals_of(
        model, session, build_sessions(DAY, date(2020, 4, 9)), session_date=DAY,
        predicted_at=session["decision_at"][0], skills=("ranking",),
        model_version=model.candidate_id,
    ).sort("ticker")  # fmt: skip
    expected = signals.select(SAID).to_numpy().tobytes()
    assert signals["probability_up"].n_unique() > 10
    rows = [
        {key: None if value is None or np.isnan(value) else value for key, value in row.items()}
        for row in session.sort("ticker").select(model.features).iter_rows(named=True)
    ]
    for is_proven in (True, False):
        asked = front(model, is_proven=is_proven)
        said = [
            ask("/predict", {"symbol": ticker}, front=asked).said for ticker in signals["ticker"]
        ]
        assert bits(said, ASKED) == expected
        assert [", ".join(it["reasons"]) or "none" for it in said] == signals["reasons"].to_list()
        assert {(it["model_version"], it["features_used"]) for it in said} == {
            (model.candidate_id, len(model.features))
        }
        assert (
            bits([it["interval"] for it in said], ("lower", "upper"))
            == signals.select("probability_lower", "probability_upper").to_numpy().tobytes()
        )
        sent = [ask("/predict", {"features": row}, front=asked).said for row in rows]
        assert bits(sent, ASKED) == expected
        many = {"columns": list(model.features), "rows": [list(row.values()) for row in rows]}
        answers = ask("/predict_batch", many, front=asked).said["answers"]
        assert bits(answers, ASKED) == expected
