"""The champion: which candidate it is, and whether it is proven."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import polars as pl

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.domain.evaluation.score_table import GAIN
from finpulse_assets.errors import ModelError
from finpulse_assets.schemas import PROMOTION_HISTORY

TIMES = ("proven_since", "supported_at", "proof_lost_at")
SHOWN = 12  # characters of a fingerprint


@dataclass(frozen=True)
class Champion:
    """The model that predicts.

    Attributes:
        candidate_id: which one.
        is_proven: whether its signals may be acted on.
        accuracy: right directions out of sample, a fraction.
        accuracy_gain: accuracy minus that of the best baseline, which unlike the accuracy can be
            compared across periods; of a champion that lost its proof, the gain that cost it.
        sentiment_fingerprint: of the sentiment model whose scores it reads.
        proven_since: when the present proof began (UTC); it goes on through retrainings as long as
            proven models follow each other, so that no retraining wipes the live record out.
        supported_at: when an evaluation last supported the proof (UTC).
        proof_lost_at: when it lost its proof (UTC), None where it did not.
    """

    candidate_id: str
    is_proven: bool
    accuracy: float
    accuracy_gain: float
    sentiment_fingerprint: str = ""
    proven_since: datetime | None = None
    supported_at: datetime | None = None
    proof_lost_at: datetime | None = None


@dataclass(frozen=True)
class Promotion:
    """A decision: about a candidate, or that the champion has lost its proof.

    `champion` is who predicts after it, `decided_at` the as-of time (UTC) of the run that decided.
    """

    candidate_id: str
    promoted: bool
    is_proven: bool
    reasons: tuple[str, ...]
    champion: Champion
    decided_at: datetime

    @property
    def is_proof_lost(self) -> bool:
        """Whether this is the decision that the champion has lost its proof."""
        return not self.promoted and self.candidate_id == self.champion.candidate_id

    def says_the_same_as(self, other: Promotion | None) -> bool:
        """Return whether only the times differ."""
        return other is not None and _timeless(self) == _timeless(other)

    def to_json(self) -> str:
        """Return the decision as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, default=datetime.isoformat) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Promotion:
        """Return the decision that `to_json` wrote.

        Raises:
            ModelError: the text is no decision.
        """
        try:
            content = json.loads(text)
            champion = content.pop("champion")
            for name in TIMES:
                champion[name] = champion[name] and datetime.fromisoformat(champion[name])
            return cls(
                champion=Champion(**champion),
                reasons=tuple(content.pop("reasons")),
                decided_at=datetime.fromisoformat(content.pop("decided_at")),
                **content,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"the stored promotion cannot be read: {error!r}",
                hint="materialize models/promotion again",
            ) from error


def history_table(decisions: Sequence[Promotion]) -> pl.DataFrame:
    """Return decisions, the first one first, as `schemas.PROMOTION_HISTORY`."""
    rows = [
        {
            "decision": number,
            "decided_at": it.decided_at,
            "candidate_id": it.candidate_id,
            "is_promoted": it.promoted,
            "is_proven": it.is_proven,
            "reasons": "\n".join(it.reasons),
            "champion_id": it.champion.candidate_id,
            "champion_is_proven": it.champion.is_proven,
            "champion_accuracy": it.champion.accuracy,
            "champion_accuracy_gain": it.champion.accuracy_gain,
            "proven_since": it.champion.proven_since,
            "proof_lost_at": it.champion.proof_lost_at,
        }
        for number, it in enumerate(decisions, start=1)
    ]
    schema = PROMOTION_HISTORY.polars_schema
    return PROMOTION_HISTORY.enforce(pl.DataFrame(rows, schema=schema))


def _timeless(promotion: Promotion) -> Promotion:
    champion = replace(promotion.champion, **dict.fromkeys(TIMES))
    return replace(promotion, champion=champion, decided_at=datetime.min)  # noqa: DTZ901


def decide(
    evaluation: Evaluation,
    champion: Champion | None,
    *,
    decided_at: datetime,
    sentiment_fingerprint: str = "",
) -> Promotion:
    """Decide whether the candidate becomes the champion.

    - The first candidate is promoted, proven or not. So is the champion itself, evaluated anew;
      but a proof that it has lost does not come back that way.
    - A candidate that reads the scores of another sentiment model than the champion is promoted:
      the champion cannot read these scores. It is proven only by its own evaluation.
    - A proven model replaces an unproven one, and never the other way round. A champion that has
      lost its proof is unproven.
    - Of two proven models the newer one is promoted unless it is worse: its gain's interval lies
      wholly below the champion's gain. Mere luck of the champion's period does not block
      retraining.
    - Of two unproven models the one with the larger gain is promoted; the gain of a champion that
      has lost its proof is the one of its live record.

    Args:
        evaluation: of the candidate.
        champion: `Promotion.champion` of the last decision, None before the first.
        decided_at: UTC as-of time of the run.
        sentiment_fingerprint: of the sentiment model whose scores the candidate reads.
    """
    gain = evaluation.estimate(GAIN, evaluation.best_baseline)
    candidate = _candidate(evaluation, gain, champion, decided_at, sentiment_fingerprint)
    promoted, comparison = _compare(candidate, gain, champion)
    standing = "proven" if candidate.is_proven else "unproven"
    return Promotion(
        candidate_id=candidate.candidate_id,
        promoted=promoted,
        is_proven=candidate.is_proven,
        reasons=(f"{standing}: {evaluation.reason}", *evaluation.objections, comparison),
        champion=candidate if promoted or champion is None else champion,
        decided_at=decided_at,
    )


def _candidate(
    evaluation: Evaluation,
    gain: Estimate,
    champion: Champion | None,
    decided_at: datetime,
    sentiment_fingerprint: str,
) -> Champion:
    """Return the candidate as the champion that it would be."""
    is_same = champion is not None and champion.candidate_id == evaluation.candidate_id
    if is_same and champion.proof_lost_at:
        return champion
    is_proven = evaluation.verdict == "skill"
    goes_on = champion.proven_since if champion is not None and champion.is_proven else None
    return Champion(
        candidate_id=evaluation.candidate_id,
        is_proven=is_proven,
        accuracy=evaluation.estimate("accuracy").value,
        accuracy_gain=gain.value,
        sentiment_fingerprint=sentiment_fingerprint,
        proven_since=(goes_on or decided_at) if is_proven else None,
        supported_at=decided_at if is_proven else None,
    )


def _compare(candidate: Champion, gain: Estimate, champion: Champion | None) -> tuple[bool, str]:
    if champion is None:
        return True, "promoted: there is no champion yet"
    if candidate.candidate_id == champion.candidate_id:
        lost = "; the proof that it lost stays lost" if candidate.proof_lost_at else ""
        return True, f"promoted: it is the champion, evaluated anew{lost}"
    if candidate.sentiment_fingerprint != champion.sentiment_fingerprint:
        return True, f"promoted: {other_scores(champion, candidate.sentiment_fingerprint)}"
    if candidate.is_proven and not champion.is_proven:
        return True, "promoted: the champion is unproven"
    if champion.is_proven and not candidate.is_proven:
        return False, "not promoted: the champion is proven, the candidate is not"
    worse = (gain.upper if candidate.is_proven else gain.value) < champion.accuracy_gain
    verb, order = ("not promoted", "worse than") if worse else ("promoted", "no worse than")
    return (
        not worse,
        f"{verb}: its gain {gain} is {order} the champion's {champion.accuracy_gain:.3f}",
    )


def other_scores(champion: Champion, fingerprint: str) -> str:
    """Return the sentence that the scores are no longer those that the champion reads."""
    reads, now = champion.sentiment_fingerprint or "none", fingerprint or "none"
    return (
        f"the champion reads scores of the sentiment model {reads[:SHOWN]}, the scores are now of "
        f"{now[:SHOWN]}"
    )
