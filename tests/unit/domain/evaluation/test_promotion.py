"""Who is champion after an evaluation: every pairing of candidate and champion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, decide, history_table
from finpulse_assets.domain.evaluation.report import Evaluation, evaluate
from finpulse_assets.errors import ModelError
from tests.unit.domain.evaluation.panels import predicted_panel


@pytest.fixture(scope="module")
def proven() -> Evaluation:
    return evaluate(predicted_panel(edge=0.05), "ranking", resamples=200)


@pytest.fixture(scope="module")
def unproven() -> Evaluation:
    return evaluate(predicted_panel(), "ranking", resamples=200)


THEN, NOW = datetime(2024, 3, 1, 21, tzinfo=UTC), datetime(2024, 3, 28, 21, tzinfo=UTC)


def champion(
    *,
    is_proven: bool,
    ic: float,
    candidate_id: str = "old",
    scores: str = "s1",
    skills: tuple[str, ...] = ("ranking",),
    **times,
) -> Champion:
    since = {"proven_since": THEN, "supported_at": THEN} if is_proven else {}
    measured = dict.fromkeys({"ranking", *skills}, ic)
    proven = skills if is_proven else ()
    return Champion(candidate_id, proven, measured, scores, **(since | times))


def decided(evaluation: Evaluation, before: Champion | None, *, scores: str = "s1") -> Promotion:
    return decide(evaluation, before, decided_at=NOW, sentiment_fingerprint=scores)


@pytest.mark.parametrize(
    ("candidate", "before", "promoted", "why"),
    [
        ("proven", None, True, "there is no champion yet"),
        ("unproven", None, True, "there is no champion yet"),
        ("proven", champion(is_proven=False, ic=0.9), True, "the champion is unproven"),
        ("unproven", champion(is_proven=True, ic=-0.9), False, "the champion is proven, the"),
        ("proven", champion(is_proven=True, ic=0.01), True, "(champion's 0.0100)"),
        ("proven", champion(is_proven=True, ic=0.99), False, "worse than the champion's 0.9900"),
        (
            "proven",
            champion(is_proven=True, ic=0.1, skills=("ranking", "market")),
            False,
            "it claims no market, which the champion has proven",
        ),
        ("unproven", champion(is_proven=False, ic=-0.9), True, "no worse than the champion's"),
        ("unproven", champion(is_proven=False, ic=0.9), False, "is worse than the champion's"),
        (
            "unproven",
            champion(is_proven=True, ic=0.1, candidate_id="new"),
            True,
            "it is the champion, evaluated anew",
        ),
    ],
)
def test_every_pairing(request, candidate, before, promoted, why):
    evaluation = request.getfixturevalue(candidate)
    promotion = decided(evaluation, before)
    assert promotion.promoted is promoted
    assert promotion.is_proven is (candidate == "proven")
    assert promotion.reasons[:-1] == tuple(skill.reason for skill in evaluation.skills)
    assert why in promotion.reasons[-1]
    assert promotion.champion.candidate_id == ("new" if promoted else before.candidate_id)
    assert promotion.decided_at == NOW
    assert not promotion.is_proof_lost


def test_a_lucky_champion_does_not_block_retraining(proven):
    """Its rank IC is above the candidate's, but inside the candidate's interval."""
    own = proven.estimate("rank_ic")
    lucky = champion(is_proven=True, ic=(own.value + own.upper) / 2)
    assert decided(proven, lucky).promoted
    assert not decided(proven, champion(is_proven=True, ic=own.upper + 0.001)).promoted


@pytest.mark.parametrize("candidate", ["proven", "unproven"])
def test_a_new_sentiment_model_is_the_true_reason_and_proves_nothing(request, candidate):
    """It used to read "there is no champion yet"."""
    before = champion(is_proven=True, ic=0.9, scores="a" * 64)
    promotion = decided(request.getfixturevalue(candidate), before, scores="b" * 64)
    assert promotion.promoted, "the champion cannot read these scores"
    assert promotion.reasons[-1] == (
        "promoted: the champion reads scores of the sentiment model aaaaaaaaaaaa, the scores are "
        "now of bbbbbbbbbbbb"
    )
    assert promotion.champion.is_proven is (candidate == "proven")
    assert promotion.champion.sentiment_fingerprint == "b" * 64


def test_a_proof_goes_on_through_retrainings_and_begins_anew_after_an_unproven_champion(proven):
    followed = decided(proven, champion(is_proven=True, ic=0.0)).champion
    assert (followed.proven_since, followed.supported_at) == (THEN, NOW)
    for before in (None, champion(is_proven=False, ic=0.0, proof_lost_at=THEN)):
        first = decided(proven, before).champion
        assert (first.proven_since, first.supported_at) == (NOW, NOW)
        assert first.proof_lost_at is None


def test_the_same_walk_forward_does_not_give_a_lost_proof_back(proven):
    lost = champion(is_proven=False, ic=-0.02, candidate_id="new", proof_lost_at=THEN)
    promotion = decided(proven, lost)
    assert promotion.champion == lost
    assert not promotion.is_proven
    assert promotion.reasons[-1].endswith("evaluated anew; the proof that it lost stays lost")
    other = champion(is_proven=False, ic=-0.02, candidate_id="old", proof_lost_at=THEN)
    assert decided(proven, other).champion.is_proven, "another model may be proven"


def test_an_unproven_candidate_replaces_a_champion_that_lost_its_proof_if_it_is_not_worse(unproven):
    """What was proven would have kept it out; its live record is what counts."""
    own = unproven.estimate("rank_ic").value
    for live, promoted in ((own - 0.001, True), (own + 0.001, False)):
        lost = champion(is_proven=False, ic=live, proof_lost_at=THEN)
        assert decided(unproven, lost).promoted is promoted


def test_equal_decisions_are_told_by_their_content(proven):
    one = decided(proven, None)
    later = decide(proven, None, decided_at=NOW + timedelta(days=1), sentiment_fingerprint="s1")
    assert later != one
    assert later.says_the_same_as(one)
    assert not later.says_the_same_as(None)
    assert not decided(proven, one.champion).says_the_same_as(one)


def test_the_history_is_a_row_a_decision(proven, unproven):
    before = champion(is_proven=True, ic=0.1)
    first, second = decided(unproven, before), decided(proven, None)
    table = history_table([first, second])
    assert table["decision"].to_list() == [1, 2]
    assert table["is_promoted"].to_list() == [False, True]
    assert table["champion_id"].to_list() == ["old", second.candidate_id]
    assert table["proven_since"].to_list() == [THEN, NOW]
    assert table["reasons"][1].split("\n") == list(second.reasons)
    assert history_table([]).is_empty()


def test_a_decision_outlives_its_json(proven):
    promotion = decided(proven, None)
    assert promotion.to_json().count("\n") == 1, "one line of the history"
    assert Promotion.from_json(promotion.to_json()) == promotion
    assert promotion.champion.measured["ranking"] == proven.estimate("rank_ic").value
    assert promotion.champion.skills == proven.proven


def test_a_skill_that_live_trading_has_cost_does_not_come_back_by_the_same_walk_forward(proven):
    poorer = champion(is_proven=True, ic=0.1, candidate_id="new", skills=("text",))
    assert "ranking" in proven.proven
    assert decided(proven, poorer).champion.skills == ("text",)


def test_a_decision_of_former_code_is_read_as_one_without_a_named_skill():
    """A home made before skills had names opens; its champion predicts on, unproven."""
    line = (
        '{"candidate_id": "c1", "champion": {"accuracy": 0.56, "accuracy_gain": 0.04, '
        '"candidate_id": "c1", "is_proven": true, "proof_lost_at": null, "proven_since": '
        '"2024-03-01T21:00:00+00:00", "sentiment_fingerprint": "s1", "supported_at": '
        '"2024-03-01T21:00:00+00:00"}, "decided_at": "2024-03-01T21:00:00+00:00", "is_proven": '
        'true, "promoted": true, "reasons": ["proven"]}'
    )
    decision = Promotion.from_json(line)
    assert decision.champion == Champion("c1", (), {}, "s1")
    assert not decision.is_proven
    assert history_table([decision])["champion_rank_ic"].to_list() == [None]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"champion": {}}'])
def test_a_stored_decision_that_is_none_is_refused(text):
    with pytest.raises(ModelError, match="the stored promotion cannot be read"):
        Promotion.from_json(text)
