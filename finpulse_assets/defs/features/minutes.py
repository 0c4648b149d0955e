"""The features of one-minute bars.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.features.minutes import MINUTE_FEATURES, minute_frames
from finpulse_assets.gateways.lake.frame_stream import FrameStream
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.memory import keep_freed_memory
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.schemas import BARS_1M


@dg.asset(
    key_prefix="features",
    ins={
        "corporate_actions": dg.AssetIn(["raw", "corporate_actions"]),
        "sessions": dg.AssetIn(["raw", "sessions"]),
        "tickers": dg.AssetIn(["raw", "tickers"]),
        "sources": dg.AssetIn(["raw", "sources"]),
    },
    deps=[["raw", "bars_1m"]],
    op_tags=ONCE,
    group_name="features",
    kinds={"polars", "talib"},
    owners=[RESEARCH],
    tags={"domain": "market"},
    description=description(
        MINUTE_FEATURES,
        "The technical features on the clock of minutes, by the same functions; without minute "
        "bars it has no rows.",
    ),
    metadata=definition_metadata(MINUTE_FEATURES),
)
def technical_1m(
    corporate_actions: pl.LazyFrame,
    sessions: pl.LazyFrame,
    tickers: pl.LazyFrame,
    sources: pl.LazyFrame,
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[RunClock],
):
    keep_freed_memory()
    return FrameStream(
        minute_frames(
            lake.read_or_empty(BARS_1M),
            corporate_actions,
            sessions.collect(),
            as_of=clock.as_of,
            tickers=tickers,
            sources=sources.collect(),
        )
    )
