"""The walk-forward never lets a training label see its test period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.errors import EvaluationError
from tests.unit.domain.evaluation.panels import training_frame

START = datetime(2024, 1, 1, 22, tzinfo=UTC)


def sessions_with(*, count: int, label_days: list[int]) -> pl.DataFrame:
    decisions = [START + timedelta(days=at) for at in range(count)]
    return pl.DataFrame(
        {
            "session_date": [at.date() for at in decisions],
            "decision_at": decisions,
            "exit_at": [
                at + timedelta(days=days, hours=-1)
                for at, days in zip(decisions, label_days, strict=True)
            ],
        }
    )


@st.composite
def walks(draw: st.DrawFn) -> tuple[pl.DataFrame, int, int, int]:
    count = draw(st.integers(20, 90))
    labels = draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))
    return (
        sessions_with(count=count, label_days=labels),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 6)),
        draw(st.integers(0, 4)),
    )


@settings(deadline=None)
@given(walks())
def test_no_training_label_touches_the_test_period(walk):
    sessions, folds, least, embargo = walk
    exits = dict(sessions.select("session_date", "exit_at").iter_rows())
    decisions = dict(sessions.select("session_date", "decision_at").iter_rows())
    for fold in purged_walk_forward(
        sessions, folds=folds, min_train_sessions=least, embargo_sessions=embargo
    ):
        first = fold.test_sessions[0]
        assert fold.first_test_decision_at == decisions[first]
        assert max(exits[day] for day in fold.train_sessions) < decisions[first]
        assert len(fold.train_sessions) >= least
        gap = sum(fold.train_sessions[-1] < day < first for day in decisions)
        assert gap >= embargo


@settings(deadline=None)
@given(walks())
def test_test_windows_partition_the_tail_and_training_grows(walk):
    sessions, folds, least, embargo = walk
    found = purged_walk_forward(
        sessions, folds=folds, min_train_sessions=least, embargo_sessions=embargo
    )
    tested = [day for fold in found for day in fold.test_sessions]
    assert [fold.index for fold in found] == list(range(1, folds + 1))
    assert tested == sessions["session_date"].to_list()[-len(tested) :]
    sizes = [len(fold.test_sessions) for fold in found]
    assert max(sizes) - min(sizes) <= 1
    for before, after in pairwise(found):
        # A long label can hold a fold's training back to where the last one's ended, never further.
        assert set(before.train_sessions) <= set(after.train_sessions)
    assert len(found[-1].train_sessions) >= len(found[0].train_sessions)


def test_a_next_session_label_purges_nothing_and_the_embargo_counts_from_there():
    sessions = sessions_with(count=10, label_days=[1] * 10)
    days = sessions["session_date"].to_list()
    (fold,) = purged_walk_forward(sessions, folds=1, min_train_sessions=5, embargo_sessions=2)
    assert fold.train_sessions == tuple(days[:5])
    assert fold.test_sessions == tuple(days[7:])


def test_labels_of_several_sessions_that_overlap_the_test_period_are_purged_by_their_ends():
    """sessions_5 of fct_labels: the last five sessions before the test end within it."""
    sessions = sessions_with(count=40, label_days=[5] * 40)
    days = sessions["session_date"].to_list()
    folds = purged_walk_forward(sessions, folds=2, min_train_sessions=10, embargo_sessions=1)
    for fold in folds:
        first = days.index(fold.test_sessions[0])
        assert fold.train_sessions == tuple(days[: first - 4 - 1])  # 4 overlap it, 1 of embargo


def test_a_label_that_ends_at_the_very_decision_is_purged():
    sessions = sessions_with(count=6, label_days=[1] * 6).with_columns(
        (pl.col("exit_at") + timedelta(hours=1)).alias("exit_at")
    )
    (fold,) = purged_walk_forward(sessions, folds=1, min_train_sessions=2, embargo_sessions=0)
    assert len(fold.train_sessions) == 2
    assert fold.test_sessions[0] == sessions["session_date"][3]


def test_too_few_sessions_says_how_many_are_needed():
    sessions = sessions_with(count=20, label_days=[1] * 20)
    with pytest.raises(EvaluationError, match=r"has 20 sessions, it needs at least 23 \(16 to"):
        purged_walk_forward(sessions, folds=5, min_train_sessions=16, embargo_sessions=2)
    enough = sessions_with(count=23, label_days=[1] * 23)
    assert len(purged_walk_forward(enough, folds=5, min_train_sessions=16, embargo_sessions=2)) == 5


def test_too_few_sessions_to_train_names_the_full_need_too():
    sessions = sessions_with(count=10, label_days=[1] * 10)
    with pytest.raises(EvaluationError, match="has 10 sessions, it needs at least 107"):
        purged_walk_forward(sessions, folds=5, min_train_sessions=100, embargo_sessions=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 0}, "folds is 0, it should be 1 or more"),
        ({"min_train_sessions": 0}, "min_train_sessions is 0, it should be 1 or more"),
        ({"embargo_sessions": -1}, "embargo_sessions is -1, it should be 0 or more"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    defaults = {"folds": 1, "min_train_sessions": 2, "embargo_sessions": 0}
    with pytest.raises(EvaluationError, match=message):
        purged_walk_forward(sessions_with(count=9, label_days=[1] * 9), **(defaults | arguments))


def test_sessions_that_cannot_be_are_refused():
    sessions = sessions_with(count=9, label_days=[1] * 9)
    walk = {"folds": 1, "min_train_sessions": 2, "embargo_sessions": 0}
    with pytest.raises(EvaluationError, match="session 2024-01-01 occurs more than once"):
        purged_walk_forward(pl.concat([sessions, sessions.head(1)]), **walk)
    with pytest.raises(EvaluationError, match="not after its decision"):
        purged_walk_forward(sessions.with_columns(pl.col("decision_at").alias("exit_at")), **walk)
    with pytest.raises(EvaluationError, match="decision times do not follow their dates"):
        purged_walk_forward(
            sessions.with_columns(pl.col("decision_at", "exit_at").reverse()), **walk
        )
    with pytest.raises(EvaluationError, match="lack the columns exit_at"):
        purged_walk_forward(sessions.drop("exit_at"), **walk)


def test_sessions_of_takes_the_latest_label_and_the_earliest_decision():
    frame = training_frame(sessions=3, tickers=2)
    late = frame["exit_at"][1] + timedelta(days=9)
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 1)
        .then(pl.lit(late))
        .otherwise("exit_at")
        .alias("exit_at")
    )
    sessions = sessions_of(frame.sample(fraction=1, shuffle=True, seed=1))
    assert sessions["session_date"].is_sorted()
    assert sessions.height == 3
    assert sessions["exit_at"][0] == late


def test_an_embargo_longer_than_the_training_leaves_nothing_to_train_on():
    """Cutting more sessions than there are must not cut from the other end."""
    sessions = sessions_with(count=8, label_days=[1] * 8)
    (fold,) = purged_walk_forward(sessions, folds=1, min_train_sessions=1, embargo_sessions=5)
    assert len(fold.train_sessions) == 1
    assert fold.test_sessions == tuple(sessions["session_date"].to_list()[6:])


def test_no_sessions_at_all_is_an_error():
    with pytest.raises(EvaluationError, match="has 0 sessions, it needs at least"):
        purged_walk_forward(
            sessions_with(count=1, label_days=[1]).clear(),
            folds=1,
            min_train_sessions=1,
            embargo_sessions=0,
        )
