"""Rollback: a champion is taken back, and the one before it predicts again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.errors import ModelError


def taken_back(history: Sequence[Promotion]) -> frozenset[str]:
    """Return the models that were taken back and did not return by a later rollback."""
    gone: set[str] = set()
    for decision in history:
        if decision.taken_back:
            gone = (gone | {decision.taken_back}) - {decision.champion.candidate_id}
    return frozenset(gone)


def former_champions(history: Sequence[Promotion]) -> list[Champion]:
    """Return whom a rollback may return to, as each was left, the nearest one first.

    A model that was taken back is none, nor is the present champion.
    """
    if not history:
        return []
    gone = taken_back(history) | {history[-1].champion.candidate_id}
    # Who came to predict after the present champion is no predecessor of it.
    began = next(
        at for at, it in enumerate(history)
        if it.champion.candidate_id == history[-1].champion.candidate_id
    )  # fmt: skip
    left = {it.champion.candidate_id: it.champion for it in history}
    names = [it.champion.candidate_id for it in reversed(history[:began])]
    return [left[name] for name in dict.fromkeys(names) if name not in gone]


def rolled_back(
    history: Sequence[Promotion], *, reason: str, decided_at: datetime, to: str | None = None
) -> Promotion:
    """Return the decision that takes the champion back.

    The champion before it predicts again, with the skills that it had when it was left. The model
    that was taken back is not promoted again; a retraining makes another one.

    Args:
        history: every decision, the first one first.
        reason: why, for people.
        decided_at: UTC time; not before the last decision.
        to: candidate id of the champion to return to, also one that was taken back; by default the
            one before.

    Raises:
        ModelError: there was no such champion, or no reason is given.
    """
    if not reason.strip():
        raise ModelError("a rollback needs a reason", hint="--reason 'why it is taken back'")
    before = former_champions(history)
    known = {it.champion.candidate_id: it.champion for it in history}
    present = history[-1].champion.candidate_id if history else None
    if to is None and not before:
        raise ModelError(
            "there is no former champion to return to",
            hint="the history of decisions stands in promotions.jsonl",
        )
    if to is not None and (to not in known or to == present):
        others = ", ".join(name for name in known if name != present) or "none"
        what = "is the champion" if to == present else "never was champion"
        raise ModelError(f"{to} {what}", hint=f"former champions: {others}")
    champion = before[0] if to is None else known[to]
    return Promotion(
        candidate_id=champion.candidate_id,
        promoted=True,
        is_proven=champion.is_proven,
        reasons=(f"rolled back from {present}: {reason.strip()}",),
        champion=champion,
        decided_at=max(decided_at, history[-1].decided_at),
        taken_back=present,
    )
