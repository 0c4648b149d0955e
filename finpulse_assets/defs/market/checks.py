"""Checks of prices: sources that agree, and one price basis in a series.

https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.audit.prices import basis_changes, disagreements
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import SAMPLE_ROWS, sample
from finpulse_assets.schemas import PRICES
from finpulse_assets.settings import Settings

WARN = dg.AssetCheckSeverity.WARN


@dg.asset_check(
    asset=["raw", "prices"],
    description="Where several sources deliver a bar on one price basis, their closes differ by at "
    "most FINPULSE_PRICE_TOLERANCE. Features and labels take the source of the declared order.",
)
def sources_agree_on_prices(
    lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    found = disagreements(lake.read_or_empty(PRICES), settings.price_tolerance)
    worst = found.head(SAMPLE_ROWS).with_columns(
        pl.col("sources", "closes").cast(pl.List(pl.String)).list.join(", ")
    )
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=WARN,
        description=f"bars that differ by more than {settings.price_tolerance:.2%}: {found.height}"
        + (f", most of all {_worst(found)}" if found.height else ""),
        metadata={
            "bars": found.height,
            "tolerance": settings.price_tolerance,
            "offending_rows": sample(worst),
        },
    )


def _worst(found: pl.DataFrame) -> str:
    row = found.row(0, named=True)
    closes = ", ".join(
        f"{close:g} of {source}"
        for source, close in zip(row["sources"], row["closes"], strict=True)
    )
    return f"{row['ticker']} on {row['session_date']}: {closes}"


@dg.asset_check(
    asset=["raw", "prices"],
    description="No source changes the price basis within a ticker's series. Where one does, "
    "features end a run of bars there, so that no return is taken across it.",
)
def price_basis_is_constant(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    found = basis_changes(lake.read_or_empty(PRICES))
    shown = ""
    if found.height:
        row = found.row(0, named=True)
        shown = (
            f", the first {row['ticker']} on {row['session_date']} of {row['source']}, from "
            f"{row['previous_basis']} to {row['price_basis']}"
        )
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=WARN,
        description=f"bars at which the price basis of a series changes: {found.height}{shown}",
        metadata={"bars": found.height, "offending_rows": sample(found.head(SAMPLE_ROWS))},
    )
