"""505 stocks of the S&P 500, 2013 to early 2018, by the ranking model: what there is, after costs.

python benchmarks/sp500.py [--prices FILE]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import polars as pl
from measured import ROOT

from finpulse_assets.domain.benchmark.sp500 import report


def main() -> None:
    data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--prices", type=Path, default=data / "prices_daily_sp500.parquet")
    given = parser.parse_args()
    if not given.prices.exists():
        sys.exit(f"skipped: {given.prices} is absent. Hint: set FINPULSE_SHARED_DATA")
    for line in report(pl.read_parquet(given.prices)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
