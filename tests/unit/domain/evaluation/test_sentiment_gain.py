"""The sentiment head: mood that can be told is found, mood that cannot is not, nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.sentiment_gain import judged_head
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.models.sentiment_head import (
    FEATURES,
    SentimentHead,
    with_next_sentiment,
)
from tests.unit.domain.evaluation.panels import training_frame

SESSIONS, TICKERS = 100, 8


def moods(*, lasting: float, hint: float = 0.0, seed: int = 0) -> pl.DataFrame:
    """Return a panel whose mood lasts; bullishness knows `hint` of what is new in the next one."""
    frame = training_frame(sessions=SESSIONS, tickers=TICKERS, seed=seed)
    random = np.random.default_rng(seed)
    mood, known = np.zeros((SESSIONS + 1, TICKERS)), np.zeros((SESSIONS, TICKERS))
    for day in range(SESSIONS):
        new = random.standard_normal(TICKERS)
        known[day] = hint * new + random.standard_normal(TICKERS)
        mood[day + 1] = lasting * mood[day] + 0.1 * new
    others = {name: random.standard_normal(frame.height) for name in FEATURES}
    own = {"sentiment_mean": mood[:-1].ravel(), "bullishness": known.ravel()}
    return frame.with_columns(pl.Series(name, it) for name, it in (others | own).items())


def judged(frame: pl.DataFrame) -> SentimentHead | None:
    folds = purged_walk_forward(
        sessions_of(frame), folds=2, min_train_sessions=40, embargo_sessions=1
    )
    return judged_head(frame, folds, resamples=200)


def test_mood_that_texts_announce_is_told_better_than_by_persistence():
    head = judged(moods(lasting=0.5, hint=2.0))
    assert head.is_proven
    assert head.gain > 0.3
    assert head.gain_lower < head.gain < head.gain_upper
    assert head.row_count > 300
    assert head.reason.startswith("next session's sentiment is proven: it takes ")
    assert SentimentHead.from_dict(head.to_dict()) == head


def test_mood_that_nobody_can_tell_is_not_proven_though_persistence_is_beaten():
    """Repeating noise is worse than its mean: beating persistence alone would prove nothing."""
    head = judged(moods(lasting=0.0))
    assert head.gain_lower > 0
    assert not head.is_proven
    assert "is not proven" in head.reason


def test_the_next_session_is_the_panels_and_a_silent_one_is_unknown():
    frame = moods(lasting=0.5)
    days = frame["session_date"].unique().sort()
    silent = (pl.col("ticker") == "T00") & (pl.col("session_date") == days[1])
    rows = with_next_sentiment(frame.filter(~silent)).filter(ticker="T00").sort("session_date")
    own = frame.filter(ticker="T00").sort("session_date")["sentiment_mean"]
    assert rows["next_sentiment"][0] is None, "its next session has no row"
    assert rows["next_sentiment"][1] == own[3]
    assert rows["next_sentiment"][-1] is None, "the last session has no next"


def test_what_comes_after_a_fold_changes_nothing_that_was_measured_in_it():
    frame = moods(lasting=0.5, hint=2.0)
    folds = purged_walk_forward(
        sessions_of(frame), folds=2, min_train_sessions=40, embargo_sessions=1
    )
    last = folds[0].test_sessions[-1]
    other = frame.with_columns(
        pl.when(pl.col("session_date") > last).then(0.7).otherwise("sentiment_mean")
        .alias("sentiment_mean")
    )  # fmt: skip
    shorter = [replace(folds[0], test_sessions=folds[0].test_sessions[:-1])]
    one, two = (judged_head(it, shorter, resamples=200) for it in (frame, other))
    assert (one.gain, one.gain_lower) == (two.gain, two.gain_lower)


@pytest.mark.parametrize("made", ["no texts", "no text features"])
def test_a_panel_without_texts_has_no_head(made):
    frame = moods(lasting=0.5)
    if made == "no texts":
        frame = frame.with_columns(sentiment_mean=pl.lit(None, pl.Float64))
    else:
        frame = frame.drop("bullishness")
    assert judged(frame) is None
