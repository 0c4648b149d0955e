"""The final holdout: each read is kept and makes the next one harder."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from finpulse_assets.domain.evaluation.holdout import HoldoutRead, reads_so_far
from finpulse_assets.domain.evaluation.promotion import decide
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.errors import ModelError
from tests.unit.domain.evaluation.panels import predicted_panel

NOW = datetime(2024, 3, 28, 21, tzinfo=UTC)
SPAN = (date(2024, 1, 2), date(2024, 3, 1))


@pytest.fixture(scope="module")
def good():
    return evaluate(predicted_panel(edge=0.05), "ranking", resamples=200)


@pytest.fixture(scope="module")
def luckless():
    return evaluate(predicted_panel(), "ranking", resamples=200)


def read(evaluation, *, reads: int = 1) -> HoldoutRead:
    return HoldoutRead.of(evaluation, "new", SPAN, reads=reads, read_at=NOW)


def test_a_read_outlives_its_json_and_says_how_often_it_was_done(good):
    once = read(good)
    assert HoldoutRead.from_json(once.to_json()) == once
    assert once.to_json().count("\n") == 1
    assert once.sentence.startswith(
        "on the holdout of 2024-01-02 to 2024-03-01, read once: ranking"
    )
    assert "read 3 times: " in read(good, reads=3).sentence


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"first_session": "soon"}'])
def test_a_stored_read_that_is_none_is_refused(text):
    with pytest.raises(ModelError, match="a stored read of the holdout cannot be read"):
        HoldoutRead.from_json(text)


def test_reads_count_where_sessions_overlap(good):
    history = [read(good), read(good)]
    assert reads_so_far(history, (date(2024, 2, 1), date(2024, 4, 1))) == 2
    assert reads_so_far(history, (date(2024, 3, 2), date(2024, 4, 1))) == 0


def test_only_what_is_proven_on_the_holdout_too_is_proven(good, luckless):
    both = decide(good, None, decided_at=NOW, holdout=read(good))
    assert both.champion.skills == good.proven
    failed = decide(good, None, decided_at=NOW, holdout=read(luckless))
    assert failed.champion.skills == ()
    assert failed.reasons[-2].startswith("on the holdout of 2024-01-02 to 2024-03-01, read once")
