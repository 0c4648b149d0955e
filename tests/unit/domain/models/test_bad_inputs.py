"""Bad inputs, the same for every candidate: a clear error, or a skip that is reported."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.registry import CHALLENGERS, baselines_of
from finpulse_assets.errors import EvaluationError, ModelError
from tests.unit.domain.evaluation.panels import FEATURES, training_frame
from tests.unit.domain.models.all_candidates import fitted_on, predicted, small_candidates

FRAME = training_frame(sessions=60, effect=0.5)
BY_SESSION = FRAME["session_date"].unique().sort()
every_candidate = pytest.mark.parametrize("name", CHALLENGERS)


def needed_for(name: str) -> dict[str, object]:
    """Return a candidate by name, an ensemble with its members."""
    known = small_candidates()
    members = known[name].names if isinstance(known[name], Ensemble) else ()
    return {it: known[it] for it in (*members, name)}


def one_class() -> pl.DataFrame:
    return FRAME.with_columns(pl.col("return_next_session").abs(), is_up=pl.lit(True))


def unlabelled() -> pl.DataFrame:
    first = pl.int_range(pl.len()) == 0
    return FRAME.with_columns(
        pl.when(first).then(None).otherwise("return_next_session").alias("return_next_session")
    )


REFUSED = {
    "one class": (one_class(), "training rows have is_up = true, a fit needs both classes"),
    "few rows": (FRAME.filter(pl.col("ticker") < "T02"), "rows, a fit needs at least 200"),
    "few sessions": (
        FRAME.filter(pl.col("session_date") < BY_SESSION[3]),
        "the walk-forward has 3 sessions, it needs at least",
    ),
    "no label": (unlabelled(), "training rows have no label"),
    "duplicate keys": (
        pl.concat([FRAME, FRAME.tail(1)]),
        "2 rows of the training frame share ticker and session, for example those of T09 on 2020-",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@every_candidate
def test_a_training_set_that_cannot_teach_is_refused_in_one_sentence(name, what):
    frame, sentence = REFUSED[what]
    with pytest.raises(EvaluationError, match=sentence):
        predicted(frame, needed_for(name))


def two_tickers() -> pl.DataFrame:
    return training_frame(sessions=240, tickers=2, effect=0.5)


def all_null() -> pl.DataFrame:
    return FRAME.with_columns(rsi_14=pl.lit(None, pl.Float64))


def starting_and_ending_midway() -> pl.DataFrame:
    day, middle, late = pl.col("session_date"), BY_SESSION[30], BY_SESSION[45]
    begins_late = (pl.col("ticker") == "T00") & (day < middle)
    never_trained = (pl.col("ticker") == "T01") & (day < late)
    ends_early = (pl.col("ticker") == "T02") & (day >= middle)
    return FRAME.filter(~(begins_late | never_trained | ends_early))


@pytest.mark.parametrize("made", [two_tickers, all_null, starting_and_ending_midway])
@every_candidate
def test_a_training_set_with_gaps_is_predicted_whole(name, made):
    frame, candidates = made(), needed_for(name)
    rows = predicted(frame, candidates)
    own = rows.filter(candidate=name)
    tested = frame.filter(pl.col("session_date").is_in(own["session_date"].unique().implode()))
    assert (
        own.select("ticker", "session_date")
        .sort(pl.all())
        .equals(tested.select("ticker", "session_date").sort(pl.all()))
    )
    numbers = own.select("probability_up", "score", "expected_return").to_numpy()
    assert np.isfinite(numbers).all()
    model = fitted_on(frame, candidates, rows)[name]
    assert np.isfinite(model.predict(frame.tail(2))).all()
    assert model.importance()["gain_share"].is_finite().all()


@every_candidate
def test_two_tickers_have_no_order_and_the_evaluation_says_so(name):
    """Of two tickers the order is right or wrong: no rank, so nothing is claimed of it."""
    own = predicted(two_tickers(), needed_for(name)).filter(candidate=name)
    same = [own.with_columns(candidate=pl.lit(it)) for it in baselines_of(name)]
    judged = evaluate(pl.concat([own, *same]), name, resamples=100)
    assert "ranking is not claimed" in judged.reason
    assert not {"ranking", "text", "after_costs"} & set(judged.proven)


@every_candidate
def test_a_champion_of_other_features_says_which_are_missing(name):
    candidates = needed_for(name)
    model = fitted_on(FRAME, candidates, predicted(FRAME, candidates))[name]
    other = FRAME.drop("rsi_14").with_columns(macd=pl.lit(1.0))
    for asked in (model.predict, model.reasons, model.moves):
        with pytest.raises(
            ModelError, match=f"lacks 1 of the model's {len(FEATURES)} features: rsi"
        ):
            asked(other)


@every_candidate
def test_a_session_that_was_never_seen_and_has_unknown_values_is_answered(name):
    candidates = needed_for(name)
    model = fitted_on(FRAME, candidates, predicted(FRAME, candidates))[name]
    unknown = FRAME.tail(3).with_columns(
        pl.col("session_date") + timedelta(days=9), *(pl.lit(None).alias(it) for it in FEATURES)
    )
    assert np.isfinite(model.predict(unknown)).all()
