"""Metrics against hand-computed values."""

from __future__ import annotations

from datetime import date
from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.evaluation.metrics import METRICS, auc
from finpulse_assets.domain.evaluation.session_sums import session_sums

MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


def spoken(rows: list[tuple[date, float, float, float]]) -> pl.DataFrame:
    """Rows of (session, probability, expected return, realised return)."""
    return pl.DataFrame(
        rows,
        schema=["session_date", "probability_up", "expected_return", "return_next_session"],
        orient="row",
    ).with_columns(
        pl.lit("lightgbm").alias("candidate"),
        pl.lit(1).alias("fold"),
        pl.col("probability_up").alias("score"),
        (pl.col("probability_up") >= 0.5).alias("predicts_up"),
        (pl.col("return_next_session") > 0).alias("is_up"),
    )


PANEL = spoken(
    [
        (MONDAY, 0.9, 0.03, 0.02),
        (MONDAY, 0.6, 0.01, -0.01),
        (MONDAY, 0.2, 0.02, -0.03),
        (TUESDAY, 0.3, 0.01, 0.01),
        (TUESDAY, 0.4, 0.02, 0.05),
        (TUESDAY, 0.7, 0.03, 0.03),
    ]
)


def total(frame: pl.DataFrame) -> dict[str, np.ndarray]:
    sums = session_sums(frame).drop("candidate", "session_date", "fold").sum()
    return {name: sums[name].to_numpy() for name in sums.columns}


LOSSES = [-log(0.9), -log(0.4), -log(0.8), -log(0.3), -log(0.4), -log(0.7)]


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        # true up 2 (rows 1, 6), true down 1 (row 3), false up 1 (row 2), false down 2 (4, 5)
        ("accuracy", 3 / 6),
        ("balanced_accuracy", (2 / 4 + 1 / 2) / 2),
        ("mcc", (2 * 1 - 1 * 2) / (3 * 4 * 2 * 3) ** 0.5),
        ("log_loss", sum(LOSSES) / 6),
        ("brier", (0.01 + 0.36 + 0.04 + 0.49 + 0.36 + 0.09) / 6),
        # Stated 3.1 of 6 rows, 4 went up.
        ("calibration_bias", (3.1 - 4) / 6),
        # Covariance with up over the variance of what is stated.
        ("calibration_slope", (2.3 - 3.1 * 4 / 6) / (1.95 - 3.1**2 / 6)),
        # Monday's ranks agree: 1. Tuesday's are 1, 2, 3 against 1, 3, 2: 0.5.
        ("rank_ic", 0.75),
        # Expected: Monday 3, 1, 2 against 3, 2, 1: 0.5. Tuesday as above: 0.5.
        ("expected_return_rank_ic", 0.5),
        # Monday 0.02 - -0.03, Tuesday 0.03 - 0.01.
        ("long_short_return", (0.05 + 0.02) / 2),
    ],
)
def test_hand_computed(metric, value):
    assert METRICS[metric](total(PANEL))[0] == pytest.approx(value)


def test_rank_metrics_skip_sessions_that_have_no_order():
    flat = PANEL.with_columns(
        pl.when(pl.col("session_date") == MONDAY).then(0.5).otherwise("score").alias("score")
    )
    sums = total(flat)
    assert sums["rank_ic_sessions"][0] == sums["long_short_return_sessions"][0] == 1
    assert METRICS["rank_ic"](sums)[0] == pytest.approx(0.5)
    assert METRICS["long_short_return"](sums)[0] == pytest.approx(0.02)


def test_a_certain_error_costs_much_but_not_infinity():
    sums = total(spoken([(MONDAY, 1.0, 0.0, -0.01)]))
    assert METRICS["log_loss"](sums)[0] == pytest.approx(-log(1e-15), rel=1e-3)


def test_predictors_without_probability_have_no_log_loss():
    sums = total(PANEL.with_columns(pl.lit(None, pl.Float64).alias("probability_up")))
    assert np.isnan(METRICS["log_loss"](sums)[0])
    assert np.isnan(METRICS["brier"](sums)[0])


def test_a_constant_direction_has_mcc_zero():
    sums = total(PANEL.with_columns(pl.lit(True).alias("predicts_up")))
    assert METRICS["mcc"](sums)[0] == 0
    assert METRICS["balanced_accuracy"](sums)[0] == 0.5


def test_auc_needs_both_classes():
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([True, True])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows):
    score = np.array([row[0] for row in rows], dtype=float)
    is_up = np.array([row[1] for row in rows])
    pairs = [(s > t) + (s == t) / 2 for s in score[is_up] for t in score[~is_up]]
    if pairs:
        assert auc(score, is_up) == pytest.approx(sum(pairs) / len(pairs))


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order):
    for name, value in total(PANEL[list(order)]).items():
        assert value[0] == pytest.approx(total(PANEL)[name][0])
