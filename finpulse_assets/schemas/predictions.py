"""Tables of what models say, how good it was, and how far their inputs have moved."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import SESSION_DATE, TICKER, UTC

OUT_OF_SAMPLE = Table(
    name="models/out_of_sample_predictions",
    grain="one row per ticker and session of the walk-forward test folds",
    known_at="known at decision_at of the session, had the model been run then",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("fold", pl.Int32, "walk-forward fold that tested the row"),
        Column("probability_up", pl.Float64, "predicted probability of an up move", "probability"),
        Column("expected_return", pl.Float64, "predicted return of the next session", "fraction"),
        Column("probability_up_without_text", pl.Float64,
               "the same model without text features", "probability"),
        Column("is_up", pl.Boolean, "whether the next session closed above its open"),
        Column("return_next_session", pl.Float64, "next session, open to close", "fraction"),
    ),
    key=("ticker", "session_date"),
)  # fmt: skip

EVALUATION = Table(
    name="models/evaluation",
    grain="one row per candidate, predictor, fold and metric",
    known_at="known when the evaluation ends",
    columns=(
        Column("candidate_id", pl.String, "fingerprint of the evaluated candidate"),
        Column("predictor", pl.String, "candidate, or the name of a baseline"),
        Column("fold", pl.String, "number of the walk-forward fold, or all"),
        Column("metric", pl.String, "accuracy, mcc, auc, log_loss, rank_ic, ..."),
        Column("value", pl.Float64, "the metric out of sample", "as the metric", nullable=True),
        Column("lower", pl.Float64, "lower end of the day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("upper", pl.Float64, "upper end of the day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("row_count", pl.Int64, "predictions scored", "rows"),
        Column("session_count", pl.Int64, "sessions scored", "sessions"),
    ),
    key=("candidate_id", "predictor", "fold", "metric"),
)  # fmt: skip

DAILY_SIGNALS = Table(
    name="predictions/daily_signals",
    grain="one row per ticker and session",
    known_at="known at decision_at of the session, before the next session opens",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("decision_at", UTC, "when the signal was decided", "UTC"),
        Column("target_session_date", pl.Date, "the session that the signal is for", "date"),
        Column("origin", pl.String, "live, late (computed after the target session had opened) or "
               "walk_forward (what the recipe would have said)"),
        Column("probability_up", pl.Float64, "probability that the next session closes above "
               "its open", "probability"),
        Column("probability_lower", pl.Float64, "lower end of the 90 % calibration interval",
               "probability", nullable=True),
        Column("probability_upper", pl.Float64, "upper end of the 90 % calibration interval",
               "probability", nullable=True),
        Column("expected_return", pl.Float64, "predicted return of the next session", "fraction"),
        Column("rank", pl.Int32, "1 = strongest up signal of the session"),
        Column("reasons", pl.String, "the three features that moved the log-odds most, signed"),
        Column("is_proven", pl.Boolean, "whether the model passed the promotion gate"),
        Column("model_version", pl.String, "which model spoke"),
    ),
    key=("ticker", "session_date"),
    partition_column="session_date",
)  # fmt: skip

FEATURE_DRIFT = Table(
    name="monitoring/feature_drift",
    grain="one row per session and feature, and one (feature `all`) for the whole",
    known_at="known after decision_at of the session",
    columns=(
        Column("session_date", pl.Date, "the last of the recent sessions", "date"),
        Column("feature", pl.String, "the model input or prediction, or all"),
        Column("kind", pl.String, "technical, text, prediction or all"),
        Column("value", pl.Float64, "population stability index of the recent sessions against "
               "the reference; for all the share of drifted features; null where the reference is "
               "too short", "PSI or share", nullable=True),
        Column("limit", pl.Float64, "what the value must pass to count as drift", "as value",
               nullable=True),
        Column("ks", pl.Float64, "Kolmogorov-Smirnov distance, shown beside it, decides nothing",
               "0 to 1", nullable=True),
        Column("is_drifted", pl.Boolean, "whether the value passes its limit"),
        Column("recent_rows", pl.Int64, "rows of the recent sessions", "rows"),
        Column("reference_rows", pl.Int64, "rows of the reference", "rows"),
        Column("reference_from", pl.Date, "first session of the reference", "date"),
        Column("reference_to", pl.Date, "last session of the reference, inside the champion's "
               "training window", "date"),
        Column("model_version", pl.String, "the champion whose training window it is"),
    ),
    key=("session_date", "feature"),
)  # fmt: skip
