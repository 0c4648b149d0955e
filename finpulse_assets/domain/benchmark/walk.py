"""Walk-forward of the ranking model and of the baselines over real prices, and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import draw_counts, interval
from finpulse_assets.domain.evaluation.walk_forward import in_scales
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.models.candidate import Trainable
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.naive import Naive
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import NAIVE, ON_PRICES, RANKING, label_of, twin_of

MIN_TRAIN_SESSIONS = 120
RESAMPLES, LEVEL = 1_000, 0.95
KEPT = ("ticker", "session_date", "target_session_date", "return_next_session", "is_up")
DEFAULT = twin_of(RANKING)
PRICE_FEATURES = tuple(feature.name for feature in TECHNICAL)


def walk_forward(
    frame: pl.DataFrame,
    *,
    first: date | None,
    end: date,
    candidates: tuple[Trainable, ...] | None = None,
    every: str = "1mo",
) -> pl.DataFrame:
    """Return candidate, ticker, session_date, target_session_date, the forecast and the outcome.

    Each period is predicted by models of the rows whose outcome was known before it began.

    Args:
        frame: from `price_panel.training_frame`.
        first: first day that is predicted, by the day of the outcome; None after the first 120
            sessions.
        end: the day after the last one.
        candidates: whom to fit; None for `on_prices`.
        every: the period, as polars writes durations.
    """
    candidates = on_prices() if candidates is None else candidates
    frame = frame.with_columns(
        target_session_date=pl.col("exit_at").dt.convert_time_zone("America/New_York").dt.date()
    )
    scaled = in_scales(frame, candidates)
    days = frame["session_date"].unique().sort()
    start = days[MIN_TRAIN_SESSIONS] if first is None else first
    target, kept = pl.col("target_session_date"), pl.col(KEPT)
    tested = frame.select(*KEPT, "decision_at").filter(target.is_between(start, end, closed="left"))
    parts = []
    for (period,), rows in tested.group_by(target.dt.truncate(every), maintain_order=True):
        is_tested = (target.dt.truncate(every) == period) & target.is_between(
            start, end, closed="left"
        )
        is_known = pl.col("exit_at") < rows["decision_at"].min()
        for candidate in candidates:
            read = scaled[candidate.scale]
            shown = read.filter(is_tested)
            forecast = candidate.fit(read.filter(is_known)).forecast(shown)
            parts.append(
                shown.select(pl.lit(candidate.name).alias("candidate"), kept).hstack(forecast)
            )
    return pl.concat(parts)


def on_prices() -> tuple[Trainable, ...]:
    """Return the default candidate's twin without texts, and the baselines."""
    return (
        Ranking(DEFAULT, PRICE_FEATURES, RankingPlan()),
        Logistic(ON_PRICES, PRICE_FEATURES),
        *(Naive(name) for name in NAIVE),
    )


def by_predictor(predictions: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield what people read for each candidate of `on_prices`, and its rows."""
    for candidate in on_prices():
        yield label_of(candidate.name), predictions.filter(candidate=candidate.name)


def has_order(predictions: pl.DataFrame) -> bool:
    """Return whether the scores of any session differ; a constant guess orders nothing."""
    spread = pl.col("score").max() - pl.col("score").min()
    return bool(predictions.group_by("session_date").agg(spread)["score"].max() > 0)


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


def mean_and_ends(by_day: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of a figure by session, and the ends of its day-block interval."""
    draws = draw_counts(len(by_day), resamples=RESAMPLES, seed=7).astype(float) @ by_day
    return by_day.mean(), *interval(draws / len(by_day), level=LEVEL)


def mean_of(by_day: np.ndarray) -> str:
    """Return the mean of a figure by session, with its day-block interval and its t, as words."""
    _, low, high = mean_and_ends(by_day)
    t = by_day.mean() / by_day.std(ddof=1) * np.sqrt(len(by_day))
    return f"{by_day.mean():+.4f} [{low:+.4f}, {high:+.4f}]  t {t:.1f}  {len(by_day)} sessions"


def _accuracy(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    return (tp + tn) / (tp + fp + fn + tn)


def _mcc(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, spread, out=np.zeros_like(spread), where=spread > 0)
