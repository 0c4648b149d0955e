"""Drift reports in the lake, as monitoring/feature_drift leaves them, by their verdicts."""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.monitoring.drift import WHOLE, merge_history
from finpulse_assets.gateways.lake.lake import WHOLE as ONE_FILE
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import FEATURE_DRIFT


def add_reports(lake: Lake, verdicts: pl.DataFrame) -> None:
    """Add the reports of `verdicts`, session_date and is_drifted, to those of the lake."""
    rows = verdicts.select(
        "session_date", "is_drifted", feature=pl.lit(WHOLE), kind=pl.lit(WHOLE), value=0.5,
        limit=0.2, ks=None, recent_rows=1, reference_rows=1, reference_from="session_date",
        reference_to="session_date", model_version=pl.lit("x"),
    )  # fmt: skip
    held = lake.read_or_empty(FEATURE_DRIFT).collect()
    lake.replace(FEATURE_DRIFT, merge_history(held, FEATURE_DRIFT.enforce(rows)), [ONE_FILE])
