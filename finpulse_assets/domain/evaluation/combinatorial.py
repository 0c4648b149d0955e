"""Combinatorial purged cross-validation: every choice of test groups, with purge and embargo.

Lopez de Prado, Advances in Financial Machine Learning (2018), chapters 7 and 12. Unlike the walk
forward it also trains on what comes after a test group; it measures how much a result depends on
the particular stretch of time, and never stands in for the walk-forward.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold, checked_sessions
from finpulse_assets.errors import EvaluationError


def combinatorial_purged(
    sessions: pl.DataFrame, *, groups: int, test_groups: int, embargo_sessions: int
) -> list[Fold]:
    """Return a fold for each choice of `test_groups` of `groups` runs of consecutive sessions.

    A session trains only if its label's interval, from its decision to its exit, touches none of a
    tested run's, and it does not lie within `embargo_sessions` sessions after a tested run.

    Args:
        sessions: one row per session: session_date (Date), decision_at and exit_at (UTC); see
            `splits.sessions_of`.
        groups: runs that the sessions are cut into, of equal length but for one session.
        test_groups: runs that a fold tests, at least 1 and fewer than `groups`.
        embargo_sessions: sessions dropped after each tested run, beyond the purge.

    Raises:
        EvaluationError: an argument is out of range, there are fewer sessions than groups, or a
            fold has nothing to train on.

    >>> from datetime import datetime, timedelta
    >>> days = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 6), "1d", eager=True)
    >>> sessions = pl.DataFrame({"session_date": days.dt.date(), "decision_at": days,
    ...                          "exit_at": days + timedelta(hours=20)})
    >>> folds = combinatorial_purged(sessions, groups=3, test_groups=2, embargo_sessions=0)
    >>> [(len(fold.train_sessions), len(fold.test_sessions)) for fold in folds]
    [(2, 4), (2, 4), (2, 4)]
    """
    if not 1 <= test_groups < groups:
        raise EvaluationError(
            f"test_groups is {test_groups}, it should be 1 to {groups - 1}, below groups"
        )
    if embargo_sessions < 0:
        raise EvaluationError(f"embargo_sessions is {embargo_sessions}, it should be 0 or more")
    sessions = checked_sessions(sessions)
    if sessions.height < groups:
        raise EvaluationError(
            f"there are {sessions.height} sessions for {groups} groups",
            hint="add history, or take fewer groups",
        )
    days, starts, ends = (
        sessions[name].to_list() for name in ("session_date", "decision_at", "exit_at")
    )
    bounds = [len(days) * step // groups for step in range(groups + 1)]
    runs = [range(first, last) for first, last in pairwise(bounds)]
    folds = []
    for index, chosen in enumerate(combinations(runs, test_groups), start=1):
        barred = {at for run in chosen for at in _barred(run, starts, ends, embargo_sessions)}
        train = tuple(day for at, day in enumerate(days) if at not in barred)
        if not train:
            raise EvaluationError(
                f"fold {index} has nothing left to train on",
                hint="lower embargo_sessions or test_groups",
            )
        test = tuple(days[at] for run in chosen for at in run)
        folds.append(Fold(index, train, test, starts[chosen[0][0]]))
    return folds


def _barred(run: range, starts: list, ends: list, embargo: int) -> set[int]:
    """Return the sessions that a tested run keeps out of the training."""
    first, last = starts[run[0]], max(ends[at] for at in run)
    touching = {at for at in range(len(starts)) if starts[at] <= last and ends[at] >= first}
    return touching | set(run) | set(range(run[-1] + 1, min(run[-1] + 1 + embargo, len(starts))))
