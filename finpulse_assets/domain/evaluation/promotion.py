"""The champion: which candidate it is, and whether it is proven."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from finpulse_assets.domain.evaluation.holdout import HoldoutRead
from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.domain.evaluation.skill import RANKING
from finpulse_assets.errors import ModelError
from finpulse_assets.schemas import PROMOTION_HISTORY

TIMES = ("proven_since", "supported_at", "proof_lost_at")
SHOWN = 12  # characters of a fingerprint


@dataclass(frozen=True)
class Champion:
    """The model that predicts.

    Attributes:
        candidate_id: which one.
        skills: the names of its proven skills (`skill.NAMES`), none where nothing is proven.
        measured: the metric of each skill that it claims (`skill.METRIC`, costs taken off), proven
            or not; of a skill that was lost, the live record that cost it.
        sentiment_fingerprint: of the sentiment model whose scores it reads.
        proven_since: when the present proof began (UTC); it goes on through retrainings as long as
            proven models follow each other, so that no retraining wipes the live record out.
        supported_at: when an evaluation last supported the proof (UTC).
        proof_lost_at: when it lost its last proven skill (UTC), None where it did not.
    """

    candidate_id: str
    skills: tuple[str, ...]
    measured: Mapping[str, float]
    sentiment_fingerprint: str = ""
    proven_since: datetime | None = None
    supported_at: datetime | None = None
    proof_lost_at: datetime | None = None

    @property
    def is_proven(self) -> bool:
        """Whether any skill is, so that its signals may be acted on in that respect."""
        return bool(self.skills)

    @property
    def rank_ic(self) -> float | None:
        return self.measured.get(RANKING)


@dataclass(frozen=True)
class Promotion:
    """A decision: about a candidate, that the champion has lost a skill, or a rollback.

    `champion` is who predicts after it, `decided_at` the as-of time (UTC) of the run that decided,
    `taken_back` the champion that a rollback took back, "" in every other decision.
    """

    candidate_id: str
    promoted: bool
    is_proven: bool
    reasons: tuple[str, ...]
    champion: Champion
    decided_at: datetime
    taken_back: str = ""

    @property
    def is_proof_lost(self) -> bool:
        """Whether this is the decision that the champion has lost its last proven skill."""
        is_own = not self.promoted and self.candidate_id == self.champion.candidate_id
        return is_own and not self.champion.is_proven

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
            if "accuracy_gain" in champion:
                champion, content["is_proven"] = _of_former_code(champion), False
            champion["skills"] = tuple(champion["skills"])
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


def _of_former_code(champion: dict[str, Any]) -> dict[str, Any]:
    """Return a champion as it is read today that was judged by its accuracy alone.

    No skill of it was proven by name, so it predicts on, unproven.
    """
    names = ("candidate_id", "sentiment_fingerprint", "proof_lost_at")
    kept = {name: champion[name] for name in names}
    return {**kept, "skills": (), "measured": {}, "proven_since": None, "supported_at": None}


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
            "champion_skills": ", ".join(it.champion.skills),
            "champion_rank_ic": it.champion.rank_ic,
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
    holdout: HoldoutRead | None = None,
    taken_back: Collection[str] = (),
) -> Promotion:
    """Decide whether the candidate becomes the champion.

    - The first candidate is promoted, proven or not. So is the champion itself, evaluated anew;
      but a proof that it has lost does not come back that way.
    - A candidate that reads the scores of another sentiment model than the champion is promoted:
      the champion cannot read these scores. It is proven only by its own evaluation.
    - A proven model replaces an unproven one, and never the other way round. A champion that has
      lost its proof is unproven.
    - Of two proven models the newer one is promoted unless it is worse in a skill that the
      champion has proven: its interval lies wholly below what the champion was measured at. Mere
      luck of the champion's period does not block retraining.
    - Where there is a holdout, only what is proven on it as well is proven.
    - A model that a rollback took back is not promoted again.
    - Of two unproven models the one with the larger rank IC is promoted; that of a champion that
      has lost its proof is the one of its live record.

    Args:
        evaluation: of the candidate.
        champion: `Promotion.champion` of the last decision, None before the first.
        decided_at: UTC as-of time of the run.
        sentiment_fingerprint: of the sentiment model whose scores the candidate reads.
        holdout: what the candidate showed on the final holdout, None where there is no holdout.
        taken_back: candidate ids that rollbacks took back.
    """
    proven = evaluation.proven
    if holdout is not None:
        proven = tuple(it for it in proven if it in holdout.proven)
    candidate = _candidate(evaluation, proven, champion, decided_at, sentiment_fingerprint)
    if candidate.candidate_id in taken_back:
        promoted, comparison = False, "not promoted: a rollback took this model back"
    else:
        promoted, comparison = _compare(candidate, evaluation, champion)
    shown = () if holdout is None else (holdout.sentence,)
    return Promotion(
        candidate_id=candidate.candidate_id,
        promoted=promoted,
        is_proven=candidate.is_proven,
        reasons=(*(it.reason for it in evaluation.skills), *shown, comparison),
        champion=candidate if promoted or champion is None else champion,
        decided_at=decided_at,
    )


def _candidate(
    evaluation: Evaluation,
    skills: tuple[str, ...],
    champion: Champion | None,
    decided_at: datetime,
    sentiment_fingerprint: str,
) -> Champion:
    """Return the candidate as the champion that it would be."""
    is_same = champion is not None and champion.candidate_id == evaluation.candidate_id
    if is_same and champion.proof_lost_at:
        return champion
    if is_same:
        # What its live record has cost it does not come back by the walk-forward that it had.
        skills = tuple(it for it in skills if it in champion.skills or not champion.is_proven)
    goes_on = champion.proven_since if champion is not None and champion.is_proven else None
    return Champion(
        candidate_id=evaluation.candidate_id,
        skills=skills,
        measured=evaluation.measured,
        sentiment_fingerprint=sentiment_fingerprint,
        proven_since=(goes_on or decided_at) if skills else None,
        supported_at=decided_at if skills else None,
    )


def _compare(
    candidate: Champion, evaluation: Evaluation, champion: Champion | None
) -> tuple[bool, str]:
    if champion is None:
        return True, "promoted: there is no champion yet"
    if candidate.candidate_id == champion.candidate_id:
        lost = "; the proof that it lost stays lost" if candidate.proof_lost_at else ""
        return True, f"promoted: it is the champion, evaluated anew{lost}"
    if candidate.sentiment_fingerprint != champion.sentiment_fingerprint:
        return True, f"promoted: {other_scores(champion, candidate.sentiment_fingerprint)}"
    if champion.is_proven:
        return _compare_with_proven(candidate, evaluation, champion)
    if candidate.is_proven:
        return True, "promoted: the champion is unproven"
    own, theirs = candidate.rank_ic, champion.rank_ic
    worse = own is not None and theirs is not None and own < theirs
    verb, order = ("not promoted", "worse than") if worse else ("promoted", "no worse than")
    compared = f"its rank IC {_shown(own)} is {order} the champion's {_shown(theirs)}"
    return not worse, f"{verb}: {compared}"


def _compare_with_proven(
    candidate: Champion, evaluation: Evaluation, champion: Champion
) -> tuple[bool, str]:
    if not candidate.is_proven:
        return False, "not promoted: the champion is proven, the candidate is not"
    estimates = {it.name: it.estimate for it in evaluation.skills}
    compared = []
    for name in champion.skills:
        before, now = champion.measured[name], estimates.get(name)
        if now is None or not now.is_known:
            return False, f"not promoted: it claims no {name}, which the champion has proven"
        if now.upper < before:
            return (
                False,
                f"not promoted: its {name} {now} is worse than the champion's {before:.4f}",
            )
        compared.append(f"{name} {now} (champion's {before:.4f})")
    return True, f"promoted: it is no worse than the champion in {', '.join(compared)}"


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def other_scores(champion: Champion, fingerprint: str) -> str:
    """Return the sentence that the scores are no longer those that the champion reads."""
    reads, now = champion.sentiment_fingerprint or "none", fingerprint or "none"
    return (
        f"the champion reads scores of the sentiment model {reads[:SHOWN]}, the scores are now of "
        f"{now[:SHOWN]}"
    )
