"""The base of adjusted prices: a later download in the unit of what is held.

Who delivers adjusted prices divides all of the past by every new split, and by every dividend where
those are adjusted too. Beside what an earlier run has kept, such a download is a series in another
unit: its newest bar would be a return of -75 %. The unit of the first download is kept for good, as
for every other number that features have seen, and later downloads are converted to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpulse_assets.schemas import OHLC

COMPARED = 20  # newest common bars
LEAST_COMMON = 3  # one bar that differs is a correction
AGREEING = 0.8  # share of the common bars that have to show one ratio; the others are corrections
TOLERANCE = 5e-4  # a smaller difference is rounding; the smallest dividends are twice as large
CENT = 0.01

_KEY = ["ticker", "session_date", "price_basis"]


@dataclass(frozen=True)
class Rebased:
    """Delivered bars in the unit of what is held, and which tickers had to be converted.

    `factors` has ticker, price_factor and volume_factor (delivered over held) and bars.
    """

    bars: pl.DataFrame
    factors: pl.DataFrame

    @property
    def sentence(self) -> str | None:
        """What was converted, None where nothing was."""
        if self.factors.is_empty():
            return None
        shown = ", ".join(
            f"{ticker} by {1 / price:.6g}"
            for ticker, price in self.factors.select("ticker", "price_factor").head(5).iter_rows()
        )
        return f"adjusted prices on a new base were converted to that of the first: {shown}"


def rebase(delivered: pl.DataFrame, held: pl.DataFrame) -> Rebased:
    """Return the bars of a delivery in the unit of those that are held.

    Args:
        delivered: good bars of one source, in the columns of `DELIVERED_PRICES`.
        held: its table, all versions, at least of the months of the delivery.

    A price that differs from the held one by its rounding alone becomes the held one.
    """
    adjusted = delivered.filter(pl.col("price_basis") != "unadjusted")
    first = held.sort("knowledge_time").unique(_KEY, keep="first")
    common = adjusted.select(*_KEY, *OHLC, "volume_shares").join(
        first.select(*_KEY, *OHLC, "volume_shares"), on=_KEY, suffix="_held"
    )
    factors = _factors(common)
    if factors.is_empty():
        return Rebased(delivered, factors)
    return Rebased(_converted(delivered, first, factors), factors)


def _factors(common: pl.DataFrame) -> pl.DataFrame:
    """Return the ratio of each ticker's newest common bars, where it is one and not 1."""
    newest = common.sort("session_date").group_by("ticker").tail(COMPARED)
    rated = newest.with_columns(
        ratio=pl.col("close") / pl.col("close_held"),
        volume_ratio=pl.col("volume_shares") / pl.col("volume_shares_held"),
        rounding=TOLERANCE + CENT / pl.min_horizontal("close", "close_held"),
    ).with_columns(price_factor=pl.col("ratio").median().over("ticker"))
    agrees = (pl.col("ratio") / pl.col("price_factor") - 1).abs() < pl.col("rounding")
    volume = pl.col("volume_ratio").filter(pl.col("volume_ratio").is_finite()).median()
    return (
        rated.group_by("ticker", "price_factor")
        .agg(
            agreeing=agrees.mean(),
            bars=pl.len(),
            volume_factor=pl.when(volume > 0).then(volume).otherwise(1.0),
        )
        .filter(
            pl.col("bars") >= LEAST_COMMON,
            pl.col("agreeing") >= AGREEING,
            (pl.col("price_factor") - 1).abs() > TOLERANCE,
        )
        .select("ticker", "price_factor", "volume_factor", "bars")
        .sort("ticker")
    )


def _converted(delivered: pl.DataFrame, first: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    columns = (*OHLC, "volume_shares")
    is_adjusted = pl.col("price_basis") != "unadjusted"
    price, volume = (
        pl.when(is_adjusted).then(name).fill_null(1.0) for name in ("price_factor", "volume_factor")
    )
    before = first.select(*_KEY, *(pl.col(name).alias(f"{name}_held") for name in columns))
    frame = (
        delivered.join(factors.drop("bars"), on="ticker", how="left", maintain_order="left")
        .join(before, on=_KEY, how="left", maintain_order="left")
        .with_columns(_price=price, _volume=volume)
        .with_columns(
            *(pl.col(name) / pl.col("_price") for name in OHLC),
            volume_shares=(pl.col("volume_shares") / pl.col("_volume")).round().cast(pl.Int64),
        )
    )
    cent = CENT / pl.col("_price").clip(upper_bound=1.0)
    is_converted = pl.col("_price") != 1.0
    is_same = pl.all_horizontal(
        (pl.col(name) - pl.col(f"{name}_held")).abs() <= cent + TOLERANCE * pl.col(name)
        for name in OHLC
    )
    return frame.with_columns(
        pl.when(is_same & is_converted).then(f"{name}_held").otherwise(name).alias(name)
        for name in columns
    ).select(delivered.columns)
