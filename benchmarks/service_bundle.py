"""A bundle of the real size without a market: every feature, the usual plan, a hundred symbols."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.features.online import ONLINE_FEATURES, feature_view
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.gateways.serving.bundle import write_bundle

SYMBOLS, ROWS = 100, 6_000
CANDIDATE = "0123456789abcdef"


def write(folder: Path, now: datetime, *, is_proven: bool = True) -> None:
    """Write the bundle; its features are of the session before `now` (UTC)."""
    names = tuple(feature_names())
    random = np.random.default_rng(1)
    day = _last_session(now.date())
    values = random.standard_normal((ROWS, len(names)))
    returns = values[:, 0] * 0.3 + random.standard_normal(ROWS)
    frame = pl.DataFrame(values, schema=list(names)).with_columns(
        session_date=pl.lit(day),
        return_next_session=pl.Series(returns),
        is_up=pl.Series(returns > 0),
    )
    fitted = fit_price_model(frame, TrainingPlan(num_threads=1), names)
    said = pl.DataFrame(
        {
            "probability_up": random.uniform(0.3, 0.7, 2_000),
            "is_up": random.uniform(size=2_000) > 0.5,
            "session_date": [day - timedelta(days=at % 200) for at in range(2_000)],
        }
    )
    model = fitted.calibrated(said).as_candidate(CANDIDATE, sentiment_fingerprint="benchmark")
    online = pl.DataFrame(
        random.standard_normal((SYMBOLS, len(names))), schema=list(names)
    ).with_columns(
        ticker=pl.Series([f"T{at:03d}" for at in range(SYMBOLS)]),
        session_date=pl.lit(day),
        decision_at=pl.lit(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=21)),
        delisted_date=pl.lit(None, pl.Date),
        feature_view=pl.lit(feature_view(names)),
    )
    champion = Champion(CANDIDATE, is_proven, 0.6, 0.1)
    decision = Promotion(CANDIDATE, True, is_proven, ("benchmark",), champion, now)
    write_bundle(folder, model, decision, ONLINE_FEATURES.enforce(online))


def _last_session(before: date) -> date:
    sessions = build_sessions(before - timedelta(days=10), before)
    return sessions["session_date"].filter(sessions["session_date"] < before)[-1]
