"""Rollback: who predicts again, and that what was taken back stays back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, decide
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.evaluation.rollback import former_champions, rolled_back, taken_back
from finpulse_assets.errors import ModelError
from tests.unit.domain.evaluation.panels import predicted_panel

NOW = datetime(2024, 3, 28, 21, tzinfo=UTC)


def promoted(name: str, *, day: int = 0) -> Promotion:
    champion = Champion(name, ("ranking",), {"ranking": 0.05}, "s1")
    return Promotion(name, True, True, ("good",), champion, NOW + timedelta(days=day))


HISTORY = [promoted("a"), promoted("b", day=1), promoted("c", day=2)]


def back(history: list[Promotion], **options) -> Promotion:
    options = {"reason": "it bets on splits", "decided_at": NOW + timedelta(days=9)} | options
    return rolled_back(history, **options)


def test_the_former_champion_predicts_again_as_it_was_left():
    decision = back(HISTORY)
    assert (decision.champion, decision.taken_back) == (HISTORY[1].champion, "c")
    assert decision.reasons == ("rolled back from c: it bets on splits",)
    assert (decision.promoted, decision.is_proven, decision.is_proof_lost) == (True, True, False)
    assert Promotion.from_json(decision.to_json()) == decision


def test_a_second_rollback_goes_on_to_the_one_before_not_back_and_forth():
    history = [*HISTORY, back(HISTORY)]
    assert taken_back(history) == {"c"}
    assert [it.candidate_id for it in former_champions(history)] == ["a"]
    history.append(back(history))
    assert history[-1].champion.candidate_id == "a"
    with pytest.raises(ModelError, match="there is no former champion to return to"):
        back(history)
    again = back(history, to="c")
    assert again.champion.candidate_id == "c"
    assert taken_back([*history, again]) == {"a", "b"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reason": " "}, "a rollback needs a reason"),
        ({"to": "c"}, "c is the champion"),
        ({"to": "z"}, "z never was champion"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message):
    with pytest.raises(ModelError, match=message):
        back(HISTORY, **options)


def test_nothing_is_taken_back_before_the_first_decision():
    with pytest.raises(ModelError, match="there is no former champion to return to"):
        back([])


def test_a_model_that_was_taken_back_is_not_promoted_again():
    evaluation = evaluate(predicted_panel(edge=0.2), "ranking", resamples=200)
    champion = HISTORY[0].champion
    options = {"decided_at": NOW, "sentiment_fingerprint": "s1"}
    assert decide(evaluation, champion, **options).promoted
    refused = decide(evaluation, champion, **options, taken_back={"new"})
    assert not refused.promoted
    assert refused.champion == champion
    assert refused.reasons[-1] == "not promoted: a rollback took this model back"
