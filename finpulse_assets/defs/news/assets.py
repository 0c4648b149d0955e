"""News assets: tweets and headlines, each assigned to the session that it counts for.

https://docs.dagster.io/guides/build/assets
"""

from typing import Literal

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.ingestion.deliveries import accept_texts
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.automation.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.ingest.ingestion import bad_rows_check, deliver
from finpulse_assets.orchestration.run.clock import MONTHS, RunClock
from finpulse_assets.orchestration.run.resources import Sources
from finpulse_assets.schemas import HEADLINES, TWEETS
from finpulse_assets.settings import Settings


def _text_asset(
    kind: Literal["tweets", "headlines"], table: Table, sentence: str
) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", kind],
        ins={
            "sessions": dg.AssetIn(["raw", "sessions"]),
            "tickers": dg.AssetIn(["raw", "tickers"]),
        },
        partitions_def=MONTHS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"lake_{kind}",
        group_name="news",
        kinds={"parquet", "polars"},
        owners=[MARKET_DATA],
        tags={"domain": "news"},
        description=description(table, sentence),
        metadata=definition_metadata(table),
        freshness_policy=DATA_FRESHNESS,
        check_specs=[bad_rows_check("raw", kind)],
    )
    def texts(
        context: dg.AssetExecutionContext,
        sessions: pl.LazyFrame,
        tickers: pl.LazyFrame,
        sources: dg.ResourceParam[Sources],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[RunClock],
        settings: dg.ResourceParam[Settings],
    ):
        window = clock.window(context.partition_keys)
        delivery = accept_texts(
            table,
            sources.texts.texts(kind, *window),
            existing=lake.read_or_empty(table),
            coverage=lake.coverage(table),
            sessions=sessions.collect(),
            tickers=tickers.select("ticker").unique().collect()["ticker"].to_list(),
            as_of=clock.as_of,
            window=window,
        )
        return deliver(table, delivery, lake, settings.max_bad_row_share)

    return texts


tweets = _text_asset("tweets", TWEETS, "Tweets that name a ticker, raw text, every version kept.")
headlines = _text_asset("headlines", HEADLINES, "News headlines about a ticker, as tweets.")
