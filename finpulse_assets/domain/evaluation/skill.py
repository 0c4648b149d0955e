"""Skill by its name: what a candidate can, each proven apart by its own interval.

- *ranking*: it orders the tickers of a session. Rank IC surely above 0.
- *market*: it tells good days of all tickers from bad ones. Correlation over the sessions of the
  market's expected and actual return surely above 0.
- *text*: the texts add to its ranking. Its rank IC surely above that of its twin without them.
- *after_costs*: its top third minus its bottom third earns more than the trades cost.

"Surely" means the lower end of a day-block bootstrap interval, corrected for the number of claims
that are tried at once (Bonferroni, https://en.wikipedia.org/wiki/Bonferroni_correction): with four
claims each may err in one of 80 cases, so that all together err in one of 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.metrics import TRADED_SIDES

Name = Literal["ranking", "market", "text", "after_costs"]
RANKING, MARKET, TEXT, AFTER_COSTS = NAMES = ("ranking", "market", "text", "after_costs")
CHANCE_OF_ERROR = 0.05  # of all claims of an evaluation together
# The metric that proves a skill; 0 is none. Costs are taken off that of after_costs.
METRIC = {
    RANKING: "rank_ic",
    MARKET: "market_ic",
    TEXT: "rank_ic_gain",
    AFTER_COSTS: "long_short_return",
}
# A skill that is worth nothing without another one.
NEEDS = {TEXT: RANKING, AFTER_COSTS: RANKING}


@dataclass(frozen=True)
class Skill:
    """What is known of one skill.

    Attributes:
        name: one of NAMES.
        is_proven: whether it is.
        estimate: the metric that proves it, with its 95 % interval.
        reason: the sentence for people.
    """

    name: str
    is_proven: bool
    estimate: Estimate
    reason: str


def chance_of_error(claims: int) -> float:
    """Return the one-sided chance of error of each of so many claims.

    >>> chance_of_error(4)
    0.0125
    """
    return CHANCE_OF_ERROR / max(1, claims)


def cost_of_a_session(cost_bps: float) -> float:
    """Return what the trades of one session cost, a fraction of one side.

    >>> cost_of_a_session(10)
    0.004
    """
    return TRADED_SIDES * cost_bps / 1e4


def judged(
    name: str,
    estimate: Estimate,
    recent: Estimate,
    *,
    sure: float,
    proven: Mapping[str, bool],
    claims: int,
    recent_sessions: int,
) -> Skill:
    """Return whether a skill is proven, with the sentence that says why.

    Args:
        name: of the skill.
        estimate: its metric over all sessions; NaN where the candidate claims nothing of the kind.
        recent: the same over the last sessions, which must not contradict it.
        sure: the corrected lower end.
        proven: the skills that were judged before, for the one that this needs.
        claims: how many claims were tried at once.
        recent_sessions: how many the last sessions are.
    """
    shown = f"{MEANING[name]} {estimate}"
    if not estimate.is_known:
        return Skill(name, False, estimate, f"{name} is not claimed")
    needed = NEEDS.get(name)
    if not sure > 0:
        why = f"{name} is not proven: {shown}, corrected for {claims} claims it may be {sure:.4f}"
        return Skill(name, False, estimate, why)
    if recent.contradicts(estimate.value):
        why = f"{name} is not proven: {shown}, but {recent} in the last {recent_sessions} sessions"
        return Skill(name, False, estimate, why)
    if needed and not proven.get(needed):
        return Skill(name, False, estimate, f"{name} is not proven: {needed} is not, {shown}")
    return Skill(name, True, estimate, f"{name} is proven: {shown}")


MEANING = {
    RANKING: "rank IC",
    MARKET: "market IC",
    TEXT: "the texts add to the rank IC",
    AFTER_COSTS: "top minus bottom third, a session, after costs",
}
