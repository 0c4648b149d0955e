"""Which model speaks: the candidate, or the champion that spoke before.

The decision from an evaluation and the present champion, with its reasons.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from finpulse_assets.domain.evaluation.report import GAIN, Estimate, Evaluation
from finpulse_assets.errors import ModelError


@dataclass(frozen=True)
class Champion:
    """The model that speaks, as its own evaluation saw it.

    `accuracy_gain` is its accuracy minus that of the best naive baseline: unlike the accuracy it
    can be compared across periods.
    """

    candidate_id: str
    is_proven: bool
    accuracy: float
    accuracy_gain: float


@dataclass(frozen=True)
class Promotion:
    """The decision about a candidate; `champion` is who speaks after it."""

    candidate_id: str
    promoted: bool
    is_proven: bool
    reasons: tuple[str, ...]
    champion: Champion

    def to_json(self) -> str:
        """Return the decision as JSON text with sorted keys."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Promotion:
        """Return the decision that `to_json` wrote.

        Raises:
            ModelError: the text is no decision.
        """
        try:
            content = json.loads(text)
            champion = Champion(**content.pop("champion"))
            return cls(champion=champion, reasons=tuple(content.pop("reasons")), **content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"the stored promotion cannot be read: {error!r}",
                hint="materialize models/promotion again",
            ) from error


def decide(evaluation: Evaluation, champion: Champion | None) -> Promotion:
    """Decide whether the candidate becomes the champion.

    - The first candidate speaks, proven or not, and so does the champion itself, evaluated anew.
    - A proven model replaces an unproven one, and never the other way round.
    - Of two proven models the newer speaks unless it is worse: its gain's interval lies wholly
      below the champion's gain. Mere luck of the champion's period does not block retraining.
    - Of two unproven models the one with the larger gain speaks.

    Args:
        evaluation: of the candidate.
        champion: `Promotion.champion` of the last decision, None before the first.
    """
    gain = evaluation.estimate(GAIN, evaluation.best_baseline)
    candidate = Champion(
        candidate_id=evaluation.candidate_id,
        is_proven=evaluation.verdict == "skill",
        accuracy=evaluation.estimate("accuracy").value,
        accuracy_gain=gain.value,
    )
    promoted, comparison = _compare(candidate, gain, champion)
    standing = "proven" if candidate.is_proven else "unproven"
    return Promotion(
        candidate_id=candidate.candidate_id,
        promoted=promoted,
        is_proven=candidate.is_proven,
        reasons=(f"{standing}: {evaluation.reason}", *evaluation.objections, comparison),
        champion=candidate if promoted or champion is None else champion,
    )


def _compare(candidate: Champion, gain: Estimate, champion: Champion | None) -> tuple[bool, str]:
    if champion is None:
        return True, "promoted: there is no champion yet"
    if candidate.candidate_id == champion.candidate_id:
        return True, "promoted: it is the champion, evaluated anew"
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
