"""The asset of the declared order of sources.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.resources import Sources
from finpulse_assets.schemas import SOURCES


@dg.asset(
    key=["raw", "sources"],
    group_name="market_data",
    kinds={"polars"},
    owners=[MARKET_DATA],
    tags={"domain": "market"},
    description=description(SOURCES, "Where each kind of row comes from, in order of preference."),
    metadata=definition_metadata(SOURCES),
)
def declared_sources(sources: dg.ResourceParam[Sources]) -> pl.DataFrame:
    texts, prices = sources.texts.name, sources.prices.name
    rows = {"tweets": texts, "headlines": texts, "prices": prices, "corporate_actions": prices}
    rows |= {"bars_1m": sources.minutes.name} if sources.minutes else {}
    return pl.DataFrame({"kind": list(rows), "source": list(rows.values()), "rank": 1})
