"""Table contracts: for every table its columns, dtypes, units, meaning, key and grain."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table

UTC = pl.Datetime("us", "UTC")

TICKER = Column("ticker", pl.String, "exchange symbol, upper case, class shares with a dash")
SESSION_DATE = Column("session_date", pl.Date, "trading day of XNYS", "date")
EVENT_TIME = Column("event_time", UTC, "when it happened", "UTC")
KNOWLEDGE_TIME = Column("knowledge_time", UTC, "when we had it", "UTC")

SESSIONS = Table(
    name="raw/sessions",
    grain="one row per session of XNYS",
    known_at="known years ahead: the exchange publishes its calendar",
    columns=(
        SESSION_DATE,
        Column("session_index", pl.Int32, "ordinal of the session, 0 = 2000-01-03", "sessions"),
        Column("open_at", UTC, "opening auction", "UTC"),
        Column("close_at", UTC, "closing auction, early on half-days", "UTC"),
        Column("decision_at", UTC, "when the session's signal is decided, after its close", "UTC"),
        Column("next_session_date", pl.Date, "the session that the signal is for", "date"),
        Column("is_half_day", pl.Boolean, "whether the session closes early"),
    ),
    key=("session_date",),
)

TICKERS = Table(
    name="raw/tickers",
    grain="one row per ticker and first day of validity",
    known_at="known at valid_from",
    columns=(
        TICKER,
        Column("company", pl.String, "company name", nullable=True),
        Column("sector", pl.String, "sector as the source names it", nullable=True),
        Column("valid_from", pl.Date, "first session with a bar", "date"),
        Column("valid_to", pl.Date, "last session before delisting, null while listed", "date",
               nullable=True),
    ),
    key=("ticker", "valid_from"),
)  # fmt: skip


def _texts(name: str, what: str) -> Table:
    return Table(
        name=name,
        grain=f"one row per {what}, ticker and knowledge time (an edit or a late copy adds a row)",
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
            Column("source", pl.String, "which source delivered it"),
        ),
        key=("text_id", "ticker", "knowledge_time"),
        partition_column="knowledge_time",
    )  # fmt: skip


TWEETS = _texts("raw/tweets", "tweet")
HEADLINES = _texts("raw/headlines", "headline")

PRICE_BASES = ("unadjusted", "split_adjusted", "total_return")

PRICES = Table(
    name="raw/prices",
    grain="one row per ticker, session and knowledge time (a correction adds a row)",
    known_at="known at knowledge_time, the close unless the source delivered later",
    columns=(
        TICKER,
        SESSION_DATE,
        EVENT_TIME,
        KNOWLEDGE_TIME,
        Column("open", pl.Float64, "first price of the session", "USD"),
        Column("high", pl.Float64, "highest price of the session", "USD"),
        Column("low", pl.Float64, "lowest price of the session", "USD"),
        Column("close", pl.Float64, "last price of the session", "USD"),
        Column("volume_shares", pl.Int64, "shares traded", "shares"),
        Column("price_basis", pl.String,
               "what the source already adjusted: unadjusted, split_adjusted or total_return"),
        Column("source", pl.String, "which source delivered it"),
    ),
    key=("ticker", "session_date", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip

CORPORATE_ACTIONS = Table(
    name="raw/corporate_actions",
    grain="one row per ticker, ex-date, kind and knowledge time",
    known_at="known at knowledge_time, the open of the ex-date unless the source says otherwise",
    columns=(
        TICKER,
        Column("ex_date", pl.Date, "first session that trades without the right", "date"),
        Column("kind", pl.String, "split or dividend"),
        Column("value", pl.Float64, "new shares per old share, or USD per share", "ratio or USD"),
        EVENT_TIME,
        KNOWLEDGE_TIME,
        Column("source", pl.String, "which source delivered it"),
    ),
    key=("ticker", "ex_date", "kind", "knowledge_time"),
    partition_column="knowledge_time",
)

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

BARS_1M = Table(
    name="raw/bars_1m",
    grain="one row per ticker and minute with a bar (a minute without one is absent, never filled)",
    known_at="known at known_at, the end of the minute",
    columns=(
        TICKER,
        Column("session_date", pl.Date,
               "first session whose decision time is later than known_at", "date"),
        Column("bar_at", UTC, "start of the minute", "UTC"),
        Column("known_at", UTC, "end of the minute: nothing of the bar is known before", "UTC"),
        Column("open", pl.Float64, "first price of the minute", "USD"),
        Column("high", pl.Float64, "highest price of the minute", "USD"),
        Column("low", pl.Float64, "lowest price of the minute", "USD"),
        Column("close", pl.Float64, "last price of the minute", "USD"),
        Column("volume", pl.Float64, "traded in the minute, as the source counts it", "units"),
        Column("bid", pl.Float64, "best bid at the end of the minute; null without quotes", "USD",
               nullable=True),
        Column("ask", pl.Float64, "best ask at the end of the minute; null without quotes", "USD",
               nullable=True),
        Column("bid_size", pl.Float64, "offered to buy at the bid; null without quotes", "units",
               nullable=True),
        Column("ask_size", pl.Float64, "offered for sale at the ask; null without quotes", "units",
               nullable=True),
        Column("price_basis", pl.String,
               "what the source already adjusted: unadjusted, split_adjusted or total_return"),
        Column("source", pl.String, "which source delivered it"),
    ),
    key=("ticker", "bar_at"),
    partition_column="bar_at",
)  # fmt: skip
