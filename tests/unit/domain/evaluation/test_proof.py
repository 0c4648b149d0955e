"""When a champion loses its proof: by its matured predictions, by age, by other scores."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Champion
from finpulse_assets.domain.evaluation.proof import LiveRecord, ProofRule, proof_lost

THEN, NOW = datetime(2024, 3, 1, 21, tzinfo=UTC), datetime(2024, 5, 28, 21, tzinfo=UTC)
PROVEN = Champion("m1", True, 0.56, 0.06, "s1", proven_since=THEN, supported_at=THEN)


def record(
    *, sessions: int = 40, gain: tuple[float, float, float] | None, support: int = 0
) -> LiveRecord:
    estimate = Estimate(*gain) if gain else None
    return LiveRecord(sessions, date(2024, 5, 24), estimate, "always_up", support)


@pytest.mark.parametrize(
    ("found", "lost"),
    [
        (record(gain=(0.05, 0.0, 0.1)), False),  # as good as proven
        (record(gain=(0.01, -0.04, 0.055)), False),  # surely less than proven, but above a guess
        (record(gain=(-0.01, -0.08, 0.07)), False),  # no gain, but 0.06 is not excluded
        (record(gain=(-0.01, -0.05, 0.05)), True),
        (record(gain=(0.0, -0.05, 0.05)), True),  # no gain at all
        (record(sessions=20, gain=(-0.2, -0.3, -0.1)), True),
        (record(sessions=19, gain=(-0.2, -0.3, -0.1)), False),  # too few to contradict anything
        (record(sessions=0, gain=None), False),
        (record(gain=(0.02, -0.01, 0.05), support=126), False),
        (record(gain=(0.02, -0.01, 0.05), support=127), True),  # expired
        (record(sessions=0, gain=None, support=127), True),
    ],
)
def test_the_rule(found, lost):
    decision = proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW)
    assert (decision is not None) is lost


def test_the_loss_is_a_decision_with_its_numbers():
    """Defect: a proof was a ratchet, nothing that came after a promotion could take it."""
    found = record(gain=(-0.012, -0.05, 0.05))
    decision = proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW)
    assert decision.is_proof_lost
    assert decision.reasons == (
        "the proof is lost: the matured predictions of the 40 sessions up to 2024-05-24 gain "
        "-0.012 [-0.050, 0.050] over always_up, 0.060 was proven",
    )
    champion = decision.champion
    assert (champion.candidate_id, champion.is_proven) == ("m1", False)
    assert champion.accuracy_gain == -0.012, "what a challenger has to reach"
    assert (champion.proven_since, champion.proof_lost_at) == (None, NOW)
    assert decision.decided_at == NOW


def test_an_expired_proof_says_so():
    decision = proof_lost(PROVEN, record(gain=None, support=130), scored_by="", decided_at=NOW)
    assert decision.reasons[0].endswith(
        "nothing has supported it for 130 sessions, it expires after 126"
    )
    assert decision.champion.accuracy_gain == 0.06, "there is no live record to put in its place"


def test_scores_of_another_sentiment_model_cost_the_proof_at_once():
    good = record(gain=(0.05, 0.01, 0.09))
    decision = proof_lost(PROVEN, good, scored_by="s2", decided_at=NOW)
    assert decision.reasons == (
        "the proof is lost: the champion reads scores of the sentiment model s1, the scores are "
        "now of s2",
    )
    assert proof_lost(PROVEN, good, scored_by="", decided_at=NOW) is None, "no texts, no scores"


def test_the_limits_are_a_rule():
    found = record(sessions=10, gain=(-0.1, -0.2, 0.0), support=5)
    short = ProofRule(least_sessions=10)
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW) is None
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW, rule=short)
    early = ProofRule(expires_after=4)
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW, rule=early)


def test_an_unproven_champion_has_nothing_to_lose():
    unproven = Champion("m1", False, 0.5, -0.01, "s1")
    bad = record(gain=(-0.2, -0.3, -0.1), support=500)
    assert proof_lost(unproven, bad, scored_by="s2", decided_at=NOW) is None
