"""The StockNet task (ACL 2018), with the benchmark's own labels and filters, by the ranking model.

The protocol, both populations and the published table stand in docs/stocknet.md. Any span of the
data can be scored by the same code: --tweets, --prices, --from, --to.

    python benchmarks/stocknet.py                               # tuned on 2015-08 and -09
    python benchmarks/stocknet.py --from 2015-08-01 --to 2015-10-01
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from measured import ROOT
from price_panel import CLOSE_TO_CLOSE, OPEN_TO_CLOSE, bars_of, sectors_of, training_frame
from walk import Scored, scored, walk_forward

TRAIN_FROM = date(2014, 1, 1)
DROPPED = (-0.005, 0.0055)  # movements in between are no sample: lower end in, upper end out
MAX_DAYS = 5  # calendar days of tweets before a day, and price days from d-4 on
# Accuracy in percent and MCC, as their papers give them.
PUBLISHED = (
    ("RAND", 50.89, -0.0023),
    ("ARIMA", 51.39, -0.0206),
    ("StockNet TechnicalAnalyst, no text", 54.96, 0.0165),
    ("StockNet HedgeFundAnalyst", 58.23, 0.0808),
    ("LSTM", 53.18, 0.0674),
    ("Adv-ALSTM, no text", 57.20, 0.1483),
)


def samples(prices: pl.DataFrame, tweets: pl.DataFrame, first: date, end: date) -> pl.DataFrame:
    """Return ticker, target (the day), label and is_eligible of each stock-day of the benchmark.

    movement = adj_close[t] / adj_close[t-1] - 1, rounded to 6 digits; label 0 where it is at most
    1e-7. A day counts if the file has an older line than d-4 calendar days. It is tweet-eligible
    where every trading day in [d-4, d] has a tweet: those of [d-5, d-1], each moved to the first
    trading day after it.
    """
    close = pl.col("adj_close")
    days = (
        prices.sort("symbol", "date")
        .with_columns(
            movement=(close / close.shift().over("symbol") - 1).round(6),
            second=pl.col("date").sort().slice(1, 1).first().over("symbol"),
        )
        .filter(pl.col("date").is_between(first, end, closed="left"))
        .filter(~pl.col("movement").is_between(*DROPPED, closed="left"))
        .filter(pl.col("second") < pl.col("date").dt.offset_by("-4d"))
    )
    labelled = days.select(
        ticker="symbol", target="date", label=(pl.col("movement") > 1e-7).cast(pl.Int8)
    )
    return labelled.join(
        eligible(prices, tweets), on=["ticker", "target"], how="left"
    ).with_columns(pl.col("is_eligible").fill_null(False))


def eligible(prices: pl.DataFrame, tweets: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, target and is_eligible of each trading day that has a tweet before it."""
    written = tweets.select(ticker="symbol", day="stocknet_date").unique()
    calendar = {
        symbol: np.sort(part["date"].to_numpy())
        for (symbol,), part in prices.partition_by("symbol", as_dict=True).items()
    }
    found = []
    for (symbol,), part in written.partition_by("ticker", as_dict=True).items():
        trading = calendar.get(symbol)
        if trading is None:
            continue
        said = np.unique(part["day"].to_numpy())
        for day in trading:
            window = trading[(trading >= day - np.timedelta64(4, "D")) & (trading <= day)]
            heard = said[(said >= day - np.timedelta64(MAX_DAYS, "D")) & (said < day)]
            moved = trading[np.minimum(np.searchsorted(trading, heard, "right"), len(trading) - 1)]
            if set(window) <= set(moved):
                found.append((symbol, day.astype(date), True))
    schema = {"ticker": pl.String, "target": pl.Date, "is_eligible": pl.Boolean}
    return pl.DataFrame(found, schema=schema, orient="row")


def main() -> None:
    data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tweets", type=Path, default=data / "stocknet_tweets.parquet")
    parser.add_argument("--prices", type=Path, default=data / "stocknet_prices.parquet")
    parser.add_argument("--symbols", type=Path, default=data / "stocknet_symbols.csv")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2015, 8, 1))
    parser.add_argument("--to", dest="end", type=date.fromisoformat, default=date(2015, 10, 1))
    given = parser.parse_args()
    for path in (given.tweets, given.prices, given.symbols):
        if not path.exists():
            sys.exit(f"skipped: {path} is absent. Hint: set FINPULSE_SHARED_DATA")
    prices, tweets = pl.read_parquet(given.prices), pl.read_parquet(given.tweets)
    task = samples(prices, tweets, given.first, given.end)
    bars = bars_of(given.prices)
    sectors = sectors_of(given.symbols, bars)
    frame = training_frame(bars, label=CLOSE_TO_CLOSE, tickers=sectors)
    whole = walk_forward(frame, first=given.first, end=given.end)
    print(f"StockNet, days from {given.first} to before {given.end}, close to close, no texts")
    for name, rows in (("all labelled", task), ("tweet-eligible", task.filter("is_eligible"))):
        print_population(name, rows, whole)
    print("\nRank IC out of sample, walk-forward refitted monthly, models of prices alone")
    for label in (CLOSE_TO_CLOSE, OPEN_TO_CLOSE):
        frame = training_frame(bars, label=label, tickers=sectors)
        for since in (None, TRAIN_FROM):
            print_walk(label, scored(walk_forward(frame, first=since, end=given.end)))
    print("\nPublished, for days from 2015-10-01 to before 2016-01-01")
    for name, accuracy, mcc in PUBLISHED:
        print(f"  {name:36} {accuracy:5.2f} %  MCC {mcc:+.4f}")


def print_population(name: str, task: pl.DataFrame, predictions: pl.DataFrame) -> None:
    """Print one population: the majority class, the raw cut and the session's median."""
    rows = task.join(
        predictions.rename({"target_session_date": "target"}), on=["ticker", "target"], how="inner"
    )
    missing = task.height - rows.height
    majority = max(rows["label"].mean(), 1 - rows["label"].mean())
    print(f"\n{name}: {rows.height:,} stock-days in {rows['target'].n_unique()} sessions, "
          f"{missing} without features; majority class {majority:.2%}")  # fmt: skip
    cuts = {
        "raw cut": pl.col("expected_return") >= 0,
        "session's median": pl.col("score") > pl.col("score").median().over("target"),
    }
    for cut, up in cuts.items():
        counted = rows.with_columns(up=up, is_up=pl.col("label") == 1)
        print(f"  {cut:17} {Scored.of_directions(counted)}")


def print_walk(label: str, found: Scored) -> None:
    print(f"  {label:15} {found}")


if __name__ == "__main__":
    main()
