"""What StockNet's tweets add to the ranking, beside the same model on prices alone.

The features of texts are those of a run of the whole graph, so three commands:

    finpulse run --profile files --tweets stocknet_tweets.parquet --prices stocknet_prices.parquet
    finpulse as-of 2015-10-01 fct_daily_features --profile files --out features.parquet
    python benchmarks/stocknet_texts.py features.parquet
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import polars as pl
from measured import ROOT

from finpulse_assets.domain.benchmark.stocknet import END
from finpulse_assets.domain.benchmark.texts import report


def main() -> None:
    data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path, help="fct_daily_features, from `finpulse as-of`")
    parser.add_argument("--prices", type=Path, default=data / "stocknet_prices.parquet")
    parser.add_argument("--symbols", type=Path, default=data / "stocknet_symbols.csv")
    given = parser.parse_args()
    for path in (given.features, given.prices, given.symbols):
        if not path.exists():
            sys.exit(f"skipped: {path} is absent. Hint: set FINPULSE_SHARED_DATA")
    prices, symbols = pl.read_parquet(given.prices), pl.read_csv(given.symbols)
    for line in report(prices, symbols, pl.read_parquet(given.features), END):
        print(line, flush=True)


if __name__ == "__main__":
    main()
