"""Drift reports in the lake, as the two assets of drift leave them, by their verdicts."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.monitoring.drift import WHOLE, merge_history
from finpulse_assets.gateways.lake.lake import WHOLE as ONE_FILE
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import FEATURE_DRIFT, TEXT_DRIFT


def add_reports(lake: Lake, verdicts: pl.DataFrame) -> None:
    """Add the reports of `verdicts`, session_date and is_drifted, to those of the lake."""
    rows = verdicts.select(
        "session_date", "is_drifted", feature=pl.lit(WHOLE), kind=pl.lit(WHOLE), value=0.5,
        limit=0.2, ks=None, recent_rows=1, reference_rows=1, reference_from="session_date",
        reference_to="session_date", model_version=pl.lit("x"),
    )  # fmt: skip
    _add(lake, FEATURE_DRIFT, rows)


def add_text_reports(lake: Lake, verdicts: pl.DataFrame) -> None:
    """Add the reports on texts of `verdicts`, session_date and is_drifted, to those of the lake."""
    rows = verdicts.select(
        "session_date", "is_drifted", auc=0.9, auc_limit=0.7, mmd=0.2, mmd_p_value=0.001,
        recent_texts=60, reference_texts=600, reference_from="session_date",
        reference_to="session_date", vectors=pl.lit("bag of words"), model_version=pl.lit("x"),
    )  # fmt: skip
    _add(lake, TEXT_DRIFT, rows)


def _add(lake: Lake, table: Table, rows: pl.DataFrame) -> None:
    held = lake.read_or_empty(table).collect()
    lake.replace(table, merge_history(table, held, table.enforce(rows)), [ONE_FILE])
