"""Signals: what the champion says about the next session, and what the recipe would have said."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import DAILY_SIGNALS, OUT_OF_SAMPLE

LIVE, LATE, WALK_FORWARD = "live", "late", "walk_forward"
NO_REASONS = ""


def live_signals(
    model: PriceModel,
    features: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    session_date: date,
    is_proven: bool,
    model_version: str,
) -> pl.DataFrame:
    """Return the model's signal for every ticker with features on `session_date`.

    Args:
        model: who speaks.
        features: fct_daily_features; only the rows of `session_date` are used.
        sessions: `schemas.SESSIONS` with `session_date`.
        session_date: the last completed session.
        is_proven: whether the model passed the promotion gate.
        model_version: its candidate id.

    Raises:
        EvaluationError: no ticker has features on that session.
    """
    rows = features.filter(pl.col("session_date") == session_date).sort("ticker")
    if rows.is_empty():
        raise EvaluationError(
            f"no ticker has features on {session_date}, the last completed session "
            f"({_reach(features)})",
            hint="check that the price source reaches the as-of time",
        )
    probability_up, expected_return = model.predict(rows)
    lower, upper = model.interval(probability_up)
    signals = rows.select("ticker", "session_date").with_columns(
        pl.Series("probability_up", probability_up),
        pl.Series("probability_lower", lower),
        pl.Series("probability_upper", upper),
        pl.Series("expected_return", expected_return),
        pl.Series("reasons", model.reasons(rows)),
        origin=pl.lit(LIVE),
        is_proven=pl.lit(is_proven),
        model_version=pl.lit(model_version),
    )
    return _finish(signals, sessions)


def as_spoken(
    live: pl.DataFrame, held: pl.DataFrame, *, as_of: datetime, entry_at: datetime
) -> pl.DataFrame:
    """Return what counts as said about a session: a signal is live only before it can be traded.

    Once the target session is open, the signals that were said in time stand; where there are
    none, `live` is kept with the origin "late".

    Args:
        live: signals of one session, as computed now.
        held: `schemas.DAILY_SIGNALS` as it stands.
        as_of: the time of this run.
        entry_at: when the target session opens.
    """
    if as_of < entry_at:
        return live
    said = held.filter(pl.col("origin") == LIVE).join(live, on="session_date", how="semi")
    return said if said.height else live.with_columns(origin=pl.lit(LATE))


def past_signals(
    predictions: pl.DataFrame, sessions: pl.DataFrame, *, is_proven: bool, model_version: str
) -> pl.DataFrame:
    """Return the walk-forward predictions as signals: each spoken by a model of its own time.

    Args:
        predictions: `schemas.OUT_OF_SAMPLE`.
        sessions: `schemas.SESSIONS` that cover them.
        is_proven: whether the recipe passed the promotion gate.
        model_version: candidate id of the recipe's last model, champion or not.
    """
    OUT_OF_SAMPLE.enforce(predictions)
    signals = predictions.select(
        "ticker",
        "session_date",
        "probability_up",
        "expected_return",
        probability_lower=pl.lit(None, pl.Float64),
        probability_upper=pl.lit(None, pl.Float64),
        reasons=pl.lit(NO_REASONS),
        origin=pl.lit(WALK_FORWARD),
        is_proven=pl.lit(is_proven),
        model_version=pl.lit(model_version),
    )
    return _finish(signals, sessions)


def merge_signals(past: pl.DataFrame, live: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return one signal per ticker and session; what was said live stands.

    Today's live signals replace earlier ones of the same session, live ones held from another
    session are never touched, and the walk-forward fills the other sessions. A session comes whole
    from one of the three, for its ranks are one order.
    """
    said = held.filter(pl.col("origin").is_in([LIVE, LATE]))
    spoken = said.join(live, on="session_date", how="anti")
    current = pl.concat([live, spoken])
    past = past.join(current, on="session_date", how="anti")
    return DAILY_SIGNALS.enforce(pl.concat([current, past]))


def _reach(features: pl.DataFrame) -> str:
    if features.is_empty():
        return "there are none"
    return f"the features end on {features['session_date'].max()}"


def _finish(signals: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    calendar = sessions.select(
        "session_date", "decision_at", target_session_date="next_session_date"
    )
    strength = pl.col("probability_up").round(9)
    ranked = (
        signals.join(calendar, on="session_date", how="left")
        .sort("session_date", strength, "ticker", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("session_date"))
    )
    return DAILY_SIGNALS.enforce(ranked.select(DAILY_SIGNALS.column_names))


def direction(probability_up: float) -> str:
    """Return "up" or "down" for a probability.

    >>> direction(0.5), direction(0.49)
    ('up', 'down')
    """
    return "up" if np.float64(probability_up) >= 0.5 else "down"
