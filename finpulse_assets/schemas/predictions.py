"""Tables of what models say, how good it was, and how far their inputs have moved."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import MODEL_VERSION, SESSION_DATE, TICKER, UTC

OUT_OF_SAMPLE = Table(
    name="models/out_of_sample_predictions",
    grain="one row per candidate, ticker, session of the walk-forward test folds and horizon",
    known_at="known at decision_at of the session, had the model been run then",
    columns=(
        Column("candidate", pl.String, "name of the candidate: a model, or a naive guess"),
        Column("candidate_id", pl.String, "identity of what made the row: the candidate's recipe, "
               "its training rows and what came out; a model of that id is fitted from it"),
        TICKER,
        SESSION_DATE,
        Column("horizon_sessions", pl.Int32, "how far ahead: 1 is the next session, open to "
               "close", "sessions"),
        Column("fold", pl.Int32, "walk-forward fold that tested the row"),
        Column("probability_up", pl.Float64, "predicted probability of an up move; null where the "
               "candidate states none", "probability", nullable=True),
        Column("score", pl.Float64, "orders the tickers of a session, highest first"),
        Column("predicts_up", pl.Boolean, "the predicted direction"),
        Column("expected_return", pl.Float64, "predicted return; null where the candidate states "
               "none", "fraction", nullable=True),
        Column("is_up", pl.Boolean, "whether the next session closed above its open"),
        Column("return_next_session", pl.Float64, "next session, open to close", "fraction"),
    ),
    key=("candidate", "ticker", "session_date", "horizon_sessions"),
)  # fmt: skip

FOLD_IMPORTANCE = Table(
    name="models/fold_importance",
    grain="one row per candidate that may be promoted, fold of the walk-forward and feature",
    known_at="known when the walk-forward ends",
    columns=(
        Column("candidate", pl.String, "name of the candidate"),
        Column("candidate_id", pl.String, "its identity, as in its out-of-sample predictions"),
        Column("fold", pl.Int32, "walk-forward fold whose fit is described"),
        Column("feature", pl.String, "the model input"),
        Column("gain_share", pl.Float64, "its share of the importance of all inputs in that fit; "
               "all shares of a fold add up to 1", "fraction"),
        Column("importance_rank", pl.Float64, "1 = the input with the largest share in that fit; "
               "equal shares have the mean of their ranks"),
    ),
    key=("candidate_id", "fold", "feature"),
)  # fmt: skip

EVALUATION = Table(
    name="models/evaluation",
    grain="one row per evaluated candidate, predictor, fold and metric",
    known_at="known when the evaluation ends",
    columns=(
        Column("candidate", pl.String, "name of the evaluated candidate"),
        Column("candidate_id", pl.String, "identity of the evaluated candidate, as in its "
               "out-of-sample predictions"),
        Column("predictor", pl.String, "who is scored: the candidate, or a baseline beside it"),
        Column("fold", pl.String, "number of the walk-forward fold, all, or recent: the last 40 "
               "sessions"),
        Column("metric", pl.String, "accuracy, rank_ic, market_ic, ..., or a lead over "
               "the predictor: accuracy_gain, rank_ic_gain"),
        Column("value", pl.Float64, "the metric out of sample", "as the metric", nullable=True),
        Column("lower", pl.Float64, "lower end of the day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("upper", pl.Float64, "upper end of the day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("lower_corrected", pl.Float64, "lower end that is corrected for the number of "
               "claims: what proves a skill lies above 0 there", "as the metric", nullable=True),
        Column("row_count", pl.Int64, "predictions scored", "rows"),
        Column("session_count", pl.Int64, "sessions scored", "sessions"),
        Column("claims", pl.Int32, "claims of skill that were tried at once", "claims"),
        Column("cost_bps", pl.Float64, "what a trade is taken to cost", "basis points of its size"),
    ),
    key=("candidate_id", "predictor", "fold", "metric"),
)  # fmt: skip

PROMOTION_HISTORY = Table(
    name="models/promotion",
    grain="one row per decision which model predicts, or that the champion has lost its proof",
    known_at="known at decided_at",
    columns=(
        Column("decision", pl.Int32, "ordinal of the decision, from 1; the last one is in force"),
        Column("decided_at", UTC, "as-of time of the run that decided", "UTC"),
        Column("candidate_id", pl.String, "the model that was judged"),
        Column("is_promoted", pl.Boolean, "whether it became the champion"),
        Column("is_proven", pl.Boolean, "whether it had proven skill"),
        Column("reasons", pl.String, "why, a sentence a line"),
        Column("champion_id", pl.String, "the model that predicts after the decision"),
        Column("champion_is_proven", pl.Boolean, "whether that model's signals are proven"),
        Column("champion_skills", pl.String, "what that model is proven to be able to, by name: "
               "ranking, market, text, after_costs; empty where nothing is"),
        Column("champion_rank_ic", pl.Float64, "its rank IC out of sample, or of the live record "
               "that cost it the proof", "correlation", nullable=True),
        Column("proven_since", UTC, "when its proof began; null without one", "UTC",
               nullable=True),
        Column("proof_lost_at", UTC, "when it lost its proof; null where it did not", "UTC",
               nullable=True),
    ),
    key=("decision",),
)  # fmt: skip

FEATURE_IMPORTANCE = Table(
    name="models/feature_importance",
    grain="one row per model input of the champion",
    known_at="known when the champion was fitted",
    columns=(
        Column("candidate_id", pl.String, "the champion"),
        Column("rank", pl.Int32, "1 = the input with the largest share"),
        Column("feature", pl.String, "the model input"),
        Column("is_text", pl.Boolean, "whether it is made of texts"),
        Column("gain_share", pl.Float64, "its share of what all splits of the trees have gained; "
               "all shares add up to 1", "fraction"),
    ),
    key=("feature",),
)  # fmt: skip

PREDICTED_AT = Column("predicted_at", UTC, "as-of time of the run that predicted", "UTC")

DAILY_SIGNALS = Table(
    name="predictions/daily_signals",
    grain="one row per ticker, session and predicted_at; a version is added, never overwritten",
    known_at="known at predicted_at",
    columns=(
        TICKER,
        SESSION_DATE,
        PREDICTED_AT,
        Column("decision_at", UTC, "when the session's signal is decided", "UTC"),
        Column("target_session_date", pl.Date, "the session that the signal is for", "date"),
        Column("origin", pl.String, "live, or late: predicted after the target session had opened"),
        Column("probability_up", pl.Float64, "probability that the next session closes above "
               "its open", "probability"),
        Column("probability_lower", pl.Float64, "lower end of the 90 % calibration interval",
               "probability", nullable=True),
        Column("probability_upper", pl.Float64, "upper end of the 90 % calibration interval",
               "probability", nullable=True),
        Column("expected_return", pl.Float64, "predicted return of the next session", "fraction"),
        Column("rank", pl.Int32, "1 = strongest up signal of the session and version"),
        Column("reasons", pl.String, "the three features that moved the log-odds most, signed"),
        Column("is_proven", pl.Boolean, "whether the champion had any proven skill at "
               "predicted_at"),
        Column("skills", pl.String, "which: ranking, market, text, after_costs; empty where none "
               "is proven, null in signals from before skills had names",
               nullable=True, came_later=True),
        Column("return_lower", pl.Float64, "lower end of the 90 % conformal band of the return; "
               "null where too few errors are known", "fraction", nullable=True, came_later=True),
        Column("return_upper", pl.Float64, "upper end of that band", "fraction", nullable=True,
               came_later=True),
        Column("return_p10", pl.Float64, "conformal 10 % quantile of the return; null as the band",
               "fraction", nullable=True, came_later=True),
        Column("return_p50", pl.Float64, "its median", "fraction", nullable=True, came_later=True),
        Column("return_p90", pl.Float64, "its 90 % quantile", "fraction", nullable=True,
               came_later=True),
        Column("expected_sentiment", pl.Float64, "predicted mean sentiment of the next session; "
               "null unless it was measured to be better than today's and than the mean",
               "-1 to 1", nullable=True, came_later=True),
        Column("abstain_reason", pl.String, "why it should not be acted on: model_expired, "
               "no_proven_skill, dissimilar (unlike the training rows) or contradiction; null "
               "where no reason is known", nullable=True, came_later=True),
        MODEL_VERSION,
    ),
    key=("ticker", "session_date", "predicted_at"),
    partition_column="session_date",
)  # fmt: skip

LIVE_SIGNALS = replace(
    DAILY_SIGNALS,
    name="predictions/live_signals",
    grain="one row per ticker: what the champion says of the session under way",
    key=("ticker",),
    partition_column=None,
)

OUTCOMES = Table(
    name="predictions/outcomes",
    grain="one row per live signal, by ticker, session and predicted_at, of which the target "
    "session has closed",
    known_at="known at matured_at",
    columns=(
        TICKER,
        SESSION_DATE,
        PREDICTED_AT,
        Column("is_current", pl.Boolean, "whether it is the last version before the target "
               "session opened, the one that counts"),
        Column("probability_up", pl.Float64, "what was predicted", "probability"),
        Column("expected_return", pl.Float64, "what was predicted", "fraction"),
        Column("predicts_up", pl.Boolean, "the predicted direction"),
        Column("is_up", pl.Boolean, "whether the target session closed above its open"),
        Column("return_next_session", pl.Float64, "target session, open to close", "fraction"),
        Column("is_proven", pl.Boolean, "whether the champion was proven at predicted_at"),
        MODEL_VERSION,
        Column("matured_at", UTC, "when the target session closed", "UTC"),
    ),
    key=("ticker", "session_date", "predicted_at"),
    partition_column="session_date",
)  # fmt: skip

LIVE_QUALITY = Table(
    name="monitoring/live_quality",
    grain="one row per last matured session, predictor and metric",
    known_at="known when the target session of session_date has closed",
    columns=(
        Column("session_date", pl.Date, "the last of the judged sessions", "date"),
        Column("first_session", pl.Date, "the first of the judged sessions", "date"),
        MODEL_VERSION,
        Column("predictor", pl.String, "champion, always_up or base_rate (the share of up moves "
               "in training)"),
        Column("metric", pl.String, "accuracy, mcc, rank_ic, market_ic, long_short_return, "
               "log_loss, accuracy_gain"),
        Column("value", pl.Float64, "the metric on matured predictions; accuracy_gain is the "
               "champion's accuracy minus the predictor's", "as the metric", nullable=True),
        Column("lower", pl.Float64, "lower end of the 95 % day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("upper", pl.Float64, "upper end of the 95 % day-block bootstrap interval",
               "as the metric", nullable=True),
        Column("row_count", pl.Int64, "predictions scored", "rows"),
        Column("session_count", pl.Int64, "sessions scored", "sessions"),
    ),
    key=("session_date", "predictor", "metric"),
)  # fmt: skip

TEXT_DRIFT = Table(
    name="monitoring/text_drift",
    grain="one row per session",
    known_at="known after decision_at of the session",
    columns=(
        Column("session_date", pl.Date, "the last of the recent sessions", "date"),
        Column("auc", pl.Float64, "how well a classifier tells recent texts from those of the "
               "reference, on sessions that it has not seen; null where too few to judge",
               "0.5 is chance", nullable=True),
        Column("auc_limit", pl.Float64, "what the AUC must pass to count as drift", "as auc",
               nullable=True),
        Column("mmd", pl.Float64, "maximum mean discrepancy of the two, Gaussian kernel",
               "0 to 1.4", nullable=True),
        Column("mmd_p_value", pl.Float64, "share of random draws of as many sessions whose MMD is "
               "as large", "0 to 1", nullable=True),
        Column("is_drifted", pl.Boolean, "whether the AUC passes its limit and the p-value is at "
               "most 0.01"),
        Column("recent_texts", pl.Int64, "texts of the recent sessions that were looked at",
               "texts"),
        Column("reference_texts", pl.Int64, "texts of the reference that were looked at", "texts"),
        Column("reference_from", pl.Date, "first session of the reference", "date", nullable=True),
        Column("reference_to", pl.Date, "last session of the reference, inside the champion's "
               "training window", "date", nullable=True),
        Column("vectors", pl.String, "what the texts were compared by: bag of words, or the model "
               "of the embeddings"),
        Column("model_version", pl.String, "the champion whose training window it is"),
    ),
    key=("session_date",),
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
