"""Stocks of the S&P 500, 2013 to early 2018, by the ranking model: what there is, after costs.

The list of members is that of 2018, so whoever fell out is missing: levels of returns are
flattered, the order within a session less so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from finpulse_assets.domain.benchmark.price_panel import (
    CLOSE_TO_CLOSE,
    OPEN_TO_CLOSE,
    bars_of,
    training_frame,
)
from finpulse_assets.domain.benchmark.walk import (
    by_predictor,
    has_order,
    mean_and_ends,
    scored,
    walk_forward,
)
from finpulse_assets.domain.evaluation.metrics import break_even_bps

END = date(2018, 2, 8)


def report(prices: pl.DataFrame) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        prices: date, symbol, open, high, low, close, volume.
    """
    bars = bars_of(prices)
    yield "S&P 500, walk-forward refitted quarterly, models of prices alone"
    yield "The ranking is the default model without texts."
    for label in (OPEN_TO_CLOSE, CLOSE_TO_CLOSE):
        walked = walk_forward(training_frame(bars, label=label), first=None, end=END, every="1q")
        yield f"  {label}"
        for name, own in by_predictor(walked):
            if has_order(own):
                yield f"    {name:18} {scored(own)}"
                yield f"    {'':18} {earned(own)}"


def earned(predictions: pl.DataFrame) -> str:
    """Return what the top third less the bottom third earned, and the cost at which nothing is
    left, as a line with day-block intervals."""
    found = mean_and_ends(top_minus_bottom(predictions)["spread"].to_numpy())
    value, low, high = (1e4 * it for it in found)
    even, even_low, even_high = (break_even_bps(it) for it in found)
    return (
        f"top minus bottom third {value:+.1f} [{low:+.1f}, {high:+.1f}] bps a session, nothing is "
        f"left from {even:.1f} [{even_low:.1f}, {even_high:.1f}] bps a trade on"
    )


def top_minus_bottom(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return session_date and spread: the mean return of the top third less that of the bottom."""
    place = (pl.col("score").rank("average") / pl.len()).over("session_date")
    ranked = predictions.with_columns(place=place)
    returns = pl.col("return_next_session")
    by_day = ranked.group_by("session_date").agg(
        spread=returns.filter(pl.col("place") > 2 / 3).mean()
        - returns.filter(pl.col("place") <= 1 / 3).mean()
    )
    return by_day.drop_nulls().sort("session_date")
