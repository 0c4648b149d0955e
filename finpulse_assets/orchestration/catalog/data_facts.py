"""What the data card counts: rows of the lake by source, requests, rows of the marts."""

from __future__ import annotations

import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.schemas import KINDS, RAW_TABLES, SOURCES, requests_table

MART = """
select '{name}' as "table", count(*) as "rows", count(distinct ticker) as tickers,
       count(distinct session_date) as sessions, min(session_date) as "first",
       max(session_date) as "last"
from {name}
"""


def rows_held(lake: Lake) -> pl.DataFrame:
    """Return kind, source, rows, tickers, first and last (Date) of what each source gave."""
    found = []
    for kind in KINDS:
        table = RAW_TABLES[kind]
        day = pl.col(table.partition_column).cast(pl.Date)
        found.append(
            lake.read_or_empty(table)
            .group_by("source")
            .agg(
                pl.len().cast(pl.Int64).alias("rows"),
                pl.col("ticker").n_unique().cast(pl.Int64).alias("tickers"),
                first=day.min(),
                last=day.max(),
            )
            .select(pl.lit(kind).alias("kind"), pl.all())
        )
    return pl.concat(found).collect()


def requests_made(lake: Lake) -> pl.DataFrame:
    """Return kind, source, requests, delivered, late, refused and failed of the requests made."""
    sources = lake.read_or_empty(SOURCES).collect()["source"].unique().sort()
    found = [
        lake.read_or_empty(requests_table(source))
        .group_by("kind")
        .agg(
            pl.len().cast(pl.Int64).alias("requests"),
            pl.col("delivered_rows").sum().alias("delivered"),
            pl.col("late_rows").sum().alias("late"),
            pl.col("refused_rows").sum().alias("refused"),
            (pl.col("status") == "failed").sum().cast(pl.Int64).alias("failed"),
        )
        .select("kind", pl.lit(source).alias("source"), pl.exclude("kind"))
        for source in sources
    ]
    if not found:
        names = ("requests", "delivered", "late", "refused", "failed")
        text = {"kind": pl.String, "source": pl.String}
        return pl.DataFrame(schema=text | dict.fromkeys(names, pl.Int64))
    return pl.concat(found).collect()


def mart_rows(warehouse: Warehouse) -> pl.DataFrame:
    """Return table, rows, tickers, sessions, first and last (Date) of features and outcomes."""
    return pl.concat(
        warehouse.query(MART.format(name=name)) for name in (DAILY_FEATURES, TRAINING_SET)
    )
