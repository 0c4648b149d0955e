"""The ensemble's weights: what they follow, and that nothing later than a decision is in them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.member_weights import CEILING, FLOOR, member_weights
from finpulse_assets.domain.models.registry import candidates
from finpulse_assets.errors import EvaluationError, SettingError
from tests.unit.domain.evaluation.panels import training_frame

NAMES = ("good", "none", "bad")
SESSIONS, TICKERS = 40, 6
ENSEMBLE = Ensemble("ensemble", tuple(Logistic(name, ("x",)) for name in NAMES))


def said(seed: int = 0, *, edges: tuple[float, ...] = (1.0, 0.0, -1.0)) -> pl.DataFrame:
    """Return what three members say, each with its edge, in the times of the panel."""
    panel = training_frame(sessions=SESSIONS, tickers=TICKERS, seed=seed)
    random = np.random.default_rng(seed + 1)
    own = panel["return_next_session"].to_numpy() / 0.01
    parts = []
    for name, edge in zip(NAMES, edges, strict=True):
        view = edge * own + random.standard_normal(panel.height)
        parts.append(
            panel.select(
                "ticker", "session_date", "decision_at", "exit_at", "is_up", "return_next_session"
            ).with_columns(
                probability_up=pl.Series(1 / (1 + np.exp(-0.1 * view))),
                score=pl.Series(view),
                predicts_up=pl.Series(view >= 0),
                expected_return=pl.Series(0.001 * view),
                candidate=pl.lit(name),
            )
        )
    return pl.concat(parts)


def weights_by_day(rows: pl.DataFrame) -> np.ndarray:
    return member_weights(rows, NAMES).weights


def test_weights_begin_equal_follow_performance_and_keep_floor_and_ceiling():
    weights = weights_by_day(said())
    assert weights[0] == pytest.approx(1 / 3)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights.min() >= FLOOR / 3 - 1e-9
    assert weights.max() <= CEILING / 3 + 1e-9
    good, none, bad = weights[-1]
    assert good > none > bad or good > none == bad
    assert weights[-1][0] > weights[2][0] > weights[0][0]
    turned = said().with_columns(-pl.col("return_next_session"))
    assert weights_by_day(turned)[-1].tolist() == pytest.approx([bad, none, good], abs=0.1)


def test_what_performed_lately_counts_more():
    early, late = said(edges=(9.0, -9.0, 0.0)), said(edges=(-9.0, 9.0, 0.0))
    middle = early["session_date"].unique().sort()[SESSIONS // 2]
    turned = pl.concat(
        [
            early.filter(pl.col("session_date") < middle),
            late.filter(pl.col("session_date") >= middle),
        ]
    )
    assert weights_by_day(turned)[-1][1] > weights_by_day(turned)[-1][0]


@given(day=st.integers(1, SESSIONS - 1), seed=st.integers(0, 5), late=st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_no_later_return_changes_an_earlier_weight(day, seed, late):
    """Turning around what ends at or after a decision changes no weight up to that decision."""
    rows = said(seed).with_columns(pl.col("exit_at") + timedelta(days=late))
    at = rows["decision_at"].unique().sort()[day]
    turned = rows.with_columns(
        pl.when(pl.col("exit_at") >= at)
        .then(-pl.col("return_next_session"))
        .otherwise("return_next_session")
        .alias("return_next_session")
    )
    before, after = member_weights(rows, NAMES), member_weights(turned, NAMES)
    assert np.array_equal(before.weights[: day + 1], after.weights[: day + 1])
    later = rows.with_columns(
        pl.when(pl.col("decision_at") > at).then(0.9).otherwise("probability_up")
        .alias("probability_up")
    )  # fmt: skip
    other = member_weights(later, NAMES)
    assert np.array_equal(before.sizes[: day + 1], other.sizes[: day + 1])


def test_rows_are_a_weighted_mean_of_the_members_and_better_than_an_equal_one():
    rows = said(edges=(0.5, 0.1, 0.0))
    made = ENSEMBLE.rows(rows.drop("decision_at", "exit_at"), rows)
    assert made["candidate"].unique().to_list() == ["ensemble"]
    assert made.height == SESSIONS * TICKERS
    assert ((made["probability_up"] >= 0.5) == (made["expected_return"] >= 0)).all()
    keys = ["session_date", "ticker"]
    parts = [rows.filter(candidate=name).sort(keys)["score"].to_numpy() for name in NAMES]
    outcome = made.sort(keys)["return_next_session"].to_numpy()
    weighted = np.corrcoef(made.sort(keys)["score"].to_numpy(), outcome)[0, 1]
    assert weighted > np.corrcoef(sum(parts), outcome)[0, 1]


def test_a_member_that_says_nothing_counts_nothing():
    flat = pl.col("candidate") == "none"
    rows = said().with_columns(
        pl.when(flat).then(0.5).otherwise("probability_up").alias("probability_up"),
        pl.when(flat).then(0.0).otherwise("score").alias("score"),
        pl.when(flat).then(0.0).otherwise("expected_return").alias("expected_return"),
    )
    made = ENSEMBLE.rows(rows.drop("decision_at", "exit_at"), rows)
    assert made["score"].is_finite().all()


def test_members_with_other_rows_and_an_ensemble_of_one_are_refused():
    rows = said()
    short = rows.filter((pl.col("candidate") != "bad") | (pl.col("ticker") != "T00"))
    with pytest.raises(EvaluationError, match="unlike numbers of predictions: good 240, none 240,"):
        ENSEMBLE.rows(short.drop("decision_at", "exit_at"), rows)
    with pytest.raises(SettingError, match="has 1 members, it needs at least 2"):
        candidates(("ranking", "ensemble"))
    names = [it.name for it in candidates(("ensemble", "ranking", "logistic"))]
    assert names[:6] == [
        "ranking", "logistic", "ensemble", "ranking_without_text", "logistic_on_prices",
        "ensemble_without_text",
    ]  # fmt: skip
