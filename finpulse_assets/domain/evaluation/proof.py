"""The proof of a champion, held to what it predicted live: when it is lost, and when it expires.

The rule in words. A proof says: out of sample, the model had so much of a skill
(`Champion.measured`). The skill is lost when the matured predictions of the last 40 sessions
contradict it: their metric is 0 or below, and its 95 % interval lies wholly below what was proven.
What needs a lost skill is lost with it. Less than 20 matured sessions contradict nothing. All
skills expire after 126 sessions in which neither an evaluation nor the live record (the lower end
of a proven skill above 0) has supported them. They are lost at once when the texts are scored by
another sentiment model than the one whose scores the champion reads. The use of the texts alone
cannot be seen live, for nobody predicts without them: it stands as long as the ranking does.

What the rule can see. Over 40 sessions of 16 tickers the interval of a rank IC reaches about 0.08
to each side. A champion that is as good as it was proven to be is wronged in at most 1 of 40 such
spans. One of which the skill is gone is found within such a span if 0.1 was proven, more often than
not; if 0.03 was proven, rarely, and its proof ends by expiry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, other_scores
from finpulse_assets.domain.evaluation.score_table import RECENT_SESSIONS
from finpulse_assets.domain.evaluation.skill import MEANING, NEEDS


@dataclass(frozen=True, kw_only=True)
class ProofRule:
    """When a proof ends; all three are numbers of sessions."""

    sessions: int = RECENT_SESSIONS
    least_sessions: int = 20
    expires_after: int = 126


@dataclass(frozen=True)
class LiveRecord:
    """What the matured predictions say of a proof.

    Attributes:
        sessions: matured sessions that were judged.
        last_session: the last of them, None where there are none.
        estimates: the metric of each skill that can be seen live, costs taken off.
        sessions_since_support: sessions since an evaluation or the record last supported the proof.
    """

    sessions: int
    last_session: date | None
    estimates: Mapping[str, Estimate]
    sessions_since_support: int


def proof_lost(
    champion: Champion,
    record: LiveRecord,
    *,
    scored_by: str,
    decided_at: datetime,
    rule: ProofRule | None = None,
) -> Promotion | None:
    """Return the decision that the champion has lost a skill, None where all stand or are none.

    Args:
        champion: the champion as the last decision left it.
        record: its matured predictions.
        scored_by: fingerprint of the sentiment model of the newest scores, "" where there are none.
        decided_at: UTC as-of time of the run.
        rule: the limits.
    """
    if not champion.is_proven:
        return None
    lost = _lost(champion, record, scored_by, rule or ProofRule())
    if not lost:
        return None
    left = tuple(it for it in champion.skills if it not in lost)
    live = {name: record.estimates[name].value for name in lost if name in record.estimates}
    poorer = replace(
        champion,
        skills=left,
        measured={**champion.measured, **live},
        proven_since=champion.proven_since if left else None,
        proof_lost_at=None if left else decided_at,
    )
    what = "the proof is lost" if not left else f"{', '.join(lost)} is no longer proven"
    return Promotion(
        candidate_id=champion.candidate_id,
        promoted=False,
        is_proven=bool(left),
        reasons=(*(f"{what}: {why}" for why in dict.fromkeys(lost.values())),),
        champion=poorer,
        decided_at=decided_at,
    )


def _lost(
    champion: Champion, record: LiveRecord, scored_by: str, rule: ProofRule
) -> dict[str, str]:
    """Return each skill that is lost, with the reason."""
    if scored_by and scored_by not in champion.sentiment_fingerprint.split(","):
        return dict.fromkeys(champion.skills, other_scores(champion, scored_by))
    if record.sessions_since_support > rule.expires_after:
        why = (
            f"nothing has supported it for {record.sessions_since_support} sessions, it expires "
            f"after {rule.expires_after}"
        )
        return dict.fromkeys(champion.skills, why)
    if record.sessions < rule.least_sessions:
        return {}
    lost = {}
    for name in champion.skills:
        estimate = record.estimates.get(name)
        if estimate is not None and estimate.contradicts(champion.measured[name]):
            lost[name] = (
                f"the matured predictions of the {record.sessions} sessions up to "
                f"{record.last_session} have {MEANING[name]} {estimate}, "
                f"{champion.measured[name]:.4f} was proven"
            )
    for name in champion.skills:
        if NEEDS.get(name) in lost:
            lost.setdefault(name, lost[NEEDS[name]])
    return lost
