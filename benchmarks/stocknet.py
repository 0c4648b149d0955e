"""The StockNet task (ACL 2018), with the benchmark's own labels and filters, by the ranking model.

The protocol, both populations and the published table stand in docs/model.md. Any span of the data
can be scored by the same code: --tweets, --prices, --symbols, --from, --to.

    python benchmarks/stocknet.py                               # tuned on 2015-08 and -09
    python benchmarks/stocknet.py --from 2015-08-01 --to 2015-10-01
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

import polars as pl
from measured import ROOT

from finpulse_assets.domain.benchmark.stocknet import END, FIRST, report


def main() -> None:
    data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tweets", type=Path, default=data / "stocknet_tweets.parquet")
    parser.add_argument("--prices", type=Path, default=data / "stocknet_prices.parquet")
    parser.add_argument("--symbols", type=Path, default=data / "stocknet_symbols.csv")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST)
    parser.add_argument("--to", dest="end", type=date.fromisoformat, default=END)
    given = parser.parse_args()
    for path in (given.tweets, given.prices, given.symbols):
        if not path.exists():
            sys.exit(f"skipped: {path} is absent. Hint: set FINPULSE_SHARED_DATA")
    prices, tweets = pl.read_parquet(given.prices), pl.read_parquet(given.tweets)
    for line in report(prices, tweets, pl.read_csv(given.symbols), given.first, given.end):
        print(line, flush=True)


if __name__ == "__main__":
    main()
