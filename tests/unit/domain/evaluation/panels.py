"""Small synthetic panels for the tests of splits, training and evaluation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from finpulse_assets.domain.evaluation.baselines import forecasts

from finpulse_assets.domain.evaluation.splits import Fold

FEATURES = ("return_1d", "return_20d", "sentiment_mean", "rsi_14")
FEATURES_WITHOUT_TEXT = ("return_1d", "return_20d", "rsi_14")
FIRST_DAY = date(2020, 1, 1)


def training_frame(
    *, sessions: int = 60, tickers: int = 10, effect: float = 0.0, seed: int = 0
) -> pl.DataFrame:
    """Return a training frame in which sentiment_mean moves the next return by `effect`."""
    random = np.random.default_rng(seed)
    rows = sessions * tickers
    features = {name: random.standard_normal(rows) for name in FEATURES}
    returns = 0.01 * (random.standard_normal(rows) + effect * features["sentiment_mean"])
    features["sentiment_mean"] = np.where(
        random.random(rows) < 0.2, np.nan, features["sentiment_mean"]
    )
    days = [FIRST_DAY + timedelta(days=at) for at in range(sessions) for _ in range(tickers)]
    decisions = [datetime(day.year, day.month, day.day, 22, tzinfo=UTC) for day in days]
    return pl.DataFrame(
        {
            "ticker": [f"T{at:02d}" for at in range(tickers)] * sessions,
            "session_date": days,
            "decision_at": decisions,
            "entry_at": [at + timedelta(hours=16) for at in decisions],
            "exit_at": [at + timedelta(hours=23) for at in decisions],
            **features,
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    ).with_columns(pl.col("decision_at", "entry_at", "exit_at").cast(pl.Datetime("us", "UTC")))


def two_folds(days: list[date]) -> list[Fold]:
    """Return two folds: train on the first quarter of the days, test on the rest in two halves."""
    first = len(days) // 4
    middle = first + (len(days) - first) // 2
    decided = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        Fold(1, tuple(days[:first]), tuple(days[first:middle]), decided),
        Fold(2, tuple(days[:middle]), tuple(days[middle:]), decided),
    ]


def spoken_panel(
    *, edge: float = 0.0, seed: int = 0, sessions: int = 160, tickers: int = 15
) -> pl.DataFrame:
    """Return forecasts of a candidate whose log-odds know `edge` of each row's own move.

    Returns share a day effect and so do the candidate's errors: the noise that fools intervals
    which treat rows as independent.
    """
    random = np.random.default_rng(seed)
    rows = sessions * tickers
    day_effect = np.repeat(random.standard_normal(sessions), tickers)
    own = random.standard_normal(rows)
    returns = 0.01 * (day_effect + 1.5 * own)
    mood = np.repeat(random.standard_normal(sessions), tickers)
    log_odds = 0.1 * random.standard_normal(rows) + 0.1 * mood + edge * own
    days = [FIRST_DAY + timedelta(days=at) for at in range(sessions)]
    panel = pl.DataFrame(
        {
            "ticker": [f"T{at:02d}" for at in range(tickers)] * sessions,
            "session_date": [day for day in days for _ in range(tickers)],
            "probability_up": 1 / (1 + np.exp(-log_odds)),
            "expected_return": 0.001 * log_odds,
            "probability_up_without_text": random.random(rows),
            "return_1d": random.standard_normal(rows),
            "return_20d": random.standard_normal(rows),
            "is_up": returns > 0,
            "return_next_session": returns,
        }
    )
    folds = two_folds(days)
    number = {day: fold.index for fold in folds for day in fold.test_sessions}
    predictions = panel.filter(pl.col("session_date").is_in(list(number))).with_columns(
        pl.col("session_date").replace_strict(number, return_dtype=pl.Int32).alias("fold")
    )
    return forecasts(predictions.drop("return_1d", "return_20d"), panel, folds)
