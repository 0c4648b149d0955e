"""Tables of the service's ledger: what it answered, what came of it, and what was reported to."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import MODEL_VERSION, UTC

LEDGER = Table(
    name="predictions/ledger",
    grain="one row per answer of the prediction service, and per scoring of a challenger beside it",
    known_at="known at answered_at",
    columns=(
        Column("prediction_id", pl.String, "the answer's own name, ordered by time"),
        Column("answered_at", UTC, "when it was answered", "UTC"),
        Column("ticker", pl.String, "exchange symbol, null for a feature row", nullable=True),
        Column("predicts_up", pl.Boolean, "the predicted direction"),
        Column("probability_up", pl.Float64, "probability that the next session closes above "
               "its open", "probability"),
        Column("expected_return", pl.Float64, "predicted return of the next session", "fraction"),
        Column("as_of", UTC, "decision time of the features, null for a feature row", "UTC",
               nullable=True),
        Column("target_session_date", pl.Date, "the session that is predicted, null for a feature "
               "row", "date", nullable=True),
        Column("abstain", pl.Boolean, "whether acting on it was advised against"),
        Column("abstain_reasons", pl.String, "why, every reason, by comma"),
        MODEL_VERSION,
        Column("bundle", pl.String, "id of the bundle that answered"),
        Column("latency_ms", pl.Float64, "from the request's head to the answer", "ms"),
        Column("features", pl.String, "the feature row asked with, JSON; null for a symbol",
               nullable=True),
        Column("answer", pl.String, "what was sent, JSON"),
        Column("entry_hash", pl.String, "sha256 that binds it to the entry before, hexadecimal"),
        Column("shadow_of", pl.String, "of a challenger that was scored and never answered: the "
               "answer beside it; null for what was sent", nullable=True, came_later=True),
    ),
    key=("prediction_id",),
    partition_column="answered_at",
)  # fmt: skip

REPORTED_OUTCOMES = Table(
    name="predictions/reported_outcomes",
    grain="one row per report of what came of a prediction; of several the last one counts",
    known_at="known at reported_at",
    columns=(
        Column("prediction_id", pl.String, "the answer in predictions/ledger"),
        Column("reported_at", UTC, "when it was reported", "UTC"),
        Column("return_next_session", pl.Float64, "target session, open to close, as reported",
               "fraction"),
        Column("reported_by", pl.String, "name of the key that reported it; empty where the "
               "service has none"),
        Column("entry_hash", pl.String, "sha256 that binds it to the entry before, hexadecimal"),
    ),
    key=("entry_hash",),
    partition_column="reported_at",
)  # fmt: skip

ANSWER_OUTCOMES = Table(
    name="predictions/answer_outcomes",
    grain="one row per answer for a symbol, and per scoring of a challenger beside it, of which "
    "the target session has closed",
    known_at="known at matured_at",
    columns=(
        Column("prediction_id", pl.String, "the answer in predictions/ledger"),
        Column("answered_at", UTC, "when it was answered", "UTC"),
        Column("ticker", pl.String, "exchange symbol"),
        Column("target_session_date", pl.Date, "the session that was predicted", "date"),
        Column("shadow_of", pl.String, "of a challenger that was scored and never answered: the "
               "answer beside it; null for what was sent", nullable=True),
        MODEL_VERSION,
        Column("is_late", pl.Boolean, "whether it was answered after the session had opened; such "
               "answers abstain, and count for nothing"),
        Column("abstain", pl.Boolean, "whether acting on it was advised against"),
        Column("probability_up", pl.Float64, "what was predicted", "probability"),
        Column("expected_return", pl.Float64, "what was predicted", "fraction"),
        Column("predicts_up", pl.Boolean, "the predicted direction"),
        Column("is_up", pl.Boolean, "whether the target session closed above its open"),
        Column("return_next_session", pl.Float64, "target session, open to close, by the lake's "
               "prices", "fraction"),
        Column("matured_at", UTC, "when the target session closed", "UTC"),
        Column("reported_return", pl.Float64, "the last report of it; null without one", "fraction",
               nullable=True),
        Column("is_disputed", pl.Boolean, "whether that report is more than a basis point off the "
               "lake's prices; null without one", nullable=True),
    ),
    key=("prediction_id",),
    partition_column="answered_at",
)  # fmt: skip
