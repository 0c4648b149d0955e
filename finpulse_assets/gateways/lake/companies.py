"""What the lake holds of companies beside bars and texts, for features made outside a run."""

from __future__ import annotations

from datetime import date

import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import CORPORATE_ACTIONS, HOLDINGS, OPTIONS


def company_tables(lake: Lake, start: date) -> dict[str, pl.DataFrame]:
    """Return holdings and splits, and the option chains since `start`, by the tables' names."""
    is_recent = pl.col("knowledge_time").dt.date() >= start
    return {
        OPTIONS.name: lake.read_or_empty(OPTIONS).filter(is_recent).collect(),
        **{it.name: lake.read_or_empty(it).collect() for it in (HOLDINGS, CORPORATE_ACTIONS)},
    }
