"""505 stocks of the S&P 500, 2013 to early 2018, by the ranking model: what there is, after costs.

Daily bars without volume of texts; the list of members is that of 2018, so whoever fell out is
missing: levels of returns are flattered, the order within a session less so.

    python benchmarks/sp500.py [--prices FILE]
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

import polars as pl
from measured import ROOT
from price_panel import CLOSE_TO_CLOSE, OPEN_TO_CLOSE, bars_of, training_frame
from walk import scored, walk_forward

from finpulse_assets.domain.evaluation.metrics import break_even_bps

END = date(2018, 2, 8)


def main() -> None:
    data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--prices", type=Path, default=data / "prices_daily_sp500.parquet")
    given = parser.parse_args()
    if not given.prices.exists():
        sys.exit(f"skipped: {given.prices} is absent. Hint: set FINPULSE_SHARED_DATA")
    bars = bars_of(given.prices)
    print("S&P 500, walk-forward refitted quarterly, models of prices alone")
    for label in (OPEN_TO_CLOSE, CLOSE_TO_CLOSE):
        found = walk_forward(training_frame(bars, label=label), first=None, end=END, every="1q")
        print(f"  {label:15} {scored(found)}")
        spread = top_minus_bottom(found)
        print(f"  {'':15} top minus bottom third {1e4 * spread:+.1f} bps a session, "
              f"nothing is left from {break_even_bps(spread):.1f} bps a trade on")  # fmt: skip


def top_minus_bottom(predictions: pl.DataFrame) -> float:
    """Return the mean return of the top third less that of the bottom third, a fraction."""
    place = (pl.col("score").rank("average") / pl.len()).over("session_date")
    ranked = predictions.with_columns(place=place)
    returns = pl.col("return_next_session")
    by_day = ranked.group_by("session_date").agg(
        spread=returns.filter(pl.col("place") > 2 / 3).mean()
        - returns.filter(pl.col("place") <= 1 / 3).mean()
    )
    return by_day["spread"].mean()


if __name__ == "__main__":
    main()
