"""Placebo labels: shuffled outcomes must leave no skill.

Skill on shuffled outcomes can only come from the evaluation itself: test rows among the training
rows, features made of the outcomes, a scaler that has seen them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl

OUTCOME = ("is_up", "return_next_session")
# One-sided: one in a thousand sound evaluations may pass it. A check that blocks must not cry wolf.
CRITICAL_Z = 3.09

# From a training set with its outcomes to predictions for rows that the model had not seen:
# session_date, probability_up, is_up.
Evaluate = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Placebo:
    """How well shuffled outcomes were predicted: the share of pairs (an up and a down ticker of one
    session) in the right order, and its distance from one half in standard errors."""

    auc: float
    z: float
    rows: int

    @property
    def has_skill(self) -> bool:
        return self.z > CRITICAL_Z

    def __str__(self) -> str:
        return (
            f"AUC {self.auc:.3f} within sessions, {self.z:+.1f} standard errors from chance, on "
            f"{self.rows:,} predictions of shuffled outcomes"
        )


def placebo(evaluate: Evaluate, training_set: pl.DataFrame, *, seed: int = 0) -> Placebo:
    """Evaluate a training set whose outcomes are shuffled.

    Args:
        evaluate: the whole way from a training set to out-of-sample predictions.
        training_set: ticker, session_date, is_up, return_next_session and what `evaluate` reads.
        seed: of the shuffle.
    """
    return judge(evaluate(shuffle_outcomes(training_set, seed=seed)))


def shuffle_outcomes(training_set: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """Return the rows with the outcomes of each session dealt anew among its tickers.

    Dealing within a session keeps what all tickers share; only the link of a row to its own outcome
    is cut.
    """
    ordered = training_set.sort("session_date", "ticker")
    order = np.random.default_rng(seed).random(ordered.height)
    ordered = ordered.with_columns(_order=pl.Series(order))
    dealt = [pl.col(name).sort_by("_order").over("session_date") for name in OUTCOME]
    return ordered.with_columns(dealt).drop("_order")


def judge(predicted: pl.DataFrame) -> Placebo:
    """Return the verdict on predictions of shuffled outcomes.

    Within a session the dealt outcomes are exchangeable, so the Mann-Whitney count of each session
    has mean ups x downs / 2 and variance ups x downs x (n + 1) / 12, whatever was predicted.
    """
    ranked = predicted.with_columns(
        rank=pl.col("probability_up").rank("average").over("session_date")
    )
    by_session = ranked.group_by("session_date").agg(
        rows=pl.len(), ups=pl.col("is_up").sum(), rank=pl.col("rank").filter("is_up").sum()
    ).with_columns(pl.exclude("session_date").cast(pl.Float64))  # fmt: skip
    rows, ups, rank = (by_session[name].to_numpy() for name in ("rows", "ups", "rank"))
    pairs = ups * (rows - ups)
    right = rank - ups * (ups + 1) / 2
    spread = sqrt((pairs * (rows + 1) / 12).sum())
    if not spread:
        return Placebo(auc=0.5, z=0.0, rows=predicted.height)
    away = (right - pairs / 2).sum()
    auc = 0.5 + float(away / pairs.sum())
    return Placebo(auc=auc, z=float(away / spread), rows=predicted.height)
