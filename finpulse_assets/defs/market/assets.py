"""Raw assets: the calendar, the listed tickers, and the rows of all sources united by kind.

https://docs.dagster.io/guides/build/assets
"""

from datetime import timedelta

import dagster as dg
import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.ingest.assets import raw_asset, tickers_asset
from finpulse_assets.orchestration.run.clock import FIRST_DAY, RunClock
from finpulse_assets.orchestration.run.sources import sources_of
from finpulse_assets.schemas import KINDS, SESSIONS, SOURCES
from finpulse_assets.settings import Settings, load_settings

# Two weeks ahead hold the next session, whatever holidays lie between.
CALENDAR_AHEAD = timedelta(days=14)
SENTENCES = {
    "tweets": "Tweets that name a ticker, raw text, every version kept.",
    "headlines": "News headlines about a ticker, as tweets.",
    "prices": "Daily bars as each source gives them; price_basis says what is adjusted already.",
    "corporate_actions": "Splits and dividends.",
    "bars_1m": "One-minute bars with quotes where a source has them; empty without a source.",
    "listings": "What is listed where, by the directories; empty without a source.",
    "holdings": "What institutional managers report to hold; empty without a source.",
    "options": "Option chains, each as it was taken; empty without a source.",
}


@dg.asset(
    key_prefix="raw",
    group_name="sources",
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
    key=["raw", "sources"],
    group_name="sources",
    kinds={"polars"},
    owners=[MARKET_DATA],
    tags={"domain": "market"},
    description=description(SOURCES, "Which source gives what, in the declared order."),
    metadata=definition_metadata(SOURCES),
)
def source_list(settings: dg.ResourceParam[Settings]) -> pl.DataFrame:
    rows = [
        {"kind": kind, "source": name, "rank": rank}
        for kind in KINDS
        for rank, name in enumerate(sources_of(settings, kind), start=1)
    ]
    return pl.DataFrame(rows, schema=SOURCES.polars_schema)


@dg.definitions
def raw() -> dg.Definitions:
    settings = load_settings()
    tickers = tickers_asset([*sources_of(settings, "prices"), *sources_of(settings, "listings")])
    united = [raw_asset(kind, sources_of(settings, kind), SENTENCES[kind]) for kind in KINDS]
    return dg.Definitions(assets=[sessions, source_list, tickers, *united])
