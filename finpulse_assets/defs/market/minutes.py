"""The asset of one-minute bars.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.ingest.ingestion import bad_rows_check
from finpulse_assets.orchestration.ingest.minute_ingestion import load_minutes
from finpulse_assets.orchestration.run.clock import MONTHS, RunClock
from finpulse_assets.orchestration.run.resources import Sources
from finpulse_assets.schemas import BARS_1M
from finpulse_assets.settings import Settings


@dg.asset(
    key=["raw", "bars_1m"],
    ins={"sessions": dg.AssetIn(["raw", "sessions"])},
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="lake_bars_1m",
    group_name="market_data",
    kinds={"parquet", "polars"},
    owners=[MARKET_DATA],
    tags={"domain": "market"},
    description=description(
        BARS_1M, "One-minute bars with quotes where the source has them; empty without a source."
    ),
    metadata=definition_metadata(BARS_1M),
    check_specs=[bad_rows_check("raw", "bars_1m")],
)
def bars_1m(
    context: dg.AssetExecutionContext,
    sessions: pl.LazyFrame,
    sources: dg.ResourceParam[Sources],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[RunClock],
    settings: dg.ResourceParam[Settings],
):
    return load_minutes(
        sources.minutes,
        lake,
        context.partition_keys,
        clock=clock,
        sessions=sessions.collect(),
        max_bad_row_share=settings.max_bad_row_share,
    )
