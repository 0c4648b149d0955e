"""Table contracts: for every table its columns, dtypes, units, meaning, key and grain."""

from __future__ import annotations

from finpulse_assets.schemas.columns import (
    EVENT_TIME,
    KNOWLEDGE_TIME,
    SESSION_DATE,
    SOURCE,
    SYMBOL,
    TICKER,
    UTC,
)
from finpulse_assets.schemas.market import (
    BARS_1M,
    CORPORATE_ACTIONS,
    OHLC,
    PRICE_BASES,
    PRICES,
    SESSIONS,
    TICKERS,
)
from finpulse_assets.schemas.predictions import (
    DAILY_SIGNALS,
    EVALUATION,
    FEATURE_DRIFT,
    FEATURE_IMPORTANCE,
    LIVE_QUALITY,
    OUT_OF_SAMPLE,
    OUTCOMES,
    PROMOTION_HISTORY,
)
from finpulse_assets.schemas.sources import (
    COVERAGE,
    KINDS,
    RAW_TABLES,
    SOURCES,
    TEXT_KINDS,
    Kind,
    requests_table,
    source_table,
)
from finpulse_assets.schemas.texts import (
    HEADLINES,
    QUARANTINE,
    SENTIMENT_LEADERBOARD,
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TWEETS,
)

__all__ = [
    "BARS_1M",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "DAILY_SIGNALS",
    "EVALUATION",
    "EVENT_TIME",
    "FEATURE_DRIFT",
    "FEATURE_IMPORTANCE",
    "HEADLINES",
    "KINDS",
    "KNOWLEDGE_TIME",
    "LIVE_QUALITY",
    "OHLC",
    "OUTCOMES",
    "OUT_OF_SAMPLE",
    "PRICES",
    "PRICE_BASES",
    "PROMOTION_HISTORY",
    "QUARANTINE",
    "RAW_TABLES",
    "SENTIMENT_LEADERBOARD",
    "SESSIONS",
    "SESSION_DATE",
    "SOURCE",
    "SOURCES",
    "SYMBOL",
    "TEXT_KINDS",
    "TEXT_SENTIMENT",
    "TEXT_TRAITS",
    "TICKER",
    "TICKERS",
    "TWEETS",
    "UTC",
    "Kind",
    "requests_table",
    "source_table",
]
