"""Sources that disagree and bases that change, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.domain.audit.prices import basis_changes, disagreements
from finpulse_assets.schemas import PRICES

DAY = date(2024, 3, 4)
CLOSE_AT = datetime(2024, 3, 4, 21, tzinfo=UTC)


def bars(*rows: tuple) -> pl.LazyFrame:
    """Return raw/prices of (source, ticker, day number, close[, basis[, days late]])."""
    full = [(*row, *("unadjusted", 0)[len(row) - 4 :]) for row in rows]
    frame = pl.DataFrame(
        [
            (source, ticker, DAY + timedelta(days=at), CLOSE_AT + timedelta(days=at),
             CLOSE_AT + timedelta(days=at + late), float(close), basis)
            for source, ticker, at, close, basis, late in full
        ],
        schema=["source", "ticker", "session_date", "event_time", "knowledge_time", "close",
                "price_basis"],
        orient="row",
    ).with_columns(open="close", high="close", low="close", volume_shares=pl.lit(1))  # fmt: skip
    return PRICES.enforce(frame.select(PRICES.column_names)).lazy()


def test_closes_that_differ_by_more_than_the_tolerance_are_named():
    prices = bars(
        ("a", "T", 0, 100), ("b", "T", 0, 101), ("c", "T", 0, 100.2),
        ("a", "T", 1, 100), ("b", "T", 1, 100.5),
        ("a", "U", 0, 50), ("b", "U", 0, 60),
        ("a", "V", 0, 50),
    )  # fmt: skip
    found = disagreements(prices, 0.005)
    assert found.drop("price_basis").rows() == [
        ("U", DAY, ["a", "b"], [50.0, 60.0], pytest.approx(0.2)),
        ("T", DAY, ["a", "b", "c"], [100.0, 101.0, 100.2], pytest.approx(0.01)),
    ]
    assert disagreements(prices, 0.0049).height == 3


def test_only_newest_versions_on_one_basis_are_compared():
    prices = bars(
        ("a", "T", 0, 10), ("b", "T", 0, 40), ("b", "T", 0, 10, "unadjusted", 1),
        ("a", "T", 1, 10, "split_adjusted"), ("b", "T", 1, 40),
    )  # fmt: skip
    assert disagreements(prices, 0.005).is_empty()


def test_the_bar_at_which_a_basis_changes_is_named():
    prices = bars(
        ("a", "T", 0, 100), ("a", "T", 1, 10, "split_adjusted"),
        ("a", "T", 2, 11, "split_adjusted"),
        ("b", "T", 1, 100), ("b", "T", 2, 101), ("a", "U", 0, 5), ("a", "U", 1, 5),
    )  # fmt: skip
    assert basis_changes(prices).rows() == [
        ("a", "T", DAY + timedelta(days=1), "unadjusted", "split_adjusted", 100.0, 10.0)
    ]


def test_a_correction_on_another_basis_is_no_change_of_the_first_versions():
    prices = bars(("a", "T", 0, 100), ("a", "T", 0, 10, "split_adjusted", 2), ("a", "T", 1, 101))
    assert basis_changes(prices).is_empty()
