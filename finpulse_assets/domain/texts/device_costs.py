"""What a million texts cost on a device."""

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
