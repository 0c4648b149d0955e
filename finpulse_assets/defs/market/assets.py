"""Market data assets: sessions, tickers, daily bars, corporate actions.

https://docs.dagster.io/guides/build/assets
"""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.ingestion.deliveries import Delivery, accept_actions, accept_prices
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.automation.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.ingest.ingestion import bad_rows_check, deliver
from finpulse_assets.orchestration.run.clock import MONTHS, RunClock
from finpulse_assets.orchestration.run.resources import FIRST_DAY, Sources
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, SESSIONS, TICKERS
from finpulse_assets.settings import Settings

# Two weeks ahead hold the next session, whatever holidays lie between.
CALENDAR_AHEAD = timedelta(days=14)


@dg.asset(
    key_prefix="raw",
    group_name="market_data",
    kinds={"polars"},
    owners=[MARKET_DATA],
    tags={"domain": "market"},
    description=description(SESSIONS, "Trading days of the New York Stock Exchange."),
    metadata=definition_metadata(SESSIONS),
)
def sessions(
    clock: dg.ResourceParam[RunClock], settings: dg.ResourceParam[Settings]
) -> pl.DataFrame:
    return build_sessions(
        FIRST_DAY,
        clock.as_of.date() + CALENDAR_AHEAD,
        decision_delay=timedelta(minutes=settings.decision_delay_minutes),
    )


@dg.asset(
    key_prefix="raw",
    group_name="market_data",
    kinds={"polars"},
    owners=[MARKET_DATA],
    tags={"domain": "market"},
    description=description(TICKERS, "Symbols that the price source knows."),
    metadata=definition_metadata(TICKERS),
)
def tickers(sources: dg.ResourceParam[Sources]) -> pl.DataFrame:
    return sources.prices.tickers()


def _delivered_asset(
    name: str, table: Table, accept: Callable[..., Delivery], sentence: str, **options: object
) -> dg.AssetsDefinition:
    """Return the asset of a table that the price source delivers under the method `name`."""

    @dg.asset(
        key=["raw", name],
        ins={"sessions": dg.AssetIn(["raw", "sessions"])},
        partitions_def=MONTHS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"lake_{name}",
        group_name="market_data",
        kinds={"parquet", "polars"},
        owners=[MARKET_DATA],
        tags={"domain": "market"},
        description=description(table, sentence),
        metadata=definition_metadata(table),
        check_specs=[bad_rows_check("raw", name)],
        **options,
    )
    def delivered(
        context: dg.AssetExecutionContext,
        sessions: pl.LazyFrame,
        sources: dg.ResourceParam[Sources],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[RunClock],
        settings: dg.ResourceParam[Settings],
    ):
        window = clock.window(context.partition_keys)
        delivery = accept(
            getattr(sources.prices, name)(*window),
            existing=lake.read_or_empty(table),
            coverage=lake.coverage(table),
            sessions=sessions.collect(),
            as_of=clock.as_of,
            window=window,
        )
        return deliver(table, delivery, lake, settings.max_bad_row_share)

    return delivered


prices = _delivered_asset(
    "prices",
    PRICES,
    accept_prices,
    "Daily bars as the source gives them; price_basis says what is adjusted already.",
    freshness_policy=DATA_FRESHNESS,
)
corporate_actions = _delivered_asset(
    "corporate_actions", CORPORATE_ACTIONS, accept_actions, "Splits and dividends."
)
