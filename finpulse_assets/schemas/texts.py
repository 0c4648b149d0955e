"""Tables of texts and their scores, and of rows that were refused."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import (
    EVENT_TIME,
    KNOWLEDGE_TIME,
    SESSION_DATE,
    SOURCE,
    TICKER,
    UTC,
)


def _texts(name: str, what: str) -> Table:
    return Table(
        name=name,
        grain=f"one row per source, {what}, ticker and knowledge time (an edit or a late copy adds "
        "a row)",
        known_at="known at knowledge_time",
        columns=(
            Column("text_id", pl.String, f"the source's own id of the {what}"),
            TICKER,
            EVENT_TIME,
            KNOWLEDGE_TIME,
            Column("session_date", pl.Date,
                   "first session whose decision time is later than knowledge_time", "date"),
            Column("text", pl.String, "as the source gave it, at most 10,000 characters"),
            Column("text_hash", pl.String, "sha256 of the normalised text, hexadecimal"),
            Column("author", pl.String, "who wrote it, as the source names them", nullable=True),
            Column("is_retweet", pl.Boolean, "whether it repeats another's text"),
            Column("retweet_count", pl.Int64, "times repeated, at knowledge_time", "count",
                   nullable=True),
            Column("like_count", pl.Int64, "likes at knowledge_time", "count", nullable=True),
            SOURCE,
        ),
        key=("source", "text_id", "ticker", "knowledge_time"),
        partition_column="knowledge_time",
    )  # fmt: skip


TWEETS = _texts("raw/tweets", "tweet")
HEADLINES = _texts("raw/headlines", "headline")

TEXT_SENTIMENT = Table(
    name="scored/text_sentiment",
    grain="one row per distinct normalised text and month",
    known_at="known minutes after the text, by one forward pass",
    columns=(
        Column("text_hash", pl.String, "sha256 of the normalised text, hexadecimal"),
        Column("first_known_at", UTC, "first knowledge time of the text in this month", "UTC"),
        Column("p_positive", pl.Float64, "probability of a positive opinion", "probability"),
        Column("p_negative", pl.Float64, "probability of a negative opinion", "probability"),
        Column("p_neutral", pl.Float64, "probability of no opinion", "probability"),
        Column("score", pl.Float64, "p_positive - p_negative", "-1 to 1"),
        Column("vader_score", pl.Float64, "VADER's compound score, a baseline only", "-1 to 1"),
        Column("is_truncated", pl.Boolean, "whether the text was longer than the model reads"),
        Column("model_fingerprint", pl.String, "sha256 of weights, tokenizer and settings"),
    ),
    key=("text_hash", "first_known_at"),
    partition_column="first_known_at",
)

SENTIMENT_LEADERBOARD = Table(
    name="models/sentiment_leaderboard",
    grain="one row per model, labelled set and metric",
    known_at="known when the sentiment models are there, before the first text is scored",
    columns=(
        Column("model", pl.String, "name of the model, VADER, or the companion of a model"),
        Column("labelled_set", pl.String, "name of the labelled set"),
        Column("metric", pl.String, "accuracy, macro_f1, weighted_f1, log_loss, "
               "calibration_error, or how many texts of one label were called another"),
        Column("value", pl.Float64, "the metric", "as the metric", nullable=True),
        Column("lower", pl.Float64, "lower end of the 95 % bootstrap interval", "as the metric",
               nullable=True),
        Column("upper", pl.Float64, "upper end of the 95 % bootstrap interval", "as the metric",
               nullable=True),
        Column("row_count", pl.Int64, "texts of the set's dev part", "texts"),
        Column("seen_count", pl.Int64, "of them, texts that the model or a copy was trained on; "
               "null where the model does not say", "texts", nullable=True),
    ),
    key=("model", "labelled_set", "metric"),
)  # fmt: skip

TEXT_TRAITS = Table(
    name="scored/text_traits",
    grain="one row per distinct normalised text and session that it counts for",
    known_at="known with the text: nothing that came later is in it",
    columns=(
        Column("text_hash", pl.String, "sha256 of the normalised text, hexadecimal"),
        SESSION_DATE,
        Column("first_known_at", UTC, "first knowledge time of the text for this session", "UTC"),
        Column("language", pl.String, "ISO 639-1 code, und for a text without letters"),
        Column("is_counted", pl.Boolean, "whether features count texts of the language "
               "(FINPULSE_LANGUAGES)"),
        Column("group_hash", pl.String, "text_hash of the first of its near copies, at most 7 days "
               "before the session; its own without any"),
        Column("cashtag_count", pl.Int64, "distinct cashtags in the text", "tickers"),
    ),
    key=("text_hash", "session_date"),
    partition_column="first_known_at",
)  # fmt: skip

DEVICE_COMPARISON = Table(
    name="models/device_comparison",
    grain="one row per device, dtype, batch and length of texts",
    known_at="known when it was measured, on request",
    columns=(
        Column("device", pl.String, "cpu or cuda"),
        Column("dtype", pl.String, "numbers of the forward pass"),
        Column("batch_texts", pl.Int64, "texts a batch", "count"),
        Column("text_tokens", pl.Int64, "tokens a text", "count"),
        Column("texts_per_second", pl.Float64, "tokenising included, fastest pass", "texts/s"),
        Column("tokens_per_second", pl.Float64, "the same in tokens", "tokens/s"),
        Column("peak_teraflops", pl.Float64,
               "what one large matrix multiplication reaches in this dtype", "10^12/s"),
        Column("peak_share", pl.Float64,
               "share of that peak which the multiplications of the model reach", "0 to 1"),
        Column("cost_per_million_texts", pl.Float64,
               "at FINPULSE_DEVICE_PRICE_PER_HOUR, null where it is unset",
               "currency of the price", nullable=True),
        Column("model", pl.String, "name of the sentiment model"),
    ),
    key=("device", "dtype", "batch_texts", "text_tokens"),
)  # fmt: skip

QUARANTINE = Table(
    name="quarantine",
    grain="one row per rejected row of a delivery",
    known_at="known at first_seen_at",
    columns=(
        Column("row_hash", pl.String, "sha256 of row_json, hexadecimal"),
        Column("reason", pl.String, "why the row was refused"),
        Column("row_json", pl.String, "the row as delivered, JSON, cut at 2,000 characters"),
        Column("first_seen_at", UTC, "as-of time of the run that first refused it", "UTC"),
    ),
    key=("row_hash",),
)
