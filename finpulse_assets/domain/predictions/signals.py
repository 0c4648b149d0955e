"""Signals: what the champion predicts for the next session, as versions that are never overwritten.

A session's signals are one version, known by `predicted_at`; a retraining at 20:00 adds a version
to what was published at 16:30. Readers take the one that counts from `current_signals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.predictions.abstention import reasons_to_abstain
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import DAILY_SIGNALS

LIVE, LATE = "live", "late"
# Two versions of a session may come from runs with the same as-of time; the later one counts.
TICK = timedelta(microseconds=1)


def signals_of(
    model: Model,
    features: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    session_date: date,
    predicted_at: datetime,
    skills: Sequence[str],
    model_version: str,
) -> pl.DataFrame:
    """Return the model's signal for every ticker with features on `session_date`.

    It is live where the target session opens after `predicted_at`, else late.

    Args:
        model: the champion.
        features: fct_daily_features; only the rows of `session_date` are used.
        sessions: `schemas.SESSIONS` with `session_date` and the session after it.
        session_date: the last completed session.
        predicted_at: UTC as-of time of the run.
        skills: the names of the champion's skills that are proven now.
        model_version: its candidate id.

    Raises:
        EvaluationError: no ticker has features on that session, or the calendar ends before its
            target session.
    """
    rows = features.filter(pl.col("session_date") == session_date).sort("ticker")
    if rows.is_empty():
        raise EvaluationError(
            f"no ticker has features on {session_date}, the last completed session "
            f"({_reach(features)})",
            hint="check that the price source reaches the as-of time",
        )
    # The rows are each other's peers: said once, their places are found in one search.
    probability_up, expected_return = model.predict(rows, rows)
    lower, upper = model.interval(probability_up)
    matrix = feature_matrix(rows, model.features)
    signals = rows.select("ticker", "session_date").with_columns(
        pl.Series("probability_up", probability_up),
        pl.Series("probability_lower", lower),
        pl.Series("probability_upper", upper),
        pl.Series("expected_return", expected_return),
        *model.return_band(expected_return),
        *model.return_quantiles(expected_return),
        model.next_sentiment(rows),
        reasons_to_abstain(
            model,
            matrix,
            probability_up,
            expected_return,
            is_proven=bool(skills),
            is_expired=_is_expired(model, sessions, predicted_at),
        ),
        pl.Series("reasons", model.reasons(rows, rows)),
        predicted_at=pl.lit(predicted_at, pl.Datetime("us", "UTC")),
        is_proven=pl.lit(bool(skills)),
        skills=pl.lit(", ".join(skills)),
        model_version=pl.lit(model_version),
    )
    return _finish(signals, sessions)


def _is_expired(model: Model, sessions: pl.DataFrame, at: datetime) -> bool:
    """Return whether too many sessions have opened since the last one that taught the model."""
    opened = (pl.col("session_date") > model.trained_to) & (pl.col("open_at") <= at)
    return sessions.filter(opened).height > MODEL_LIFE_SESSIONS


def new_version(computed: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return what `computed` adds to the history: itself, or no rows where it adds nothing.

    It adds nothing where the session's current version says the same, or where it comes late for
    a session that has live signals. What is held stays as it is.

    Args:
        computed: signals of one session, from `signals_of`.
        held: `schemas.DAILY_SIGNALS` as it stands.
    """
    before = held.join(computed, on="session_date", how="semi")
    if before.is_empty():
        return computed
    if computed["origin"][0] == LATE and (before["origin"] == LIVE).any():
        return computed.clear()
    said = current_signals(before).drop("predicted_at").sort("ticker")
    if said.equals(computed.drop("predicted_at").sort("ticker")):
        return computed.clear()
    earliest = before["predicted_at"].max() + TICK
    return computed.with_columns(
        pl.max_horizontal("predicted_at", pl.lit(earliest, pl.Datetime("us", "UTC")))
    )


def current_signals(history: pl.DataFrame) -> pl.DataFrame:
    """Return the version of each session that counts: one row per ticker and session.

    It is the newest that was predicted before the target session opened; where there is none, the
    newest late one. A session comes whole from one version, for its ranks are one order.

    Args:
        history: `schemas.DAILY_SIGNALS`, any versions.
    """
    is_live = pl.col("origin") == LIVE
    counting = history.filter(is_live == is_live.any().over("session_date"))
    newest = pl.col("predicted_at") == pl.col("predicted_at").max().over("session_date")
    return counting.filter(newest)


def _reach(features: pl.DataFrame) -> str:
    if features.is_empty():
        return "there are none"
    return f"the features end on {features['session_date'].max()}"


def _finish(signals: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    calendar = sessions.select(
        "session_date", "decision_at", target_session_date="next_session_date"
    )
    opens = sessions.select(target_session_date="session_date", open_at="open_at")
    is_late = pl.col("predicted_at") >= pl.col("open_at")
    strength = pl.col("probability_up").round(9)
    ranked = (
        signals.join(calendar, on="session_date", how="left")
        .join(opens, on="target_session_date", how="left")
        .with_columns(origin=pl.when(is_late).then(pl.lit(LATE)).otherwise(pl.lit(LIVE)))
        .sort("session_date", strength, "ticker", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("session_date"))
    )
    if ranked["open_at"].null_count():
        raise EvaluationError(
            f"the calendar ends on {sessions['session_date'].max()}, before the target session of "
            f"{signals['session_date'].max()}",
            hint="materialize raw/sessions",
        )
    return DAILY_SIGNALS.enforce(ranked.select(DAILY_SIGNALS.column_names))


def direction(probability_up: float) -> str:
    """Return "up" or "down" for a probability.

    >>> direction(0.5), direction(0.49)
    ('up', 'down')
    """
    return "up" if np.float64(probability_up) >= 0.5 else "down"
