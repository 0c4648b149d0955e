"""The checks of prices, once passing, once warning with the rows that show why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from finpulse_assets.defs.market.checks import price_basis_is_constant, sources_agree_on_prices
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import PRICES
from finpulse_assets.settings import Settings


def lake_with(folder, *rows: tuple[str, int, float, str]) -> Lake:
    """Write bars of T of (source, day of March 2024, close, basis)."""
    frame = pl.DataFrame(
        [(source, date(2024, 3, day), datetime(2024, 3, day, 21, tzinfo=UTC), close, basis)
         for source, day, close, basis in rows],
        schema=["source", "session_date", "knowledge_time", "close", "price_basis"], orient="row",
    ).with_columns(
        ticker=pl.lit("T"), event_time="knowledge_time", open="close", high="close", low="close",
        volume_shares=pl.lit(1),
    )  # fmt: skip
    lake = Lake(folder)
    lake.replace(PRICES, frame.select(PRICES.column_names), ["2024-03-01"])
    return lake


def test_sources_agree_on_prices(tmp_path):
    rows = [("a", 4, 100.0, "unadjusted"), ("b", 4, 101.0, "unadjusted")]
    lake = lake_with(tmp_path, *rows)
    found = sources_agree_on_prices(lake, Settings(price_tolerance=0.005))
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == (
        "bars that differ by more than 0.50%: 1, most of all T on 2024-03-04: 100 of a, 101 of b"
    )
    assert "| a, b | 100.0, 101.0 |" in found.metadata["offending_rows"].md_str
    assert sources_agree_on_prices(lake, Settings(price_tolerance=0.011)).passed


def test_price_basis_is_constant(tmp_path):
    lake = lake_with(tmp_path, ("a", 4, 100.0, "unadjusted"), ("a", 5, 10.0, "split_adjusted"))
    found = price_basis_is_constant(lake)
    assert not found.passed
    assert found.description == (
        "bars at which the price basis of a series changes: 1, the first T on 2024-03-05 of a, "
        "from unadjusted to split_adjusted"
    )
    assert price_basis_is_constant(
        lake_with(tmp_path / "sound", ("a", 4, 1.0, "unadjusted"))
    ).passed


def test_without_prices_both_pass(tmp_path):
    assert sources_agree_on_prices(Lake(tmp_path), Settings()).passed
    assert price_basis_is_constant(Lake(tmp_path)).passed
