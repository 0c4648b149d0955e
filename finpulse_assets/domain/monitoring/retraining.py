"""Retraining: whether drift or a lost proof requires one, and from which session on it trains.

A retraining by age needs no rule here: the model's freshness policy decides (`retrain_when_stale`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions
from finpulse_assets.domain.evaluation.promotion import Promotion


@dataclass(frozen=True, kw_only=True)
class RetrainRule:
    """When drift is answered: after `in_a_row` drifted reports, once in `cool_down` sessions.

    The cool-down is two recent spans long: by then the reference of the retrained model holds the
    new regime whole, and what it moved is no drift any more.
    """

    in_a_row: int = 2
    cool_down: int = 40


@dataclass(frozen=True)
class Retraining:
    """The answer: whether a retraining is due, and why (not); `key` names the cause, once."""

    is_due: bool
    reason: str
    key: str = ""


def retraining_due(
    reports: pl.DataFrame, *, asked_for: date | None, rule: RetrainRule | None = None
) -> Retraining:
    """Return whether the latest report requires a retraining.

    Only the latest reports count: drift that has passed in the meantime needs no answer.

    Args:
        reports: `verdicts` of the history.
        asked_for: session whose report asked for the last retraining, None before the first.
        rule: how many drifted reports in a row, and how long to wait after an answer.

    >>> days = [date(2024, 3, 11), date(2024, 3, 12)]
    >>> reports = pl.DataFrame({"session_date": days, "is_drifted": [True, True]})
    >>> retraining_due(reports, asked_for=None).is_due
    True
    >>> retraining_due(reports, asked_for=date(2024, 3, 8)).reason
    'drift on 2024-03-12, a retraining was asked for on 2024-03-08, 2 of 40 sessions ago'
    """
    rule = rule or RetrainRule()
    latest = reports.tail(rule.in_a_row)
    if latest.is_empty():
        return Retraining(False, "there is no drift report yet")
    day = latest["session_date"][-1]
    if not latest["is_drifted"][-1]:
        return Retraining(False, f"no drift on {day}")
    if latest.height < rule.in_a_row or not latest["is_drifted"].all():
        return Retraining(
            False, f"drift on {day}, a retraining takes {rule.in_a_row} reports in a row"
        )
    if asked_for is not None:
        waited = build_sessions(asked_for, max(asked_for, day)).height - 1
        if waited < rule.cool_down:
            return Retraining(
                False,
                f"drift on {day}, a retraining was asked for on {asked_for}, {waited} of "
                f"{rule.cool_down} sessions ago",
            )
    return Retraining(
        True, f"drift in {rule.in_a_row} reports in a row, the last on {day}", f"drift-{day}"
    )


def retraining_after(decision: Promotion | None) -> Retraining:
    """Return whether the last decision requires a retraining: it does where a proof was lost.

    Args:
        decision: the last decision, None before the first.
    """
    if decision is None:
        return Retraining(False, "there is no champion yet")
    champion = decision.champion.candidate_id
    if not decision.is_proof_lost:
        return Retraining(False, f"the champion {champion} has lost no proof since it was promoted")
    return Retraining(
        True,
        f"the champion {champion} has lost its proof",
        f"proof-{champion}-{decision.decided_at:%Y%m%dT%H%M%S}",
    )


def window_start(day: date, sessions: int | None) -> date | None:
    """Return the first session of a training window of so many sessions that ends with `day`.

    None means all history, which is also what no number means.

    >>> window_start(date(2024, 7, 5), 3), window_start(date(2024, 7, 5), None)
    (datetime.date(2024, 7, 2), None)
    """
    if sessions is None:
        return None
    # A calendar holds at least 4 sessions in 7 days, but for a fortnight of holidays.
    days = timedelta(days=2 * sessions + 14)
    return build_sessions(max(FIRST_DAY, day - days), day)["session_date"].tail(sessions)[0]
