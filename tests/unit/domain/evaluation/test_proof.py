"""When a champion loses its proof: by its matured predictions, by age, by other scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Champion
from finpulse_assets.domain.evaluation.proof import LiveRecord, ProofRule, proof_lost

THEN, NOW = datetime(2024, 3, 1, 21, tzinfo=UTC), datetime(2024, 5, 28, 21, tzinfo=UTC)
PROVEN = Champion(
    "m1", ("ranking", "text"), {"ranking": 0.06, "text": 0.02}, "s1", proven_since=THEN,
    supported_at=THEN,
)  # fmt: skip


def record(
    *, sessions: int = 40, ic: tuple[float, float, float] | None, support: int = 0
) -> LiveRecord:
    estimate = {"ranking": Estimate(*ic)} if ic else {}
    return LiveRecord(sessions, date(2024, 5, 24), estimate, support)


@pytest.mark.parametrize(
    ("found", "lost"),
    [
        (record(ic=(0.05, 0.0, 0.1)), False),  # as good as proven
        (record(ic=(0.01, -0.04, 0.055)), False),  # surely less than proven, but a ranking
        (record(ic=(-0.01, -0.08, 0.07)), False),  # none, but 0.06 is not excluded
        (record(ic=(-0.01, -0.05, 0.05)), True),
        (record(ic=(0.0, -0.05, 0.05)), True),  # none at all
        (record(sessions=20, ic=(-0.2, -0.3, -0.1)), True),
        (record(sessions=19, ic=(-0.2, -0.3, -0.1)), False),  # too few to contradict anything
        (record(sessions=0, ic=None), False),
        (record(ic=(0.02, -0.01, 0.05), support=126), False),
        (record(ic=(0.02, -0.01, 0.05), support=127), True),  # expired
        (record(sessions=0, ic=None, support=127), True),
    ],
)
def test_the_rule(found, lost):
    decision = proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW)
    assert (decision is not None) is lost


def test_the_loss_is_a_decision_with_its_numbers():
    """Defect: a proof was a ratchet, nothing that came after a promotion could take it."""
    found = record(ic=(-0.012, -0.05, 0.05))
    decision = proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW)
    assert decision.is_proof_lost
    assert decision.reasons == (
        "the proof is lost: the matured predictions of the 40 sessions up to 2024-05-24 have rank "
        "IC -0.012 [-0.050, 0.050], 0.0600 was proven",
    )
    champion = decision.champion
    assert (champion.candidate_id, champion.is_proven) == ("m1", False)
    assert champion.rank_ic == -0.012, "what a challenger has to reach"
    assert (champion.proven_since, champion.proof_lost_at) == (None, NOW)
    assert decision.decided_at == NOW


def test_one_skill_is_lost_and_the_others_stand():
    both = replace(PROVEN, skills=("ranking", "market"), measured={"ranking": 0.06, "market": 0.2})
    found = LiveRecord(
        40,
        date(2024, 5, 24),
        {"ranking": Estimate(0.05, 0.0, 0.1), "market": Estimate(-0.1, -0.3, 0.1)},
        0,
    )
    decision = proof_lost(both, found, scored_by="s1", decided_at=NOW)
    assert decision.champion.skills == ("ranking",)
    assert decision.reasons[0].startswith("market is no longer proven: the matured predictions")
    assert not decision.is_proof_lost
    assert (decision.champion.proven_since, decision.champion.proof_lost_at) == (THEN, None)


def test_what_needs_a_lost_skill_is_lost_with_it():
    """The use of the texts is not seen live; it is worth nothing without a ranking."""
    decision = proof_lost(PROVEN, record(ic=(-0.012, -0.05, 0.05)), scored_by="", decided_at=NOW)
    assert decision.champion.skills == ()


def test_an_expired_proof_says_so():
    decision = proof_lost(PROVEN, record(ic=None, support=130), scored_by="", decided_at=NOW)
    assert decision.reasons[0].endswith(
        "nothing has supported it for 130 sessions, it expires after 126"
    )
    assert decision.champion.rank_ic == 0.06, "there is no live record to put in its place"


def test_scores_of_another_sentiment_model_cost_the_proof_at_once():
    good = record(ic=(0.05, 0.01, 0.09))
    decision = proof_lost(PROVEN, good, scored_by="s2", decided_at=NOW)
    assert decision.reasons == (
        "the proof is lost: the champion reads scores of the sentiment model s1, the scores are "
        "now of s2",
    )
    assert proof_lost(PROVEN, good, scored_by="", decided_at=NOW) is None, "no texts, no scores"


def test_the_limits_are_a_rule():
    found = record(sessions=10, ic=(-0.1, -0.2, 0.0), support=5)
    short = ProofRule(least_sessions=10)
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW) is None
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW, rule=short)
    early = ProofRule(expires_after=4)
    assert proof_lost(PROVEN, found, scored_by="s1", decided_at=NOW, rule=early)


def test_an_unproven_champion_has_nothing_to_lose():
    unproven = Champion("m1", (), {"ranking": -0.01}, "s1")
    bad = record(ic=(-0.2, -0.3, -0.1), support=500)
    assert proof_lost(unproven, bad, scored_by="s2", decided_at=NOW) is None
