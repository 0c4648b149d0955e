"""The StockNet task (ACL 2018), with the benchmark's own labels and filters, by the ranking model.

The protocol, both populations and the published figures stand in docs/model.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.domain.benchmark.price_panel import (
    CLOSE_TO_CLOSE,
    OPEN_TO_CLOSE,
    bars_of,
    sectors_of,
    training_frame,
)
from finpulse_assets.domain.benchmark.walk import (
    DEFAULT,
    Scored,
    by_predictor,
    has_order,
    scored,
    walk_forward,
)

FIRST, END = date(2015, 8, 1), date(2015, 10, 1)  # the days that settings may be tuned on
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


def report(
    prices: pl.DataFrame, tweets: pl.DataFrame, symbols: pl.DataFrame, first: date, end: date
) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        prices: date, symbol, open, high, low, close, adj_close, volume.
        tweets: symbol, stocknet_date.
        symbols: symbol, sector, company.
        first: first day that is scored.
        end: the day after the last one.
    """
    task = samples(prices, tweets, first, end)
    bars = bars_of(prices)
    sectors = sectors_of(symbols, bars)
    frames = {
        label: training_frame(bars, label=label, tickers=sectors)
        for label in (CLOSE_TO_CLOSE, OPEN_TO_CLOSE)
    }
    whole = walk_forward(frames[CLOSE_TO_CLOSE], first=first, end=end)
    yield f"StockNet, days from {first} to before {end}, close to close, no texts"
    yield "The ranking is the default model without texts."
    for name, rows in (("all labelled", task), ("tweet-eligible", task.filter("is_eligible"))):
        yield from _population(name, rows, whole)
    yield ""
    yield "Rank IC out of sample, walk-forward refitted monthly, models of prices alone"
    for label, frame in frames.items():
        walked = walk_forward(frame, first=None, end=end)
        for since in (None, TRAIN_FROM):
            rows = walked.filter(pl.col("target_session_date") >= since) if since else walked
            yield f"  {label}, {f'days from {since}' if since else 'all days'}"
            for name, own in by_predictor(rows):
                if has_order(own):
                    yield f"    {name:18} {scored(own)}"
    yield ""
    yield "Published, for days from 2015-10-01 to before 2016-01-01"
    for name, accuracy, mcc in PUBLISHED:
        yield f"  {name:36} {accuracy:5.2f} %  MCC {mcc:+.4f}"


def _population(name: str, task: pl.DataFrame, predictions: pl.DataFrame) -> Iterator[str]:
    """Yield the lines of one population: the majority class, the raw cut, the session's median."""
    rows = task.join(
        predictions.rename({"target_session_date": "target"}), on=["ticker", "target"], how="inner"
    )
    if rows.is_empty():
        yield ""
        yield f"{name}: none of {task.height:,} stock-days has features"
        return
    own = rows.filter(candidate=DEFAULT)
    missing = task.height - own.height
    majority = max(own["label"].mean(), 1 - own["label"].mean())
    yield ""
    yield (
        f"{name}: {own.height:,} stock-days in {rows['target'].n_unique()} sessions, "
        f"{missing} without features; majority class {majority:.2%}"
    )
    cuts = {
        "raw cut": pl.col("predicts_up"),
        "session's median": pl.col("score") > pl.col("score").median().over("target"),
    }
    for cut, up in cuts.items():
        yield f"  {cut}"
        for predictor, own in by_predictor(rows):
            if cut == "raw cut" or has_order(own):
                counted = own.with_columns(up=up, is_up=pl.col("label") == 1)
                yield f"    {predictor:18} {Scored.of_directions(counted)}"
