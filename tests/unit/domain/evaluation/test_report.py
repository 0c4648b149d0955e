"""The verdict: no skill in noise, skill where it was planted, and honest numbers in between."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.report import evaluate, text_gain
from finpulse_assets.domain.evaluation.score_table import GAIN
from finpulse_assets.domain.models.registry import BASELINES, NAIVE
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import EVALUATION
from tests.unit.domain.evaluation.panels import predicted_panel


@pytest.fixture(scope="module")
def skilled():
    return evaluate(predicted_panel(edge=0.2), "lightgbm", resamples=300)


@pytest.fixture(scope="module")
def luckless():
    return evaluate(predicted_panel(), "lightgbm", resamples=300)


def test_noise_is_called_skill_at_most_once_in_twenty():
    verdicts = [
        evaluate(predicted_panel(seed=seed), "lightgbm", resamples=200, seed=seed).verdict
        for seed in range(40)
    ]
    assert verdicts.count("skill") <= 2


def test_a_planted_effect_is_found_every_time():
    verdicts = {
        evaluate(predicted_panel(edge=0.2, seed=seed), "lightgbm", resamples=200).verdict
        for seed in range(8)
    }
    assert verdicts == {"skill"}


def test_the_table_keeps_its_contract(skilled):
    assert EVALUATION.enforce(skilled.table).equals(skilled.table)
    assert set(skilled.table["predictor"]) == {"lightgbm", *BASELINES}
    assert set(skilled.table["fold"]) == {"all", "recent", "1", "2"}
    gains = skilled.table.filter(pl.col("metric") == GAIN)
    assert set(gains["predictor"]) == set(BASELINES)


def test_folds_have_values_and_only_the_two_spans_have_intervals(skilled):
    accuracy = skilled.table.filter(pl.col("metric") == "accuracy")
    is_span = pl.col("fold").is_in(["all", "recent"])
    assert accuracy.filter(~is_span)["lower"].null_count() == 12
    assert accuracy.filter(is_span)["lower"].null_count() == 0
    assert accuracy["value"].null_count() == 0
    counts = accuracy.filter(pl.col("predictor") == "lightgbm").select("fold", "session_count")
    assert dict(counts.iter_rows()) == {"all": 120, "recent": 40, "1": 60, "2": 60}


def test_the_whole_is_the_mean_of_its_equal_folds(skilled):
    folds = [skilled.estimate("accuracy", fold=fold).value for fold in ("1", "2")]
    assert skilled.estimate("accuracy").value == pytest.approx(sum(folds) / 2)


@pytest.mark.parametrize("name", NAIVE)
def test_gains_are_paired_differences(skilled, name):
    gain = skilled.estimate(GAIN, name)
    own, other = skilled.estimate("accuracy"), skilled.estimate("accuracy", name)
    assert gain.value == pytest.approx(own.value - other.value)
    assert gain.lower < gain.value < gain.upper


def test_pairing_makes_a_gain_surer_than_its_parts(skilled):
    """always_up is right on the very sessions on which an up-leaning candidate is."""
    predictions = predicted_panel(edge=0.2)
    leaning = predictions.with_columns(
        pl.when(pl.col("candidate") == "lightgbm")
        .then(pl.col("score") > 0.42)
        .otherwise("predicts_up")
        .alias("predicts_up")
    )
    evaluation = evaluate(leaning, "lightgbm", resamples=300)
    gain, other = (
        evaluation.estimate(GAIN, "always_up"),
        evaluation.estimate("accuracy", "always_up"),
    )
    assert gain.upper - gain.lower < 0.6 * (other.upper - other.lower)


def test_the_reason_states_the_numbers(skilled, luckless):
    best = skilled.best_baseline
    assert skilled.objections == ()
    assert skilled.reason == (
        f"accuracy {skilled.estimate('accuracy')} beats the best baseline {best} "
        f"{skilled.estimate('accuracy', best).value:.3f}: gain {skilled.estimate(GAIN, best)}"
    )
    assert luckless.verdict == "no skill"
    assert "does not beat the best baseline" in luckless.reason
    above, unsure, ranking = luckless.objections
    assert above.startswith(f"its lower end {luckless.estimate('accuracy').lower:.3f} is not above")
    assert unsure.startswith("the gain is not surely above 0 over majority")
    assert ranking == f"the AUC {luckless.estimate('auc')} is not surely above 0.5"


def test_good_directions_with_a_random_order_are_no_skill():
    """The accuracy passes, the AUC does not: the reason says both."""
    scores = predicted_panel(edge=0.2).with_columns(
        pl.when(pl.col("candidate") == "lightgbm").then(0.5).otherwise("score").alias("score")
    )
    evaluation = evaluate(scores, "lightgbm", resamples=200)
    assert evaluation.verdict == "no skill"
    assert " beats the best baseline " in evaluation.reason
    assert evaluation.reason.endswith(", but the AUC 0.500 [0.500, 0.500] is not surely above 0.5")


def test_a_candidate_that_lost_its_skill_in_the_last_40_sessions_is_not_proven():
    """Over all sessions it still passes: the good past pays for the present."""
    predictions = predicted_panel(edge=0.6, sessions=400)
    days = predictions["session_date"].unique().sort()
    is_own = pl.col("candidate") == "lightgbm"
    is_recent = pl.col("session_date") > days[-41]
    turned = predictions.with_columns(predicts_up=pl.col("predicts_up") ^ (is_own & is_recent))
    evaluation = evaluate(turned, "lightgbm", resamples=200)
    gain = evaluation.estimate(GAIN, "majority")
    assert gain.lower > 0
    assert evaluation.verdict == "no skill"
    (objection,) = evaluation.objections
    assert objection.startswith("its last 40 sessions gain -0.")
    assert objection.endswith(f"all together {evaluation.estimate(GAIN, 'majority').value:.3f}")


def test_always_up_in_disguise_has_no_skill():
    predictions = predicted_panel(edge=0.2).with_columns(
        pl.when(pl.col("candidate") == "lightgbm")
        .then(True)
        .otherwise("predicts_up")
        .alias("predicts_up")
    )
    evaluation = evaluate(predictions, "lightgbm", resamples=200)
    gain = evaluation.estimate(GAIN, "always_up")
    assert (gain.value, gain.lower, gain.upper) == (0, 0, 0)
    assert evaluation.verdict == "no skill"


def test_a_candidate_whose_texts_add_nothing_has_no_skill():
    predictions = predicted_panel(edge=0.2)
    candidate = predictions.filter(pl.col("candidate") == "lightgbm")
    same = pl.concat(
        [
            predictions.filter(pl.col("candidate") != "lightgbm_without_text"),
            candidate.with_columns(pl.lit("lightgbm_without_text").alias("candidate")),
        ]
    )
    evaluation = evaluate(same, "lightgbm", resamples=200)
    assert text_gain(evaluation).value == 0
    assert evaluation.verdict == "no skill"
    assert "the best baseline lightgbm_without_text" in evaluation.reason


def test_equal_seeds_give_equal_tables(skilled):
    again = evaluate(predicted_panel(edge=0.2), "lightgbm", resamples=300)
    assert again.table.equals(skilled.table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": 10}, "resamples is 10, it should be 100 or more"),
        ({"level": 1.0}, "level is 1.0, it should be above 0 and below 1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(predicted_panel(sessions=40), "lightgbm", **options)


def test_predictions_that_cannot_be_compared_are_refused():
    predictions = predicted_panel(sessions=40)
    with pytest.raises(EvaluationError, match="cover 15 sessions, an interval needs at least 20"):
        evaluate(predicted_panel(sessions=20), "lightgbm")
    with pytest.raises(EvaluationError, match="momentum has 0 out-of-sample predictions, the cand"):
        evaluate(predictions.filter(pl.col("candidate") != "momentum"), "lightgbm")
