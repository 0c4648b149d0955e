"""Directories: what is new, what has ended, and what is not believed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.ingestion.companies import directory, directory_changes
from finpulse_assets.domain.ingestion.listings import next_versions, with_directory
from finpulse_assets.gateways.sources.company_source import DELIVERED_LISTINGS
from finpulse_assets.schemas import TICKERS, source_table

MONDAY = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)


def listed(*tickers: str, file: str = "nasdaqlisted", **more: object) -> pl.DataFrame:
    rows = [{"ticker": it, "company": it.title(), "source": file, **more} for it in tickers]
    return pl.DataFrame(rows, schema=DELIVERED_LISTINGS).drop("problem")


def kept(*changes: pl.DataFrame) -> pl.DataFrame:
    """Return changes as the lake holds them."""
    table = source_table("nasdaqtrader", "listings")
    rows = pl.concat([table.empty().drop("delivered_at"), *(
        it.rename({"source": "origin"}).select(table.empty().drop("delivered_at").columns)
        for it in changes
    )])  # fmt: skip
    return rows.with_columns(delivered_at="knowledge_time")


def days(*directories: pl.DataFrame) -> pl.DataFrame:
    """Return what is held after a directory a day."""
    held = kept()
    for at, one in enumerate(directories):
        changes, problem = directory_changes(one, held, MONDAY + timedelta(days=at))
        assert problem is None
        held = pl.concat([held, kept(changes)])
    return held


def test_only_changes_are_kept_and_a_ticker_that_is_gone_has_ended():
    held = days(listed("AAA", "BBB"), listed("AAA", "BBB"), listed("AAA"))
    assert held.select("ticker", "is_listed").rows() == [
        ("AAA", True), ("BBB", True), ("BBB", False),
    ]  # fmt: skip
    assert held["knowledge_time"][-1] == MONDAY + timedelta(days=2)


def test_a_ticker_that_comes_back_is_listed_again():
    held = days(listed("AAA", "BBB"), listed("AAA"), listed("AAA", "BBB"))
    assert held.filter(ticker="BBB")["is_listed"].to_list() == [True, False, True]


def test_a_value_that_is_no_longer_given_changes_nothing():
    held = days(listed("AAA", sector="Health"), listed("AAA"), listed("AAA", sector="Energy"))
    assert held["sector"].to_list() == ["Health", "Energy"]


def test_a_file_that_did_not_come_ends_nothing():
    both = pl.concat([listed("AAA"), listed("BBB", file="otherlisted")])
    assert days(both, listed("AAA"))["is_listed"].all()


def test_half_a_directory_ends_nothing_and_is_named():
    tickers = [f"T{at}" for at in range(200)]
    held = days(listed(*tickers))
    changes, problem = directory_changes(listed(*tickers[:100]), held, MONDAY + timedelta(days=1))
    assert changes.is_empty()
    assert problem.startswith("100 of 200 tickers are missing at once, such as T100")


def test_a_sector_that_a_directory_names_later_is_a_later_version():
    """Earlier sessions do not get to know it."""
    quoted = TICKERS.enforce(pl.DataFrame(
        [("AAA", None, None, None, date(2025, 1, 2), None)], schema=TICKERS.polars_schema,
        orient="row",
    ))  # fmt: skip
    first = next_versions(TICKERS.empty(), quoted, date(2026, 11, 20))
    said = directory([_source(days(listed("AAA", sector="Health")))])
    later = next_versions(first, with_directory(quoted, said), date(2026, 11, 23))
    assert later.select("sector", "valid_from", "valid_to").rows() == [
        (None, date(2025, 1, 2), date(2026, 11, 22)),
        ("Health", date(2026, 11, 23), None),
    ]


def test_a_ticker_that_has_ended_keeps_its_row_and_gets_an_end():
    quoted = TICKERS.enforce(pl.DataFrame(
        [(it, None, None, None, date(2025, 1, 2), None) for it in ("AAA", "BBB", "^SPX")],
        schema=TICKERS.polars_schema, orient="row",
    ))  # fmt: skip
    held = _source(days(listed("AAA", "BBB"), listed("AAA")))
    ends = with_directory(quoted, directory([held])).select("ticker", "valid_to").rows()
    assert ends == [("AAA", None), ("BBB", date(2026, 11, 23)), ("^SPX", None)]


def _source(held: pl.DataFrame) -> pl.DataFrame:
    return held.with_columns(source=pl.lit("nasdaqtrader"))
