"""A small champion with online features, as a service starts from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.features.online import latest_features
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.news import RECENT_TEXTS
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.gateways.serving.bundle import predictor_of, write_bundle
from finpulse_assets.schemas import TICKERS

NAMES = ("return_1d", "rsi_14", "sentiment_mean")
DECIDED_AT = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
OLD, NEW = date(2024, 6, 27), date(2024, 6, 28)
NOW = datetime(2024, 6, 28, 20, 30, tzinfo=UTC)  # NEW is decided, Monday's session lies ahead


@cache
def model() -> PriceModel:
    random = np.random.default_rng(5)
    values = random.standard_normal((400, 3))
    returns = values @ [0.1, 0.2, 1.0] + random.standard_normal(400)
    frame = pl.DataFrame(values, schema=list(NAMES)).with_columns(
        session_date=pl.Series([date(2024, 1, 2)] * 400),
        return_next_session=pl.Series(returns),
        is_up=pl.Series(returns > 0),
    )
    fitted = fit_price_model(frame, TrainingPlan(rounds=20, num_threads=1), NAMES)
    return fitted.as_candidate("0123456789abcdef", sentiment_fingerprint="s1")


def calibrated_model(spread: float = 1.0) -> PriceModel:
    """The model with its intervals, its band and a range of training rows as wide as `spread`."""
    random = np.random.default_rng(6)
    frame = pl.DataFrame(random.standard_normal((400, 3)), schema=list(NAMES))
    probability, expected_return = model().predict(frame)
    errors = random.standard_normal(400) / 50
    said = pl.DataFrame(
        {
            "session_date": [date(2024, 1, 2) + timedelta(days=at // 20) for at in range(400)],
            "probability_up": probability,
            "expected_return": expected_return,
            "return_next_session": expected_return + errors,
            "is_up": expected_return + errors > 0,
        }
    )
    return model().calibrated(said).trained_on(spread * frame.to_numpy())


def promotion(*, is_proven: bool = True, candidate_id: str | None = None) -> Promotion:
    champion = Champion(
        candidate_id or model().candidate_id, ("ranking",) if is_proven else (), {"ranking": 0.1}
    )
    return Promotion(champion.candidate_id, True, is_proven, ("a reason",), champion, DECIDED_AT)


def daily_features() -> pl.DataFrame:
    """fct_daily_features of three tickers: AAPL in two sessions, MSFT and GONE in the first."""
    rows = [("AAPL", OLD), ("AAPL", NEW), ("MSFT", OLD), ("GONE", OLD)]
    frame = pl.DataFrame(rows, schema=["ticker", "session_date"], orient="row")
    number = pl.int_range(pl.len())
    values = [
        (number + at / 100).cast(pl.Float64).alias(name) for at, name in enumerate(feature_names())
    ]
    at = pl.Series([datetime(day.year, day.month, day.day, 20, 15, tzinfo=UTC) for _, day in rows])
    return frame.with_columns(*values, decision_at=at).with_columns(
        rsi_14=pl.Series([50.0, None, float("nan"), float("inf")]), text_count=pl.lit(3)
    )


def tickers() -> pl.DataFrame:
    listings = [("AAPL", date(2020, 1, 2), None), ("MSFT", date(2020, 1, 2), None),
                ("GONE", date(2020, 1, 2), OLD)]  # fmt: skip
    columns = ["ticker", "valid_from", "valid_to"]
    return TICKERS.enforce(
        pl.DataFrame(listings, schema=columns, orient="row").with_columns(
            **dict.fromkeys(("company", "sector", "exchange"), pl.lit(None, pl.String))
        )
    )


def closes() -> pl.DataFrame:
    """Newest closes, of AAPL and MSFT and none of GONE."""
    rows = [("AAPL", NEW, 200.0), ("MSFT", OLD, 400.0)]
    schema = {"ticker": pl.String, "session_date": pl.Date, "close": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def online() -> pl.DataFrame:
    return latest_features(daily_features(), tickers(), closes())


def texts() -> pl.DataFrame:
    """Three texts: a headline about AAPL and MSFT, and an older tweet about AAPL."""
    rows = [("headline", "h1", "AAPL", 0.8), ("headline", "h1", "MSFT", 0.8),
            ("tweet", "t1", "AAPL", -0.4)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["kind", "text_id", "ticker", "score"], orient="row")
    at = pl.when(kind="tweet").then(pl.lit(DECIDED_AT - timedelta(hours=3))).otherwise(DECIDED_AT)
    return RECENT_TEXTS.enforce(
        frame.with_columns(
            source=pl.lit("files"), event_time=at, knowledge_time=at, session_date=pl.lit(NEW),
            text=pl.lit("a text"),
        )
    )  # fmt: skip


def predictor(*, is_proven: bool = True) -> Predictor:
    return predictor_of(model(), promotion(is_proven=is_proven), online())


def answering(*, is_proven: bool = True) -> Answering:
    return Answering(predictor(is_proven=is_proven))


def bundle(folder: Path, *, is_proven: bool = True) -> Path:
    write_bundle(folder, model(), promotion(is_proven=is_proven), online(), texts())
    return folder


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
