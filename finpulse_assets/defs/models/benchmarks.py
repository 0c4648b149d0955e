"""Published tasks, scored when somebody asks for it: part of no job.

The data has licences of its own and is not in the repository; FINPULSE_BENCHMARK_DATA names its
folder. https://docs.dagster.io/guides/build/assets
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import polars as pl

from finpulse_assets.domain.benchmark import sp500 as of_sp500
from finpulse_assets.domain.benchmark import stocknet as of_stocknet
from finpulse_assets.orchestration.catalog.metadata import RESEARCH
from finpulse_assets.settings import Settings

TWEETS, PRICES, SYMBOLS = (
    "stocknet_tweets.parquet", "stocknet_prices.parquet", "stocknet_symbols.csv",
)  # fmt: skip
SP500 = "prices_daily_sp500.parquet"


@dg.asset(
    key_prefix="models",
    group_name="models",
    kinds={"lightgbm", "markdown"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The StockNet task (ACL 2018) by its own protocol, both populations, and the rank "
    "IC of the ranking on prices alone. No job makes it, and without the data it says that it was "
    "skipped. One report; known when it is made.",
)
def stocknet(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    def lines(data: Path) -> Iterator[str]:
        return of_stocknet.report(
            pl.read_parquet(data / PRICES), pl.read_parquet(data / TWEETS),
            pl.read_csv(data / SYMBOLS), of_stocknet.FIRST, of_stocknet.END,
        )  # fmt: skip

    return _reported(settings, (TWEETS, PRICES, SYMBOLS), lines)


@dg.asset(
    key_prefix="models",
    group_name="models",
    kinds={"lightgbm", "markdown"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The ranking on 505 stocks of the S&P 500, 2013 to 2018: its rank IC, and the cost "
    "at which nothing is left. No job makes it, and without the data it says that it was skipped. "
    "One report; known when it is made.",
)
def sp500(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    return _reported(
        settings, (SP500,), lambda data: of_sp500.report(pl.read_parquet(data / SP500))
    )


def _reported(
    settings: Settings, files: tuple[str, ...], lines: Callable[[Path], Iterator[str]]
) -> dg.MaterializeResult:
    """Return the report as metadata, or which file is absent."""
    data = settings.benchmark_data
    if data is None:
        return _skipped("FINPULSE_BENCHMARK_DATA is unset: it names the folder of the data")
    absent = [name for name in files if not (data / name).exists()]
    if absent:
        return _skipped(f"{data} lacks {', '.join(absent)}")
    text = "\n".join(lines(data))
    return dg.MaterializeResult(metadata={"report": dg.MetadataValue.md(f"```text\n{text}\n```")})


def _skipped(why: str) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"skipped": why})
