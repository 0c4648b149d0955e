"""Combinatorial purged cross-validation, as properties: nothing that touches a test trains."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import comb

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.evaluation.combinatorial import combinatorial_purged
from finpulse_assets.errors import EvaluationError

FIRST = datetime(2024, 1, 1, 21, tzinfo=UTC)


def sessions(count: int, *, horizon: int = 1) -> pl.DataFrame:
    """Return sessions a day apart whose labels end so many days after their decision."""
    decided = [FIRST + timedelta(days=at) for at in range(count)]
    return pl.DataFrame(
        {
            "session_date": [at.date() for at in decided],
            "decision_at": decided,
            "exit_at": [at + timedelta(days=horizon, hours=-1) for at in decided],
        }
    )


@given(
    count=st.integers(12, 60),
    groups=st.integers(3, 6),
    test_groups=st.integers(1, 2),
    horizon=st.integers(1, 5),
    embargo=st.integers(0, 3),
)
def test_no_training_label_touches_a_tested_one(count, groups, test_groups, horizon, embargo):
    frame = sessions(count, horizon=horizon)
    spans = {row[0]: row[1:] for row in frame.iter_rows()}
    try:
        folds = combinatorial_purged(
            frame, groups=groups, test_groups=test_groups, embargo_sessions=embargo
        )
    except EvaluationError as error:
        assert "has nothing left to train on" in str(error)
        return
    assert len(folds) == comb(groups, test_groups)
    for fold in folds:
        assert not set(fold.train_sessions) & set(fold.test_sessions)
        for day in fold.train_sessions:
            begins, ends = spans[day]
            for tested in fold.test_sessions:
                first, last = spans[tested]
                assert ends < first or begins > last
                assert not 0 < (day - tested).days <= embargo


@given(count=st.integers(12, 60), groups=st.integers(3, 6), test_groups=st.integers(1, 2))
def test_every_session_is_tested_equally_often(count, groups, test_groups):
    folds = combinatorial_purged(
        sessions(count), groups=groups, test_groups=test_groups, embargo_sessions=0
    )
    tested = pl.Series([day for fold in folds for day in fold.test_sessions])
    counts = tested.value_counts()
    assert counts.height == count
    assert set(counts["count"]) == {comb(groups - 1, test_groups - 1)}


def test_a_tested_run_is_whole():
    (first, *_) = combinatorial_purged(sessions(30), groups=3, test_groups=1, embargo_sessions=2)
    assert first.test_sessions[0] == date(2024, 1, 1)
    assert all((b - a).days == 1 for a, b in pairwise(first.test_sessions))
    assert first.train_sessions[0] == date(2024, 1, 13), "ten are tested, two are dropped"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3, "test_groups": 3, "embargo_sessions": 0}, "it should be 1 to 2, below"),
        ({"groups": 3, "test_groups": 1, "embargo_sessions": -1}, "embargo_sessions is -1"),
        ({"groups": 40, "test_groups": 1, "embargo_sessions": 0}, "30 sessions for 40 groups"),
    ],
)
def test_what_cannot_be_cut_is_refused(options, message):
    with pytest.raises(EvaluationError, match=message):
        combinatorial_purged(sessions(30), **options)
