"""Walk-forward folds in which no training label can see the test period.

Which sessions train and which test, by the times at which labels end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import polars as pl

from finpulse_assets.errors import EvaluationError


@dataclass(frozen=True)
class Fold:
    """One step of the walk: train on the sessions before it, test on the ones after.

    `index` counts from 1. `first_test_decision_at` is the moment at which the model of this fold
    would have been needed: every training label ended before it.
    """

    index: int
    train_sessions: tuple[date, ...]
    test_sessions: tuple[date, ...]
    first_test_decision_at: datetime


def sessions_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per session of a training frame, for `purged_walk_forward`.

    The earliest decision and the latest label end stand for the session, so a single late label
    is enough to purge all its rows.

    Args:
        frame: rows with session_date (Date), decision_at and exit_at (UTC).

    Returns:
        session_date, decision_at, exit_at, sorted by session_date.
    """
    return (
        frame.group_by("session_date")
        .agg(pl.col("decision_at").min(), pl.col("exit_at").max())
        .sort("session_date")
    )


def purged_walk_forward(
    sessions: pl.DataFrame,
    *,
    folds: int,
    min_train_sessions: int,
    embargo_sessions: int,
    test_sessions: int | None = None,
) -> list[Fold]:
    """Cut the sessions into an expanding training window and consecutive test windows.

    A session trains a fold only if its label ended strictly before the first decision of the
    test window; of those, the last `embargo_sessions` are dropped as well. The test windows follow
    each other without gap up to the last session and differ by one session at most.

    Args:
        sessions: one row per session: session_date (Date), decision_at and exit_at (UTC).
        folds: number of test windows.
        min_train_sessions: sessions that the first fold trains on, at least.
        embargo_sessions: sessions dropped between training and test, beyond the purge.
        test_sessions: test the last ones only, so many; by default all after the first training.

    Raises:
        EvaluationError: an argument is out of range, a session occurs twice, its label ends before
            its decision, decisions do not follow the dates, or there are too few sessions.

    >>> from datetime import timedelta
    >>> days = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 9), "1d", eager=True)
    >>> sessions = pl.DataFrame({"session_date": days.dt.date(), "decision_at": days,
    ...                          "exit_at": days + timedelta(days=1)})
    >>> walk = purged_walk_forward(sessions, folds=2, min_train_sessions=3, embargo_sessions=1)
    >>> [(len(fold.train_sessions), len(fold.test_sessions)) for fold in walk]
    [(3, 2), (5, 2)]
    """
    _check_arguments(folds, min_train_sessions, embargo_sessions)
    sessions = checked_sessions(sessions)
    dates = sessions["session_date"].to_list()
    decisions = sessions["decision_at"].to_list()
    exits = sessions["exit_at"].to_list()

    def train_before(first_test: int) -> list[date]:
        ended = [day for day, at in zip(dates, exits, strict=True) if at < decisions[first_test]]
        return ended[: max(0, len(ended) - embargo_sessions)]

    # Labels end after their decisions, so the last decision has the most sessions to train on.
    shortfall = min_train_sessions - len(train_before(len(dates) - 1)) if dates else 1
    first = next(
        (at for at in range(len(dates)) if len(train_before(at)) >= min_train_sessions),
        len(dates) - 1 + shortfall,
    )
    if test_sessions is not None:
        first = max(first, len(dates) - test_sessions)
    tested = len(dates) - first
    if tested < folds:
        raise EvaluationError(
            f"the walk-forward has {len(dates)} sessions, it needs at least {first + folds} "
            f"({min_train_sessions} to train first, the purge, {embargo_sessions} of embargo, "
            f"1 for each of {folds} folds)",
            hint="add history, or lower min_train_sessions or folds",
        )
    starts = [first + tested * step // folds for step in range(folds + 1)]
    return [
        Fold(index, tuple(train_before(start)), tuple(dates[start:end]), decisions[start])
        for index, (start, end) in enumerate(pairwise(starts), start=1)
    ]


def _check_arguments(folds: int, min_train_sessions: int, embargo_sessions: int) -> None:
    for name, value, least in (
        ("folds", folds, 1),
        ("min_train_sessions", min_train_sessions, 1),
        ("embargo_sessions", embargo_sessions, 0),
    ):
        if value < least:
            raise EvaluationError(f"{name} is {value}, it should be {least} or more")


def checked_sessions(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions in their order, held to what a split needs.

    Raises:
        EvaluationError: a column is missing, a session occurs twice, its label ends before its
            decision, or decisions do not follow the dates.
    """
    missing = {"session_date", "decision_at", "exit_at"} - set(sessions.columns)
    if missing:
        raise EvaluationError(
            f"the sessions lack the columns {', '.join(sorted(missing))}",
            hint="build them with splits.sessions_of(training_frame)",
        )
    sessions = sessions.sort("session_date")
    twice = sessions.filter(pl.col("session_date").is_duplicated())
    if twice.height:
        raise EvaluationError(
            f"session {twice['session_date'][0]} occurs more than once in the sessions",
            hint="build them with splits.sessions_of(training_frame)",
        )
    wrong = sessions.filter(~(pl.col("exit_at") > pl.col("decision_at")).fill_null(False))
    if wrong.height:
        raise EvaluationError(
            f"session {wrong['session_date'][0]} has a label that ends at {wrong['exit_at'][0]}, "
            f"not after its decision at {wrong['decision_at'][0]}"
        )
    if not sessions["decision_at"].is_sorted():
        raise EvaluationError(
            "the sessions' decision times do not follow their dates",
            hint="take both from raw/sessions",
        )
    return sessions
