"""Small synthetic panels for the tests of splits, training and evaluation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.naive import NaiveModel
from finpulse_assets.domain.models.registry import NAIVE
from finpulse_assets.schemas import OUT_OF_SAMPLE

FEATURES = ("return_1d", "return_20d", "sentiment_mean", "rsi_14")
FEATURES_WITHOUT_TEXT = ("return_1d", "return_20d", "rsi_14")
FIRST_DAY = date(2020, 1, 1)


def training_frame(
    *,
    sessions: int = 60,
    tickers: int = 10,
    effect: float = 0.0,
    market_effect: float = 0.0,
    shared: float = 0.0,
    seed: int = 0,
) -> pl.DataFrame:
    """Return a training frame in which sentiment_mean moves the next return by `effect`.

    market_sentiment_mean, which is equal for all tickers of a session, moves all of them by
    `market_effect`; `shared` is the deviation of what else moves all of them.
    """
    random = np.random.default_rng(seed)
    rows = sessions * tickers
    features = {name: random.standard_normal(rows) for name in FEATURES}
    returns = 0.01 * (random.standard_normal(rows) + effect * features["sentiment_mean"])
    of_days = np.random.default_rng(seed + 1_000_000).standard_normal((2, sessions))
    mood, shock = np.repeat(of_days, tickers, axis=1)
    features["market_sentiment_mean"] = mood
    returns = returns + 0.01 * (market_effect * mood + shared * shock)
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


def predicted_panel(
    *,
    edge: float = 0.0,
    market_edge: float = 0.0,
    seed: int = 0,
    sessions: int = 160,
    tickers: int = 15,
    candidate_id: str = "new",
) -> pl.DataFrame:
    """Return out-of-sample predictions of all candidates.

    The ranking knows `edge` of each row's own move, and its twin without texts nothing; the market
    head knows `market_edge` of each day's. Returns share a day effect and so do the ranking's
    errors: the noise that fools intervals which treat rows as independent. LightGBM says what the
    ranking says.
    """
    random = np.random.default_rng(seed)
    rows = sessions * tickers
    day_effect = np.repeat(random.standard_normal(sessions), tickers)
    own = random.standard_normal(rows)
    returns = 0.01 * (day_effect + 1.5 * own)
    mood = np.repeat(random.standard_normal(sessions), tickers)
    log_odds = 0.1 * random.standard_normal(rows) + 0.1 * mood + edge * own
    seen = market_edge * day_effect + np.repeat(random.standard_normal(sessions), tickers)
    days = [FIRST_DAY + timedelta(days=at) for at in range(sessions)]
    panel = pl.DataFrame(
        {
            "ticker": [f"T{at:02d}" for at in range(tickers)] * sessions,
            "session_date": [day for day in days for _ in range(tickers)],
            "with_text": 1 / (1 + np.exp(-log_odds)),
            "without_text": random.random(rows),
            "market": 1 / (1 + np.exp(-0.1 * seen)),
            "return_1d": random.standard_normal(rows),
            "return_20d": random.standard_normal(rows),
            "is_up": returns > 0,
            "return_next_session": returns,
        }
    )
    parts = []
    for fold in two_folds(days):
        up_rate = panel.filter(pl.col("session_date").is_in(fold.train_sessions))["is_up"].mean()
        test = panel.filter(pl.col("session_date").is_in(fold.test_sessions))
        says = {
            "ranking": by_probability(test["with_text"]),
            "ranking_without_text": by_probability(test["without_text"]),
            "lightgbm": by_probability(test["with_text"]),
            "lightgbm_without_text": by_probability(test["without_text"]),
            "market": by_probability(test["market"]),
            "logistic_on_prices": by_probability(test["without_text"]),
            **{rule: NaiveModel(rule, up_rate).forecast(test) for rule in NAIVE},
        }
        kept = test.select("ticker", "session_date", "is_up", "return_next_session")
        parts += [
            kept.hstack(forecast).with_columns(candidate=pl.lit(name), fold=pl.lit(fold.index))
            for name, forecast in says.items()
        ]
    return OUT_OF_SAMPLE.enforce(
        pl.concat(parts).with_columns(candidate_id=pl.lit(candidate_id), horizon_sessions=pl.lit(1))
    )


def by_probability(probability_up: pl.Series) -> pl.DataFrame:
    """Return the forecast of a model that states these probabilities."""
    return pl.DataFrame(
        {
            "probability_up": probability_up,
            "score": probability_up,
            "predicts_up": probability_up >= 0.5,
            "expected_return": 0.001 * (probability_up - 0.5),
        }
    )
