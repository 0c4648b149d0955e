"""Prices that cannot all be right: sources that disagree, and a price basis that changes."""

from __future__ import annotations

import polars as pl

BAR = ("ticker", "session_date")


def disagreements(prices: pl.LazyFrame, tolerance: float) -> pl.DataFrame:
    """Return the sessions whose sources close further apart than `tolerance`.

    Only closes on one price basis are compared, each source's in its newest version.

    Args:
        prices: `schemas.PRICES`, all versions.
        tolerance: largest relative difference that passes, such as 0.005.

    Returns:
        One row per ticker, session and price basis, the largest difference first: ticker,
        session_date, price_basis, sources and closes (lists in one order), relative_difference
        (highest close / lowest close - 1).
    """
    delivered_twice = pl.col("source").n_unique().over("ticker") > 1
    return (
        prices.select("source", *BAR, "knowledge_time", "price_basis", "close")
        .filter(delivered_twice)
        .sort("knowledge_time")
        .unique(["source", *BAR], keep="last", maintain_order=True)
        .sort("source")
        .group_by(*BAR, "price_basis")
        .agg(
            sources=pl.col("source"),
            closes=pl.col("close"),
            relative_difference=pl.col("close").max() / pl.col("close").min() - 1,
        )
        .filter(pl.col("relative_difference") > tolerance)
        .sort("relative_difference", *BAR, descending=[True, False, False])
        .collect()
    )


def basis_changes(prices: pl.LazyFrame) -> pl.DataFrame:
    """Return the bars at which a source's series of a ticker goes on in another price basis.

    A return across such a bar would be that of the unit, -90 % for a split of ten for one.

    Args:
        prices: `schemas.PRICES`, all versions; the first of a bar counts, as for features.

    Returns:
        source, ticker, session_date, previous_basis, price_basis, previous_close, close; by key.
    """
    series = ("source", "ticker")
    mixed = pl.col("price_basis").n_unique().over(series) > 1
    previous = [
        pl.col(name).shift().over(series).alias(f"previous_{short}")
        for name, short in (("price_basis", "basis"), ("close", "close"))
    ]
    return (
        prices.select(*series, "session_date", "knowledge_time", "price_basis", "close")
        .filter(mixed)
        .sort(*series, "session_date", "knowledge_time")
        .unique([*series, "session_date"], keep="first", maintain_order=True)
        .with_columns(previous)
        .filter(pl.col("previous_basis") != pl.col("price_basis"))
        .select(*series, "session_date", "previous_basis", "price_basis", "previous_close", "close")
        .collect()
    )
