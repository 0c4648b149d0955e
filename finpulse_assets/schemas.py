"""Table contracts: for every table its columns, dtypes, units, meaning, key and grain.

Belongs here: what a table is, as data, and the one function that holds a frame to it. Does not
belong here: how a table is made (domain), where it lies (gateways.lake) or how Dagster shows it
(orchestration.catalog).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from finpulse_assets.errors import SchemaError

UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Column:
    """One column: its dtype, what it means, its unit ("" for none) and whether null is allowed."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `name` is its asset key and its folder in the lake ("raw/prices").

    `partition_column` names the UTC time or the date whose New York month decides the partition;
    None for a table kept in one file.
    """

    name: str
    grain: str
    known_at: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_column: str | None = None
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def polars_schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows in this table's columns and dtypes."""
        return pl.DataFrame(schema=self.polars_schema)

    def enforce(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` in this table's column order and dtypes, sorted by its key.

        Sorting makes equal content equal bytes, whatever the order of arrival.

        Raises:
            SchemaError: a column is missing or extra, a value does not fit its dtype, a column
                that must be full has nulls, or two rows share a key.

        >>> SESSIONS.enforce(pl.DataFrame({"session_date": []}))
        Traceback (most recent call last):
        ...
        finpulse_assets.errors.SchemaError: raw/sessions lacks the columns session_index, ...
        """
        self._check_columns(frame)
        self._check_whole_numbers(frame)
        try:
            frame = frame.select(pl.col(c.name).cast(c.dtype, strict=True) for c in self.columns)
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"{self.name} has a value of another type: {error}") from error
        self._check_nulls(frame)
        self._check_key(frame)
        return frame.sort(self.key)

    def _check_columns(self, frame: pl.DataFrame) -> None:
        missing = [name for name in self.column_names if name not in frame.columns]
        extra = [name for name in frame.columns if name not in self.by_name]
        if missing:
            raise SchemaError(
                f"{self.name} lacks the columns {', '.join(missing)}",
                hint=f"it has {', '.join(frame.columns)}",
            )
        if extra:
            raise SchemaError(
                f"{self.name} has columns outside its contract: {', '.join(extra)}",
                hint="add them to schemas.py with a meaning, or drop them",
            )

    def _check_whole_numbers(self, frame: pl.DataFrame) -> None:
        """Refuse fractions in a column of integers: a cast would cut them off without a word."""
        for column in self.columns:
            values = frame[column.name]
            if column.dtype.is_integer() and values.dtype.is_float() and (values % 1 != 0).any():
                raise SchemaError(
                    f"{self.name} has a value of another type: {column.name} is "
                    f"{values.filter(values % 1 != 0)[0]}, it should be a whole number"
                )

    def _check_nulls(self, frame: pl.DataFrame) -> None:
        full = [column.name for column in self.columns if not column.nullable]
        counts = frame.select(pl.col(full).null_count()).row(0) if full else ()
        holes = [f"{name} ({count})" for name, count in zip(full, counts, strict=True) if count]
        if holes:
            raise SchemaError(f"{self.name} has nulls where none may be: {', '.join(holes)}")

    def _check_key(self, frame: pl.DataFrame) -> None:
        twice = frame.filter(pl.struct(self.key).is_duplicated())
        if twice.height:
            example = twice.select(self.key).row(0)
            raise SchemaError(
                f"{self.name} has {twice.height} rows that share a key ({', '.join(self.key)}), "
                f"for example {example}"
            )


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
        Column("origin", pl.String, "live, or walk_forward (what the recipe would have said)"),
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
