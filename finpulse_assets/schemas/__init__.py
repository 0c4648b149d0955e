"""Table contracts: for every table its columns, dtypes, units, meaning, key and grain."""

from __future__ import annotations

from finpulse_assets.schemas.columns import (
    EVENT_TIME,
    KNOWLEDGE_TIME,
    SESSION_DATE,
    SOURCE,
    TICKER,
    UTC,
)
from finpulse_assets.schemas.market import (
    BARS_1M,
    CORPORATE_ACTIONS,
    PRICE_BASES,
    PRICES,
    SESSIONS,
    TICKERS,
)
from finpulse_assets.schemas.predictions import (
    DAILY_SIGNALS,
    EVALUATION,
    FEATURE_DRIFT,
    LIVE_QUALITY,
    OUT_OF_SAMPLE,
    OUTCOMES,
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
    DEVICE_COMPARISON,
    HEADLINES,
    QUARANTINE,
    TEXT_SENTIMENT,
    TWEETS,
)

__all__ = [
    "BARS_1M",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "DAILY_SIGNALS",
    "DEVICE_COMPARISON",
    "EVALUATION",
    "EVENT_TIME",
    "FEATURE_DRIFT",
    "HEADLINES",
    "KINDS",
    "KNOWLEDGE_TIME",
    "LIVE_QUALITY",
    "OUTCOMES",
    "OUT_OF_SAMPLE",
    "PRICES",
    "PRICE_BASES",
    "QUARANTINE",
    "RAW_TABLES",
    "SESSIONS",
    "SESSION_DATE",
    "SOURCE",
    "SOURCES",
    "TEXT_KINDS",
    "TEXT_SENTIMENT",
    "TICKER",
    "TICKERS",
    "TWEETS",
    "UTC",
    "Kind",
    "requests_table",
    "source_table",
]
