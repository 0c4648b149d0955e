"""Who speaks after an evaluation: every pairing of candidate and champion."""

from __future__ import annotations

import pytest
from evaluation_panels import spoken_panel

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, decide
from finpulse_assets.domain.evaluation.report import GAIN, Evaluation, evaluate
from finpulse_assets.errors import ModelError


@pytest.fixture(scope="module")
def proven() -> Evaluation:
    return evaluate(spoken_panel(edge=0.2), candidate_id="new", resamples=200)


@pytest.fixture(scope="module")
def unproven() -> Evaluation:
    return evaluate(spoken_panel(), candidate_id="new", resamples=200)


def champion(*, is_proven: bool, gain: float, candidate_id: str = "old") -> Champion:
    return Champion(candidate_id, is_proven, 0.55, gain)


@pytest.mark.parametrize(
    ("candidate", "before", "promoted", "why"),
    [
        ("proven", None, True, "there is no champion yet"),
        ("unproven", None, True, "there is no champion yet"),
        ("proven", champion(is_proven=False, gain=0.9), True, "the champion is unproven"),
        ("unproven", champion(is_proven=True, gain=-0.9), False, "the champion is proven, the"),
        ("proven", champion(is_proven=True, gain=0.01), True, "no worse than the champion's 0.010"),
        ("proven", champion(is_proven=True, gain=0.9), False, "worse than the champion's 0.900"),
        ("unproven", champion(is_proven=False, gain=-0.9), True, "no worse than the champion's"),
        ("unproven", champion(is_proven=False, gain=0.9), False, "is worse than the champion's"),
        (
            "unproven",
            champion(is_proven=True, gain=0.1, candidate_id="new"),
            True,
            "it is the champion, evaluated anew",
        ),
    ],
)
def test_every_pairing(request, candidate, before, promoted, why):
    evaluation = request.getfixturevalue(candidate)
    promotion = decide(evaluation, before)
    assert promotion.promoted is promoted
    assert promotion.is_proven is (candidate == "proven")
    assert promotion.reasons[0] == f"{candidate}: {evaluation.reason}"
    assert promotion.reasons[1:-1] == evaluation.objections
    assert why in promotion.reasons[-1]
    assert promotion.champion.candidate_id == ("new" if promoted else before.candidate_id)


def test_a_lucky_champion_does_not_block_retraining(proven):
    """Its gain is above the candidate's, but inside the candidate's interval."""
    gain = proven.estimate(GAIN, proven.best_baseline)
    lucky = champion(is_proven=True, gain=(gain.value + gain.upper) / 2)
    assert decide(proven, lucky).promoted
    assert not decide(proven, champion(is_proven=True, gain=gain.upper + 0.001)).promoted


def test_a_decision_outlives_its_json(proven):
    promotion = decide(proven, None)
    assert Promotion.from_json(promotion.to_json()) == promotion
    assert promotion.champion.accuracy == proven.estimate("accuracy").value


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"champion": {}}'])
def test_a_stored_decision_that_is_none_is_refused(text):
    with pytest.raises(ModelError, match="the stored promotion cannot be read"):
        Promotion.from_json(text)
