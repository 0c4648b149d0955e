"""The proof of a champion, held to what it predicted live: when it is lost, and when it expires.

The rule in words. A proof says: out of sample, the model was right more often than the best
baseline by so much (`Champion.accuracy_gain`). It is lost when the matured predictions of the last
40 sessions contradict it: they gain nothing over the best naive guess, and the 95 % interval of
their gain lies wholly below the gain that was proven. Less than 20 matured sessions contradict
nothing. It expires after 126 sessions in which neither an evaluation nor the live record (the lower
end of its gain above 0) has supported it. It is lost at once when the texts are scored by another
sentiment model than the one whose scores the champion reads.

What the rule can see. Over 40 sessions of 16 tickers the interval of a gain reaches about 5 points
to each side. A champion that is as good as it was proven to be is wronged in at most 1 of 40 such
spans. One of which the skill is gone is found within such a span if 6 points were proven, more
often than not; if 2 points were proven, rarely, and its proof ends by expiry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, other_scores
from finpulse_assets.domain.evaluation.score_table import RECENT_SESSIONS


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
        gain: accuracy minus that of the best naive guess, None where there are none.
        best_naive: name of that guess.
        sessions_since_support: sessions since an evaluation or the record last supported the proof.
    """

    sessions: int
    last_session: date | None
    gain: Estimate | None
    best_naive: str
    sessions_since_support: int


def proof_lost(
    champion: Champion,
    record: LiveRecord,
    *,
    scored_by: str,
    decided_at: datetime,
    rule: ProofRule | None = None,
) -> Promotion | None:
    """Return the decision that the champion has lost its proof, None where it stands or is none.

    Args:
        champion: the champion as the last decision left it.
        record: its matured predictions.
        scored_by: fingerprint of the sentiment model of the newest scores, "" where there are none.
        decided_at: UTC as-of time of the run.
        rule: the limits.
    """
    if not champion.is_proven:
        return None
    reason = _reason(champion, record, scored_by, rule or ProofRule())
    if reason is None:
        return None
    unproven = replace(
        champion,
        is_proven=False,
        accuracy_gain=record.gain.value if record.gain else champion.accuracy_gain,
        proven_since=None,
        proof_lost_at=decided_at,
    )
    return Promotion(
        candidate_id=champion.candidate_id,
        promoted=False,
        is_proven=False,
        reasons=(f"the proof is lost: {reason}",),
        champion=unproven,
        decided_at=decided_at,
    )


def _reason(champion: Champion, record: LiveRecord, scored_by: str, rule: ProofRule) -> str | None:
    if scored_by and scored_by not in champion.sentiment_fingerprint.split(","):
        return other_scores(champion, scored_by)
    gain = record.gain
    is_judged = gain is not None and record.sessions >= rule.least_sessions
    if is_judged and gain.contradicts(champion.accuracy_gain):
        return (
            f"the matured predictions of the {record.sessions} sessions up to "
            f"{record.last_session} gain {gain} over {record.best_naive}, "
            f"{champion.accuracy_gain:.3f} was proven"
        )
    if record.sessions_since_support > rule.expires_after:
        return (
            f"nothing has supported it for {record.sessions_since_support} sessions, it expires "
            f"after {rule.expires_after}"
        )
    return None
