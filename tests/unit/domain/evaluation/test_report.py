"""The verdict: none in noise, skill by its name where it was planted, numbers between."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.metrics import break_even_bps
from finpulse_assets.domain.evaluation.report import claims_of, evaluate
from finpulse_assets.domain.evaluation.score_table import GAIN, IC_GAIN
from finpulse_assets.domain.models.registry import CLAIMS, NAIVE, baselines_of
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import EVALUATION
from tests.unit.domain.evaluation.panels import predicted_panel

JUDGED = ("ranking", "market")
CLAIMED = claims_of(JUDGED)


def verdicts(predictions: pl.DataFrame, *, resamples: int = 200, seed: int = 7) -> list[str]:
    """Return the skills that are proven, whoever claims them."""
    return [
        skill
        for name in JUDGED
        for skill in evaluate(
            predictions, name, claims=CLAIMED, resamples=resamples, seed=seed
        ).proven
    ]


@pytest.fixture(scope="module")
def skilled():
    return evaluate(predicted_panel(edge=0.05), "ranking", resamples=300)


@pytest.fixture(scope="module")
def luckless():
    return evaluate(predicted_panel(), "ranking", resamples=300)


@pytest.mark.long
def test_noise_is_called_any_skill_at_most_once_in_twenty():
    found = [verdicts(predicted_panel(seed=seed), seed=seed) for seed in range(40)]
    assert sum(map(bool, found)) <= 2


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ({"edge": 0.05}, {"ranking", "text"}),
        ({"market_edge": 1.0}, {"market"}),
        ({"edge": 0.05, "market_edge": 1.0}, {"ranking", "text", "market"}),
    ],
)
def test_a_planted_effect_is_found_every_time_by_its_name(planted, named):
    """Defect: a bet on whole days and a ranking of tickers were one pooled accuracy."""
    for seed in range(5):
        assert set(verdicts(predicted_panel(**planted, seed=seed))) - {"after_costs"} == named


def test_the_table_keeps_its_contract(skilled):
    assert EVALUATION.enforce(skilled.table).equals(skilled.table)
    assert set(skilled.table["predictor"]) == {"ranking", *baselines_of("ranking")}
    assert set(skilled.table["fold"]) == {"all", "recent", "1", "2"}
    gains = skilled.table.filter(pl.col("metric") == GAIN)
    assert set(gains["predictor"]) == set(baselines_of("ranking"))


def test_folds_have_values_and_only_the_two_spans_have_intervals(skilled):
    accuracy = skilled.table.filter(pl.col("metric") == "accuracy")
    is_span = pl.col("fold").is_in(["all", "recent"])
    assert accuracy.filter(~is_span)["lower"].null_count() == 2 * len(skilled.predictors)
    assert accuracy.filter(is_span)["lower"].null_count() == 0
    assert accuracy["value"].null_count() == 0
    counts = accuracy.filter(pl.col("predictor") == "ranking").select("fold", "session_count")
    assert dict(counts.iter_rows()) == {"all": 120, "recent": 40, "1": 60, "2": 60}


def test_the_whole_is_the_mean_of_its_equal_folds(skilled):
    folds = [skilled.estimate("accuracy", fold=fold).value for fold in ("1", "2")]
    assert skilled.estimate("accuracy").value == pytest.approx(sum(folds) / 2)


def test_every_metric_of_the_whole_has_an_interval(skilled):
    own = skilled.table.filter(predictor="ranking", fold="all")
    assert own.filter(pl.col("lower").is_null() | pl.col("upper").is_null()).is_empty()
    assert own.height == own["metric"].n_unique() >= 30


def test_losses_are_set_beside_the_base_rate(skilled):
    """The majority class states the share of up moves in training."""
    for metric in ("log_loss", "brier"):
        saved = skilled.estimate(f"{metric}_gain", "majority")
        own, base = skilled.estimate(metric), skilled.estimate(metric, "majority")
        assert saved.value == pytest.approx(base.value - own.value)
        assert saved.lower < saved.value < saved.upper


@pytest.mark.parametrize("name", NAIVE)
def test_gains_are_paired_differences(skilled, name):
    gain = skilled.estimate(GAIN, name)
    own, other = skilled.estimate("accuracy"), skilled.estimate("accuracy", name)
    assert gain.value == pytest.approx(own.value - other.value)
    assert gain.lower < gain.value < gain.upper


def test_pairing_makes_a_gain_surer_than_its_parts():
    """always_up is right on the very sessions on which an up-leaning candidate is."""
    leaning = predicted_panel(edge=0.2).with_columns(
        pl.when(pl.col("candidate") == "ranking")
        .then(pl.col("score") > 0.42)
        .otherwise("predicts_up")
        .alias("predicts_up")
    )
    evaluation = evaluate(leaning, "ranking", resamples=300)
    gain, other = (
        evaluation.estimate(GAIN, "always_up"),
        evaluation.estimate("accuracy", "always_up"),
    )
    assert gain.upper - gain.lower < 0.6 * (other.upper - other.lower)


def test_the_reason_names_each_skill_with_its_numbers(skilled, luckless):
    ic = skilled.estimate("rank_ic")
    lead = skilled.estimate(IC_GAIN, "ranking_without_text")
    assert skilled.verdict.startswith("skill: ranking, text")
    assert skilled.reason.startswith(
        f"ranking is proven: rank IC {ic}; text is proven: the texts add to the rank IC {lead}; "
    )
    assert luckless.verdict == "no skill"
    assert luckless.reason.startswith(
        f"ranking is not proven: rank IC {luckless.estimate('rank_ic')}, corrected for 3 claims "
    )
    assert set(luckless.measured) == {"ranking", "text", "after_costs"}


def test_costs_decide_about_one_skill_alone():
    predictions = predicted_panel(edge=0.05)
    spread = evaluate(predictions, "ranking").estimate("long_short_return").value
    rich = evaluate(predictions, "ranking", resamples=200, cost_bps=0.0)
    poor = evaluate(predictions, "ranking", resamples=200, cost_bps=1.1 * break_even_bps(spread))
    assert rich.proven == ("ranking", "text", "after_costs")
    assert poor.proven == ("ranking", "text")
    assert poor.skills[-1].estimate.value == pytest.approx(-0.1 * spread)
    assert (
        "after_costs is not proven: top minus bottom third, a session, after costs" in poor.reason
    )


def test_more_claims_make_a_proof_harder(skilled):
    (ic,) = skilled.table.filter(
        (pl.col("metric") == "rank_ic")
        & (pl.col("predictor") == "ranking")
        & (pl.col("fold") == "all")
    ).to_dicts()
    many = evaluate(predicted_panel(edge=0.05), "ranking", claims=40, resamples=300)
    (harder,) = many.table.filter(
        (pl.col("metric") == "rank_ic")
        & (pl.col("predictor") == "ranking")
        & (pl.col("fold") == "all")
    ).to_dicts()
    assert harder["lower_corrected"] < ic["lower_corrected"]
    assert (harder["lower"], harder["upper"]) == (ic["lower"], ic["upper"])
    assert set(many.table["claims"]) == {40}


def test_a_ranking_claims_nothing_of_the_market_and_the_market_head_nothing_else():
    predictions = predicted_panel(edge=0.05, market_edge=1.0)
    for name in JUDGED:
        skills = evaluate(predictions, name, resamples=200).skills
        assert tuple(it.name for it in skills) == CLAIMS[name]


def test_one_day_is_one_observation_of_the_market():
    """Rows of a day that say the same prove no more than one row."""
    predictions = predicted_panel(sessions=60, tickers=200, seed=3)
    assert evaluate(predictions, "market", resamples=200).proven == ()


def test_a_candidate_that_lost_its_skill_in_the_last_40_sessions_is_not_proven():
    """Over all sessions it still passes: the good past pays for the present."""
    predictions = predicted_panel(edge=0.2, sessions=400)
    days = predictions["session_date"].unique().sort()
    turned = predictions.with_columns(
        pl.when((pl.col("candidate") == "ranking") & (pl.col("session_date") > days[-41]))
        .then(-pl.col("score"))
        .otherwise("score")
        .alias("score")
    )
    evaluation = evaluate(turned, "ranking", resamples=200)
    assert evaluation.estimate("rank_ic").lower > 0
    assert evaluation.verdict == "no skill"
    assert " in the last 40 sessions" in evaluation.skills[0].reason


def test_texts_that_add_nothing_are_no_skill_of_the_texts():
    predictions = predicted_panel(edge=0.05)
    candidate = predictions.filter(pl.col("candidate") == "ranking")
    same = pl.concat(
        [
            predictions.filter(pl.col("candidate") != "ranking_without_text"),
            candidate.with_columns(pl.lit("ranking_without_text").alias("candidate")),
        ]
    )
    evaluation = evaluate(same, "ranking", resamples=200)
    assert "ranking" in evaluation.proven
    assert "text" not in evaluation.proven
    assert evaluation.estimate(IC_GAIN, "ranking_without_text").value == 0


def test_equal_scores_claim_no_ranking():
    flat = predicted_panel().with_columns(score=pl.lit(0.5))
    evaluation = evaluate(flat, "ranking", resamples=200)
    assert evaluation.verdict == "no skill"
    assert evaluation.reason.startswith("ranking is not claimed")


def test_two_tickers_rank_nothing():
    """A rank of two is a coin: no session counts, and the verdict says so."""
    evaluation = evaluate(predicted_panel(tickers=1), "ranking", resamples=200)
    assert evaluation.verdict == "no skill"
    assert "ranking is not claimed" in evaluation.reason


def test_equal_seeds_give_equal_tables(skilled):
    again = evaluate(predicted_panel(edge=0.05), "ranking", resamples=300)
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
        evaluate(predicted_panel(sessions=40), "ranking", **options)


def test_predictions_that_cannot_be_compared_are_refused():
    predictions = predicted_panel(sessions=40)
    with pytest.raises(EvaluationError, match="cover 15 sessions, an interval needs at least 20"):
        evaluate(predicted_panel(sessions=20), "ranking")
    with pytest.raises(EvaluationError, match="momentum has 0 out-of-sample predictions, the cand"):
        evaluate(predictions.filter(pl.col("candidate") != "momentum"), "ranking")
