"""Walk-forward of the ranking model over real prices, refitted monthly, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import draw_counts, interval
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan

MIN_TRAIN_SESSIONS = 120
RESAMPLES, LEVEL = 1_000, 0.95
PRICE_FEATURES = tuple(feature.name for feature in TECHNICAL)


def walk_forward(
    frame: pl.DataFrame,
    *,
    first: date | None,
    end: date,
    plan: RankingPlan | None = None,
    every: str = "1mo",
    features: Sequence[str] = PRICE_FEATURES,
) -> pl.DataFrame:
    """Return ticker, session_date, target_session_date, score, expected_return and the outcome.

    Each period is predicted by a model of the rows whose outcome was known before it began.

    Args:
        frame: from `price_panel.training_frame`.
        first: first day that is predicted, by the day of the outcome; None after the first 120
            sessions.
        end: the day after the last one.
        plan: how to fit; None for the default.
        every: the period, as polars writes durations.
        features: what the model reads.
    """
    placed = places(frame, features).with_columns(
        target_session_date=pl.col("exit_at").dt.convert_time_zone("America/New_York").dt.date()
    )
    days = frame["session_date"].unique().sort()
    start = days[MIN_TRAIN_SESSIONS] if first is None else first
    target = pl.col("target_session_date")
    tested = placed.filter(target.is_between(start, end, closed="left"))
    candidate = Ranking("ranking", tuple(features), plan or RankingPlan())
    parts = []
    for _, month in tested.group_by(target.dt.truncate(every), maintain_order=True):
        known = placed.filter(pl.col("exit_at") < month["decision_at"].min())
        forecast = candidate.fit(known).forecast(month)
        kept = month.select(
            "ticker", "session_date", "target_session_date", "return_next_session", "is_up"
        )
        parts.append(kept.hstack(forecast))
    return pl.concat(parts)


@dataclass(frozen=True)
class Scored:
    """A score with its day-block interval, as a line."""

    line: str

    def __str__(self) -> str:
        return self.line

    @classmethod
    def of_directions(cls, rows: pl.DataFrame) -> Scored:
        """Score the directions `up` against `is_up`, a block of days at a time."""
        by_day = rows.group_by("target").agg(
            (pl.col("up") & pl.col("is_up")).sum().alias("tp"),
            (pl.col("up") & ~pl.col("is_up")).sum().alias("fp"),
            (~pl.col("up") & pl.col("is_up")).sum().alias("fn"),
            (~pl.col("up") & ~pl.col("is_up")).sum().alias("tn"),
            shift=pl.col("up").mean(),
        ).sort("target")  # fmt: skip
        sums = by_day.select("tp", "fp", "fn", "tn").to_numpy().astype(float)
        draws = draw_counts(len(sums), resamples=RESAMPLES, seed=7).astype(float) @ sums
        accuracy, mcc = _accuracy(sums.sum(axis=0)), _mcc(sums.sum(axis=0))
        spread = (interval(of(draws), level=LEVEL) for of in (_accuracy, _mcc))
        (low, high), (mcc_low, mcc_high) = spread
        bet = " (a bet on days)" if by_day["shift"].std() > 0.25 else ""
        return cls(
            f"accuracy {accuracy:.2%} [{low:.2%}, {high:.2%}]  MCC {mcc:+.4f} "
            f"[{mcc_low:+.4f}, {mcc_high:+.4f}]  said up {rows['up'].mean():.0%}{bet}"
        )


def scored(predictions: pl.DataFrame) -> Scored:
    """Score the order within sessions: mean rank IC, its t and interval."""
    values = daily_ic(predictions)["ic"].to_numpy()
    return Scored(f"rank IC {mean_of(values)}, {len(predictions):,} rows")


def daily_ic(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return session_date and ic, the rank correlation of score and return within the session."""
    ic = pl.corr(pl.col("score").rank(), pl.col("return_next_session").rank())
    by_day = predictions.group_by("session_date").agg(ic=ic.fill_nan(None))
    return by_day.drop_nulls("ic").sort("session_date")


def mean_of(by_day: np.ndarray) -> str:
    """Return the mean of a figure by session, with its day-block interval and its t."""
    draws = draw_counts(len(by_day), resamples=RESAMPLES, seed=7).astype(float) @ by_day
    low, high = interval(draws / len(by_day), level=LEVEL)
    t = by_day.mean() / by_day.std(ddof=1) * np.sqrt(len(by_day))
    return f"{by_day.mean():+.4f} [{low:+.4f}, {high:+.4f}]  t {t:.1f}  {len(by_day)} sessions"


def _accuracy(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    return (tp + tn) / (tp + fp + fn + tn)


def _mcc(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, spread, out=np.zeros_like(spread), where=spread > 0)
