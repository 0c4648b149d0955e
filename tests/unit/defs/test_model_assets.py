"""The model chain on a small home: ids that stand in the rows, scores that were read, pruning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.defs.models.assets import (
    evaluation,
    out_of_sample_predictions,
    price_model,
    promotion,
)
from finpulse_assets.defs.models.cards import cards
from finpulse_assets.defs.models.importance import fold_importance
from finpulse_assets.defs.signals.assets import daily_signals
from finpulse_assets.domain.evaluation.model_card import model_card
from finpulse_assets.domain.evaluation.tuning import TunedPlan, default_settings
from finpulse_assets.domain.models.registry import WITH_EMBEDDINGS
from finpulse_assets.domain.texts.embeddings import NAMES, TEXT_EMBEDDINGS
from finpulse_assets.gateways.models.plan_file import write_plan
from finpulse_assets.schemas import DAILY_SIGNALS, EVALUATION, OUT_OF_SAMPLE
from tests.unit.defs.model_home import CHAIN, DAYS, ModelHome, after, labelled, metadata, sentence

TODAY = DAYS[100]


@pytest.fixture
def home(tmp_path) -> ModelHome:
    return ModelHome(tmp_path, after(TODAY))


@pytest.fixture(scope="module")
def first_chain(tmp_path_factory) -> ModelHome:
    home = ModelHome(tmp_path_factory.mktemp("chained"), after(TODAY), draws=True)
    home.fill(labelled(100), scored_by="a" * 64)
    assert home.run(*CHAIN).success
    return home


@pytest.fixture
def chained(first_chain, tmp_path) -> ModelHome:
    """A home in which the chain has run once."""
    return first_chain.copied(tmp_path)


def ids(home: ModelHome) -> dict[str, str]:
    rows = home.lake.scan(OUT_OF_SAMPLE).select("candidate", "candidate_id").unique().collect()
    return dict(rows.iter_rows())


def test_one_id_names_the_rows_the_scores_the_model_and_the_champion(chained):
    home = chained
    candidate_id = ids(home)["ranking"]
    evaluated = home.lake.scan(EVALUATION).collect()
    assert dict(evaluated.select("candidate", "candidate_id").unique().iter_rows()) == {
        "ranking": candidate_id, "market": ids(home)["market"],
    }  # fmt: skip
    assert home.models.candidates() == [candidate_id]
    decision = home.models.promotion()
    assert decision.champion.candidate_id == candidate_id
    assert decision.decided_at == home.as_of
    assert decision.champion.is_proven, decision.reasons
    model = home.models.load(candidate_id)
    assert model.calibration is not None
    assert model.band.row_count == home.lake.scan(OUT_OF_SAMPLE).filter(
        candidate="ranking"
    ).collect().height  # fmt: skip
    assert len(model.training_range.lows) == len(model.features)
    assert not model.sentiment_head.is_proven, "moods of this panel are drawn anew each session"
    assert home.tracking.aliases == {"challenger": candidate_id, "champion": candidate_id}


def test_the_cards_say_how_the_champion_was_made_and_what_it_stands_on(chained):
    home = chained
    result = home.run(cards)
    assert result.success
    shown = metadata(result, cards)
    champion = home.models.promotion().champion
    model = home.models.load(champion.candidate_id)
    card = shown["model_card"]
    for part in (
        f"# Model card: {champion.candidate_id}",
        f"Proven skills: **{', '.join(champion.skills)}**",
        f"{model.trained_from} to {model.trained_to}, {model.row_count:,} rows",
        f"| ranking | yes | {champion.rank_ic:.3f} [",
        "| ranking without |",
        f"It was measured to hold {model.band.coverage:.1%} (",
        "| feature | share of the gain | folds with it among the top 20 |",
        "folds is ",
        "Quantiles around the expected return: 10% at -",
        f"The {model.sentiment_head.reason}.",
        "| sentiment_mean |",
    ):
        assert part in card, part
    assert f"| fct_training_set | {model.row_count:,} | 6 | 100 |" in shown["data_card"]
    for name in ("model_card", "data_card"):
        assert Path(shown[f"{name}_path"]).read_text(encoding="utf-8") == shown[name]


def test_the_importances_are_those_of_the_walk_forward_which_are_not_fitted_again(chained):
    home = chained
    again = home.run(fold_importance, evaluation)
    assert again.success
    said, shown = metadata(again, fold_importance), metadata(again, evaluation)
    assert (said["fits_kept"], said["fits_made"]) == (2, 0), "one a fold"
    assert -1 <= said["importance_rank_correlation"] <= 1
    assert shown["importance_rank_correlation"] == said["importance_rank_correlation"]
    assert "| sentiment_mean | " in shown["importance_by_fold"]
    assert shown["trials"] == 1
    assert 0 <= shown["overfitting_probability"] <= 1
    assert shown["never_promoted"].startswith("market is never promoted: ")


def test_a_tuned_plan_is_fitted_and_its_trials_count(chained, monkeypatch, tmp_path):
    home = chained
    before = ids(home)
    plan = TunedPlan(
        default_settings() | {"ridge_penalty": 3.0}, 0.1, 0.1, 40, 0.5, "walk_forward", DAYS[1],
        DAYS[2],
    )  # fmt: skip
    write_plan(tmp_path / "plan.json", plan)
    monkeypatch.setenv("FINPULSE_RANKING_PLAN", str(tmp_path / "plan.json"))
    run = home.run(*CHAIN)
    assert run.success, sentence(run)
    assert ids(home)["ranking"] != before["ranking"]
    assert ids(home)["market"] == before["market"]
    assert home.models.load(ids(home)["ranking"]).plan["ridge_penalty"] == 3.0
    assert metadata(run, evaluation)["trials"] == 40
    table = home.lake.scan(EVALUATION).collect()
    assert table["claims"].unique().to_list() == [4 + 39 * 3]
    (tmp_path / "plan.json").write_text("{}")
    assert "plan.json: this is no plan that `finpulse tune` wrote" in sentence(home.run(*CHAIN))


def test_a_champion_whose_evaluation_was_replaced_has_a_card(chained):
    decision = chained.models.promotion()
    card = model_card(chained.models.load(decision.champion.candidate_id), decision, None)
    assert "Its evaluation was replaced" in card
    assert f"| ranking | {decision.champion.rank_ic:.4f} | yes |" in card


def test_two_interleaved_runs_never_promote_one_model_on_the_others_scores(home):
    """Defect: evaluation and promotion read challenger.json, which the second run had moved."""
    good, luckless = labelled(100), labelled(100, seed=1, effect=0.0)
    home.fill(luckless)
    assert home.run(out_of_sample_predictions, price_model).success  # run A
    (first,) = home.models.candidates()
    home.fill(good)
    assert home.run(out_of_sample_predictions).success  # run B
    second = ids(home)["ranking"]
    assert second != first

    assert home.run(evaluation).success  # run A goes on, and finds the rows of B
    stopped = home.run(promotion)
    assert not stopped.success
    assert f"{second}/manifest.json cannot be read" in sentence(stopped)
    assert home.models.promotion() is None, "no decision on scores of a model that is not there"

    assert home.run(price_model, evaluation, promotion).success  # run B goes on
    champion = home.models.promotion().champion
    assert (champion.candidate_id, champion.is_proven) == (second, True)


def test_a_training_set_that_changed_meanwhile_fits_no_model_under_the_old_id(home):
    home.fill(labelled(100))
    assert home.run(out_of_sample_predictions).success
    home.fill(labelled(101))
    stopped = home.run(price_model)
    assert not stopped.success
    assert "another run has changed one of them meanwhile" in sentence(stopped)
    assert home.models.candidates() == []


def test_the_fingerprint_is_that_of_the_rows_that_were_scored(chained):
    """Defect: the model was stamped with the present sentiment model; here there is none at all."""
    home = chained
    assert home.models.promotion().champion.sentiment_fingerprint == "a" * 64
    home.fill(labelled(100, effect=0.0, seed=3), scored_by="b" * 64)
    assert home.run(*CHAIN).success
    decision = home.models.promotion()
    assert decision.promoted
    assert decision.reasons[-1].endswith("aaaaaaaaaaaa, the scores are now of bbbbbbbbbbbb")
    assert not decision.champion.is_proven, "a new sentiment model proves nothing"


def test_a_run_that_trains_from_a_day_on_trains_from_there(chained):
    home = chained
    assert home.run(
        out_of_sample_predictions, price_model, tags={"finpulse/train_from": f"{DAYS[20]}"}
    ).success
    whole, later = home.models.history()[0].candidate_id, ids(home)["ranking"]
    assert home.models.load(whole).trained_from == DAYS[0]
    assert home.models.load(later).trained_from == DAYS[20]
    wrong = home.run(out_of_sample_predictions, tags={"finpulse/train_from": "tomorrow"})
    assert "the tag finpulse/train_from is 'tomorrow'" in sentence(wrong)


def test_the_same_again_is_the_same_candidate_and_no_new_decision(chained):
    home = chained
    lines = [len(home.models.history())]
    for again in (CHAIN, [promotion]):
        assert home.run(*again).success
        lines.append(len(home.models.history()))
    assert lines == [1, 2, 2], "the second says that it is the champion, the third nothing new"
    assert len(home.models.candidates()) == 1


def test_old_candidates_are_pruned_and_said(chained):
    """Defect: models and MLflow versions were never removed."""
    home = chained
    model = home.models.load(home.models.candidates()[0])
    for number in range(7):
        older = replace(model, trained_to=date(2020, 1, number + 1))
        home.models.save(older.as_candidate(f"old{number}", sentiment_fingerprint="s1"))
        home.tracking.versions[f"old{number}"] = f"{number + 2}"
    row = {"session_date": TODAY, "predicted_at": home.as_of, "decision_at": home.as_of}
    signal = {
        "ticker": "T0", "target_session_date": DAYS[101], "origin": "live", "probability_up": 0.5,
        "probability_lower": None, "probability_upper": None, "expected_return": 0.0, "rank": 1,
        "reasons": "none", "is_proven": True, "skills": "text",
        "return_lower": None, "return_upper": None, "abstain_reason": None, "model_version": "old1",
        "return_p10": None, "return_p50": None, "return_p90": None, "expected_sentiment": None,
    }  # fmt: skip
    home.lake.append(DAILY_SIGNALS, pl.DataFrame(row | signal), [])
    result = home.run(promotion)
    assert result.success
    kept = {model.candidate_id, "old3", "old4", "old5", "old6", "old1"}
    assert set(home.models.candidates()) == kept, "five, and one whose signals have not matured"
    assert set(home.tracking.versions) == kept
    said = metadata(result, promotion)
    assert said["pruned_models"] == "old2, old0"
    assert said["pruned_mlflow_versions"] == "2, 4"


def test_a_candidate_that_reads_embeddings_is_evaluated_and_never_promoted(home, monkeypatch):
    monkeypatch.setenv("FINPULSE_EMBEDDINGS", "true")
    frame = labelled(100)
    home.fill(frame)
    signs = frame.select("ticker", "session_date", *(
        pl.col("return_next_session").sign().alias(name) for name in NAMES
    ))  # fmt: skip
    home.lake.replace(TEXT_EMBEDDINGS, signs, ["all"])
    run = home.run(*CHAIN)
    assert run.success, sentence(run)
    rows = home.lake.scan(OUT_OF_SAMPLE).collect()
    hits = rows.group_by("candidate").agg((pl.col("predicts_up") == pl.col("is_up")).mean())
    best, other = hits.sort("predicts_up", descending=True).rows()[:2]
    assert best[0] == WITH_EMBEDDINGS
    assert best[1] > other[1] + 0.02, "it has read the outcome"
    assert metadata(run, evaluation)["with_embeddings"].startswith("ranking is ")
    assert home.models.promotion().champion.candidate_id == ids(home)["ranking"]
    assert home.models.candidates() == [ids(home)["ranking"]]


def test_all_candidates_on_request_are_fitted_kept_evaluated_and_served(home, monkeypatch):
    monkeypatch.setenv("FINPULSE_CANDIDATES", "ensemble,xgboost,logistic,ranking")
    monkeypatch.setenv("FINPULSE_HOLDOUT_SESSIONS", "20")
    home.fill(labelled(120))
    run = home.run(*CHAIN)
    assert run.success, sentence(run)
    known = ids(home)
    chosen = {name: known[name] for name in ("ranking", "logistic", "xgboost", "ensemble")}
    assert set(home.models.candidates()) == set(chosen.values())
    evaluated = dict(
        home.lake.scan(EVALUATION)
        .select("candidate", "candidate_id")
        .unique()
        .collect()
        .iter_rows()
    )
    assert evaluated == {**chosen, "market": known["market"]}
    assert {it.candidate_id for it in home.models.holdout_reads()} == set(chosen.values())
    ensemble = home.models.load(chosen["ensemble"])
    assert [it.candidate_id for it in ensemble.models] == [
        chosen[name] for name in ensemble.members
    ]
    assert sum(ensemble.weights) == pytest.approx(1)
    assert ensemble.band is not None
    assert ensemble.packages == ("xgboost-cpu",)
    assert home.run(cards).success


def test_a_rollback_is_followed_by_the_signals_and_the_model_stays_back(chained):
    home = chained
    first = home.models.promotion().champion.candidate_id
    home.fill(labelled(101))
    assert home.run(*CHAIN).success
    second = home.models.promotion().champion.candidate_id
    assert second != first
    decision = home.models.roll_back(reason="it bets on splits", decided_at=home.as_of)
    assert (decision.champion.candidate_id, decision.taken_back) == (first, second)
    assert home.run(promotion).success
    assert home.models.promotion().champion.candidate_id == first
    assert home.tracking.aliases["champion"] == first
    assert "not promoted: a rollback took this model back" in home.models.promotion().reasons[-1]


def test_each_candidate_sees_the_holdout_once_and_the_count_is_kept(home, monkeypatch):
    monkeypatch.setenv("FINPULSE_HOLDOUT_SESSIONS", "30")
    home.fill(labelled(140))
    run = home.run(*CHAIN)
    assert run.success, sentence(run)
    held = set(DAYS[110:140])
    tested = home.lake.scan(OUT_OF_SAMPLE).select("session_date").collect()["session_date"]
    assert not held & set(tested), "no fold tests the holdout"
    (read,) = home.models.holdout_reads()
    assert (read.first_session, read.last_session, read.reads) == (DAYS[110], DAYS[139], 1)
    assert "ranking" in home.models.promotion().champion.skills
    assert metadata(run, promotion)["holdout_reads"] == 1
    shown = home.run(cards, daily_signals)
    assert "the final holdout was read once;" in metadata(shown, cards)["model_card"]
    assert metadata(shown, daily_signals)["holdout_reads"] == 1
    assert home.run(evaluation, promotion).success
    assert home.models.holdout_reads() == [read], "the same candidate is not judged on it again"
    home.fill(labelled(140, seed=4))
    assert home.run(*CHAIN).success
    assert [it.reads for it in home.models.holdout_reads()] == [1, 2]
