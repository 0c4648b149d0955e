"""Drift: measured against a feature's own past, and answered once."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from math import erf, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.registry import FEATURES, feature_names
from finpulse_assets.domain.monitoring.drift import (
    WHOLE,
    DriftRule,
    column_kinds,
    judged_rows,
    measure_drift,
    merge_history,
    split_recent,
    summary,
    verdicts,
)
from finpulse_assets.domain.monitoring.retraining import RetrainRule, retraining_due
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import FEATURE_DRIFT, SESSIONS, TICKERS
from tests.unit.domain.monitoring.drifting_markets import REPORTED, features, reports

DAYS = build_sessions(date(2024, 1, 2), date(2024, 12, 31))["session_date"].to_list()
KINDS = {"steady": "technical", "moved": "text"}


def panel(*, sessions: int = 160, rows: int = 30, shift: float = 0.0) -> pl.DataFrame:
    """Two standard normal features; `moved` is shifted in the last 20 sessions."""
    draw = np.random.default_rng(0).normal
    frame = pl.DataFrame(
        {
            "session_date": [day for day in DAYS[:sessions] for _ in range(rows)],
            "steady": draw(size=sessions * rows),
            "moved": draw(size=sessions * rows),
        }
    )
    late = pl.col("session_date") >= DAYS[sessions - 20]
    return frame.with_columns(
        pl.when(late).then(pl.col("moved") + shift).otherwise("moved").alias("moved")
    )


def measured(frame: pl.DataFrame, kinds: dict[str, str] = KINDS, **rule: float) -> dict[str, dict]:
    limits = DriftRule(**rule)
    first, last = frame["session_date"].min(), frame["session_date"].max()
    recent, reference = split_recent(frame, trained_from=first, trained_to=last, rule=limits)
    report = measure_drift(recent, reference, kinds, model_version="m", rule=limits)
    return {row["feature"]: row for row in report.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("shift", "drifted"), [(0.0, False), (0.1, False), (1.0, True), (-3.0, True)]
)
def test_a_shift_is_seen_where_it_is(shift, drifted):
    rows = measured(panel(shift=shift))
    assert rows["moved"]["is_drifted"] == drifted
    assert not rows["steady"]["is_drifted"]
    assert rows[WHOLE]["value"] == (0.5 if drifted else 0.0)
    assert rows[WHOLE]["is_drifted"] == drifted
    assert rows["moved"]["kind"], rows["moved"]["recent_rows"] == ("text", 600)


def test_the_psi_and_the_distance_are_those_of_the_formulas():
    rows = measured(panel(shift=1.0))
    q = np.full(10, 0.1)
    edges = [-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816]
    below = np.array([0, *(0.5 * (1 + erf((edge - 1) / sqrt(2))) for edge in edges), 1])
    p = np.diff(below)
    assert rows["moved"]["value"] == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=0.2)
    assert rows["moved"]["ks"] == pytest.approx(0.383, abs=0.05), "2 Phi(1/2) - 1"


def test_unknown_values_that_appear_are_drift_and_warm_up_is_none():
    frame = panel()
    first, late = DAYS[50], DAYS[140]
    day = pl.col("session_date")
    gone = frame.with_columns(
        pl.when(day >= late).then(None).otherwise("moved").alias("moved"),
        pl.when(day < first).then(None).otherwise("steady").alias("steady"),
    )
    rows = measured(gone)
    assert rows["moved"]["is_drifted"]
    assert rows["moved"]["ks"] == 1
    assert not rows["steady"]["is_drifted"]
    assert rows["steady"]["limit"] < 0.3, "null warm-up sessions do not widen the limit"


def test_a_wild_past_widens_the_limit():
    frame = panel(shift=1.0)
    wild = pl.col("session_date").is_between(DAYS[40], DAYS[59])
    frame = frame.with_columns(
        pl.when(wild).then(pl.col("moved") + 2).otherwise("moved").alias("moved")
    )
    row = measured(frame)["moved"]
    assert row["value"] > 0.5 > DriftRule().least_psi
    assert not row["is_drifted"], "it has moved further before"


def test_a_reference_that_is_too_short_judges_nothing():
    rows = measured(panel(sessions=70, shift=3.0))
    assert rows["moved"]["value"] is None
    assert not rows[WHOLE]["is_drifted"]
    assert rows[WHOLE]["value"] is None


def test_what_cannot_be_measured_is_named():
    with pytest.raises(EvaluationError, match="the features lack absent"):
        measured(panel(), {"absent": "text"})
    with pytest.raises(
        EvaluationError, match=r"there are 20 sessions in all\. Hint: load a longer"
    ):
        measured(panel(sessions=20))
    with pytest.raises(EvaluationError, match="there are 0 sessions"):
        split_recent(panel().clear(), trained_from=DAYS[0], trained_to=DAYS[1])


def test_the_reference_is_the_training_window_without_the_recent_sessions():
    recent, reference = split_recent(panel(), trained_from=DAYS[10], trained_to=DAYS[159])
    assert recent["session_date"].min() == DAYS[140]
    assert (reference["session_date"].min(), reference["session_date"].max()) == (
        DAYS[10],
        DAYS[139],
    )
    _, reference = split_recent(panel(), trained_from=DAYS[0], trained_to=DAYS[99])
    assert reference["session_date"].max() == DAYS[99], "an older model knows less"


def test_keys_times_and_calendar_columns_are_never_judged():
    calendar = {*SESSIONS.column_names, *TICKERS.column_names, "bars_seen"}
    assert calendar.isdisjoint(column_kinds())
    by_calendar = {it.name for it in FEATURES if it.family == "calendar"}
    judged = set(feature_names()) - by_calendar
    assert set(column_kinds()) == {*judged, "probability_up", "expected_return"}


def test_predictions_stand_beside_the_features_they_are_about():
    """What was published stands before what the walk-forward says of the same session."""
    frame = pl.DataFrame({"ticker": ["A", "B", "C"], "session_date": DAYS[:3], "x": [1.0] * 3})
    key = ("ticker", "session_date")
    signals = frame[:1].select(*key, probability_up=0.6, expected_return=0.1)
    out_of_sample = frame[:2].select(*key, probability_up=0.4, expected_return=0.1)
    rows = judged_rows(frame, signals, out_of_sample)
    assert rows["probability_up"].to_list() == [0.6, 0.4, None]


def report_of(shift: float, until: int = 160) -> pl.DataFrame:
    frame = panel(sessions=until, shift=shift)
    recent, reference = split_recent(frame, trained_from=DAYS[0], trained_to=DAYS[until - 1])
    return measure_drift(recent, reference, KINDS, model_version="m")


def test_the_history_holds_one_report_a_session_whatever_is_repeated():
    quiet, drifted, later = report_of(0.0), report_of(1.0), report_of(0.0, until=161)
    history = merge_history(FEATURE_DRIFT, FEATURE_DRIFT.empty(), quiet)
    history = merge_history(FEATURE_DRIFT, merge_history(FEATURE_DRIFT, history, drifted), later)
    assert merge_history(FEATURE_DRIFT, history, later).equals(history)
    assert history.height == 2 * 3
    assert verdicts(history).rows() == [(DAYS[159], True), (DAYS[160], False)]


def test_the_summary_is_a_sentence():
    result = summary(report_of(1.0))
    assert result.sentence == f"drift on {DAYS[159]}: 1 of 2 features have moved: moved"
    assert result.most_moved["feature"].to_list() == ["moved", "steady"]
    assert (
        summary(report_of(0.0)).sentence == f"no drift on {DAYS[159]}: 0 of 2 features have moved"
    )
    assert "too short to judge" in summary(report_of(1.0, until=60)).sentence


def asked(drifted: list[bool], rule: RetrainRule | None = None) -> list[int]:
    """Feed the reports one by one; return the positions at which a retraining was asked for."""
    history = pl.DataFrame({"session_date": DAYS[: len(drifted)], "is_drifted": drifted})
    return asked_in(history, rule)


def asked_in(history: pl.DataFrame, rule: RetrainRule | None = None) -> list[int]:
    answers, last = [], None
    for at in range(history.height):
        if retraining_due(history.head(at + 1), asked_for=last, rule=rule).is_due:
            last = history["session_date"][at]
            answers.append(at)
    return answers


@pytest.mark.parametrize(
    ("drifted", "answers"),
    [
        ([False] * 250, []),
        ([False, True] * 100, []),
        ([False] * 10 + [True] * 5 + [False] * 100, [11]),
        ([True] * 41, [1]),
        ([True] * 42, [1, 41]),
        ([True, True] + [False] * 60 + [True, True], [1, 63]),
        ([True, True] + [False] * 10 + [True, True], [1]),
    ],
)  # fmt: skip
def test_two_in_a_row_ask_once_in_a_cool_down(drifted, answers):
    assert asked(drifted) == answers


@given(st.lists(st.booleans(), max_size=120), st.integers(1, 4), st.integers(1, 30))
def test_whatever_happens_requests_are_earned_and_apart(drifted, in_a_row, cool_down):
    answers = asked(drifted, RetrainRule(in_a_row=in_a_row, cool_down=cool_down))
    for at in answers:
        assert at + 1 >= in_a_row
        assert all(drifted[at + 1 - in_a_row : at + 1])
    assert all(b - a >= cool_down for a, b in pairwise(answers))


@pytest.mark.parametrize(
    ("drifted", "reason"),
    [
        ([], "there is no drift report yet"),
        ([True, False], f"no drift on {DAYS[1]}"),
        ([True], f"drift on {DAYS[0]}, a retraining takes 2 reports in a row"),
        ([True, True], f"drift in 2 reports in a row, the last on {DAYS[1]}"),
    ],
)
def test_the_answer_says_why(drifted, reason):
    schema = {"session_date": pl.Date, "is_drifted": pl.Boolean}
    history = pl.DataFrame([DAYS[: len(drifted)], drifted], schema=schema)
    assert retraining_due(history, asked_for=None).reason == reason


@pytest.mark.long
def test_a_quiet_simulated_year_asks_for_nothing():
    """A span has twenty sessions, so every fourth one sees them all, five times over."""
    history = reports(features(2), REPORTED[::4])
    assert history.height == 63
    assert asked_in(history) == []
    assert history["is_drifted"].sum() == 0


@pytest.mark.long
def test_a_planted_change_of_regime_is_seen_within_a_month_and_answered_once():
    change = 100
    days = REPORTED[change - 5 : change + 60]
    history = reports(features(2, REPORTED[change], times=3.0), days)
    (answer,) = asked_in(history)
    assert REPORTED[change] < days[answer] <= REPORTED[change + 20]
