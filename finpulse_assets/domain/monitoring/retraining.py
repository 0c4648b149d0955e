"""Retraining: whether the latest drift reports ask for one.

The decision, from the verdicts of the reports and the last answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from finpulse_assets.domain.calendar import build_sessions


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
    """The answer to the latest report: whether a retraining is due, and why (not)."""

    is_due: bool
    reason: str


def retraining_due(
    reports: pl.DataFrame, *, asked_for: date | None, rule: RetrainRule | None = None
) -> Retraining:
    """Return whether the latest report asks for a retraining.

    Only the latest reports count: drift that has passed while nobody looked needs no answer.

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
    return Retraining(True, f"drift in {rule.in_a_row} reports in a row, the last on {day}")
