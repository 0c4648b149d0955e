"""Online features: the newest row of features of every ticker, as a service reads them.

The table's contract, picking the rows, and the name of a set of features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.registry import FEATURES, feature_names
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import SESSION_DATE, TICKER, UTC

ONLINE_FEATURES = Table(
    name="serving/online_features",
    grain="one row per ticker: its newest session with features",
    known_at="known at decision_at of the session",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("decision_at", UTC, "when the features are complete and a signal is due", "UTC"),
        Column("delisted_date", pl.Date, "last session before delisting, null while listed",
               "date", nullable=True),
        Column("close", pl.Float64, "last price of the session, as it was traded; null where the "
               "bar was taken back", "USD", nullable=True),
        Column("feature_view", pl.String, "sha256 of the ordered feature names, hexadecimal"),
        *(Column(feature.name, pl.Float64, feature.formula, feature.unit, nullable=True)
          for feature in FEATURES),
    ),
    key=("ticker",),
)  # fmt: skip

LIVE_FEATURES = replace(
    ONLINE_FEATURES,
    name="serving/live_features",
    grain="one row per ticker: the session under way, as far as its texts are known",
    known_at="known when it was published; decision_at, when the row will be final, lies ahead",
)


def feature_view(names: Iterable[str]) -> str:
    """Return the name of an ordered set of features: equal names mean equal model inputs.

    >>> feature_view(["return_1d", "rsi_14"]) == feature_view(["rsi_14", "return_1d"])
    False
    """
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def latest_features(
    features: pl.DataFrame, tickers: pl.DataFrame, closes: pl.DataFrame
) -> pl.DataFrame:
    """Return the newest features of every ticker, the delisted marked.

    Args:
        features: fct_daily_features: ticker, session_date, decision_at and every feature.
        tickers: `schemas.TICKERS`; a ticker that was listed again, or has changed its sector,
            counts by the last row that holds by then.
        closes: ticker, session_date and close as it was traded, of the newest sessions at least.

    Returns:
        A frame in the columns of `ONLINE_FEATURES`, by ticker.

    Raises:
        EvaluationError: there are no features.
    """
    if features.is_empty():
        raise EvaluationError(
            "there are no features to publish, fct_daily_features has 0 rows",
            hint="check that the price source reaches the as-of time",
        )
    newest = features["session_date"].max()
    known = tickers.filter(pl.col("valid_from") <= newest)
    listing = known.sort("valid_from").group_by("ticker").agg(pl.col("valid_to").last())
    ended = pl.col("valid_to") < newest  # a delisting that lies ahead is not known yet
    rows = features.sort("session_date").group_by("ticker").last().join(listing, "ticker", "left")
    rows = rows.join(closes, ["ticker", "session_date"], "left")
    values = pl.col(feature_names()).cast(pl.Float64)
    return ONLINE_FEATURES.enforce(
        rows.with_columns(
            pl.when(values.is_finite()).then(values),  # JSON has neither NaN nor infinity
            delisted_date=pl.when(ended).then("valid_to"),
            feature_view=pl.lit(feature_view(feature_names())),
        ).select(ONLINE_FEATURES.column_names)
    )
