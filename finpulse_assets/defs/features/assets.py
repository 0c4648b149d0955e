"""Feature assets made in Python; the text features are made by dbt, in fct_daily_features.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.audit.quality import FEATURE_PROFILE, moved, profile
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.features.technical import (
    TECHNICAL_FEATURES,
    technical_frames,
)
from finpulse_assets.gateways.lake.frame_stream import FrameStream
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.feature_audit import read_features
from finpulse_assets.orchestration.automation.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.memory import keep_freed_memory
from finpulse_assets.orchestration.run.once import ONCE


@dg.asset(
    key_prefix="features",
    ins={
        "prices": dg.AssetIn(["raw", "prices"]),
        "corporate_actions": dg.AssetIn(["raw", "corporate_actions"]),
        "sessions": dg.AssetIn(["raw", "sessions"]),
        "tickers": dg.AssetIn(["raw", "tickers"]),
        "sources": dg.AssetIn(["raw", "sources"]),
    },
    op_tags=ONCE,
    group_name="features",
    kinds={"polars", "talib"},
    owners=[RESEARCH],
    tags={"domain": "market"},
    description=description(
        TECHNICAL_FEATURES,
        "Scale-free features of adjusted daily bars; null before a feature's warm-up.",
    ),
    metadata=definition_metadata(TECHNICAL_FEATURES),
    freshness_policy=DATA_FRESHNESS,
)
def technical(
    prices: pl.LazyFrame,
    corporate_actions: pl.LazyFrame,
    sessions: pl.LazyFrame,
    tickers: pl.LazyFrame,
    sources: pl.LazyFrame,
    clock: dg.ResourceParam[RunClock],
):
    keep_freed_memory()
    return FrameStream(
        technical_frames(
            prices,
            corporate_actions,
            sessions.collect(),
            as_of=clock.as_of,
            tickers=tickers,
            sources=sources.collect(),
        )
    )


class ProfileConfig(dg.Config):
    """Whether a build whose features are spread otherwise replaces the accepted one."""

    accept: bool = False


@dg.asset(
    key_prefix="monitoring",
    deps=[DAILY_FEATURES],
    pool="duckdb",
    op_tags=ONCE,
    group_name="monitoring",
    kinds={"polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        FEATURE_PROFILE,
        "Missing share, spread, outliers and deciles of every feature, against which the next "
        "build is checked. A build that has moved is not taken until it is accepted (accept=true).",
    ),
    metadata=definition_metadata(FEATURE_PROFILE),
)
def feature_profile(
    config: ProfileConfig, warehouse: dg.ResourceParam[Warehouse], lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    features, accepted = read_features(warehouse), lake.read_or_empty(FEATURE_PROFILE).collect()
    troubles = [] if config.accept else moved(features, FEATURES, accepted)
    profiled = profile(features, FEATURES)
    return dg.MaterializeResult(
        value=accepted if troubles else profiled,
        metadata={
            "moved_features": len(troubles),
            "accepted": not troubles,
            "largest_missing_share": profiled["missing_share"].max(),
        },
    )
