"""What a million texts cost on a device, and which batch is the fastest."""

from __future__ import annotations

import polars as pl

from finpulse_assets.schemas import DEVICE_COMPARISON

_SECONDS_AN_HOUR = 3600


def priced(cells: pl.DataFrame, price_per_hour: float | None, model: str) -> pl.DataFrame:
    """Return `schemas.DEVICE_COMPARISON` of measured cells.

    Args:
        cells: from `measure_speed`.
        price_per_hour: of the machine, in any currency; None leaves the costs null.
        model: name of the model that was measured.
    """
    hours = 1_000_000 / pl.col("texts_per_second") / _SECONDS_AN_HOUR
    cost = pl.lit(None, pl.Float64) if price_per_hour is None else hours * price_per_hour
    return DEVICE_COMPARISON.enforce(
        cells.with_columns(cost_per_million_texts=cost, model=pl.lit(model))
    )


def best_batches(measured: pl.DataFrame) -> pl.DataFrame:
    """Return the fastest batch of each length of texts, as people read it.

    Args:
        measured: `schemas.DEVICE_COMPARISON`.
    """
    keys = ("device", "dtype", "text_tokens")
    best = measured.sort("texts_per_second", descending=True).unique(keys, keep="first")
    cost = [] if best["cost_per_million_texts"].null_count() else ["cost_per_million_texts"]
    return best.sort("text_tokens", "device", "dtype").select(
        "text_tokens", "device", "dtype", "batch_texts",
        pl.col("texts_per_second", "tokens_per_second").round().cast(pl.Int64),
        pl.col("peak_share", *cost).round(3),
    )  # fmt: skip
