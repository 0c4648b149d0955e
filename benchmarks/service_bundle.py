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
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.registry import RANKING, candidates
from finpulse_assets.gateways.serving.bundle import write_bundle

SYMBOLS, ROWS = 100, 6_000
CANDIDATE = "0123456789abcdef"


def write(folder: Path, now: datetime, *, is_proven: bool = True, name: str = RANKING) -> None:
    """Write the bundle of a candidate by name; its features are of the session before `now`."""
    names = tuple(feature_names())
    random = np.random.default_rng(1)
    day = _last_session(now.date())
    frame = pl.DataFrame(random.standard_normal((ROWS, len(names))), schema=list(names))
    frame = frame.with_columns(
        session_date=pl.Series([day - timedelta(days=at // SYMBOLS) for at in range(ROWS)]),
        ticker=pl.Series([f"T{at % SYMBOLS:03d}" for at in range(ROWS)]),
        return_next_session=pl.col(names[0]) * 0.3 + pl.Series(random.standard_normal(ROWS)),
    ).with_columns(
        is_up=pl.col("return_next_session") > 0,
        decision_at=pl.col("session_date").cast(pl.Datetime("us", "UTC")),
        exit_at=pl.col("session_date").cast(pl.Datetime("us", "UTC")) + timedelta(days=1),
    )
    (candidate, *_) = candidates((name,), threads=1)
    fitted = candidate.fit(places(frame, names) if candidate.scale == "places" else frame)
    said = pl.DataFrame(
        {
            "probability_up": random.uniform(0.3, 0.7, 2_000),
            "is_up": random.uniform(size=2_000) > 0.5,
            "session_date": [day - timedelta(days=at % 200) for at in range(2_000)],
            "expected_return": random.standard_normal(2_000) * 0.001,
            "return_next_session": random.standard_normal(2_000) * 0.02,
        }
    )
    model = (
        fitted.trained_on(frame.select(names).to_numpy())
        .calibrated(said)
        .as_candidate(CANDIDATE, sentiment_fingerprint="benchmark")
    )
    online = pl.DataFrame(
        random.standard_normal((SYMBOLS, len(names))), schema=list(names)
    ).with_columns(
        ticker=pl.Series([f"T{at:03d}" for at in range(SYMBOLS)]),
        session_date=pl.lit(day),
        decision_at=pl.lit(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=21)),
        delisted_date=pl.lit(None, pl.Date),
        close=pl.lit(100.0),
        feature_view=pl.lit(feature_view(names)),
    )
    skills = ("ranking",) if is_proven else ()
    champion = Champion(CANDIDATE, skills, {"ranking": 0.1})
    decision = Promotion(CANDIDATE, True, is_proven, ("benchmark",), champion, now)
    write_bundle(folder, model, decision, ONLINE_FEATURES.enforce(online))


def _last_session(before: date) -> date:
    sessions = build_sessions(before - timedelta(days=10), before)
    return sessions["session_date"].filter(sessions["session_date"] < before)[-1]
