"""Feature assets made in Python; the text features are made by dbt, in fct_daily_features.

Belongs here: asset definitions. Does not belong here: formulas (domain.features).
https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.features.technical import (
    TECHNICAL_FEATURES,
    technical_frames,
)
from finpulse_assets.gateways.frame_stream import FrameStream
from finpulse_assets.orchestration.catalog import RESEARCH, definition_metadata, description
from finpulse_assets.orchestration.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.partitions import RunClock


@dg.asset(
    key_prefix="features",
    ins={
        "prices": dg.AssetIn(["raw", "prices"]),
        "corporate_actions": dg.AssetIn(["raw", "corporate_actions"]),
        "sessions": dg.AssetIn(["raw", "sessions"]),
        "tickers": dg.AssetIn(["raw", "tickers"]),
    },
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
    clock: dg.ResourceParam[RunClock],
):
    return FrameStream(
        technical_frames(
            prices, corporate_actions, sessions.collect(), as_of=clock.as_of, tickers=tickers
        )
    )
