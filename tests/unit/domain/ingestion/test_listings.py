"""Listings as versions: what was said about earlier sessions stands."""

from __future__ import annotations

from datetime import date

import polars as pl

from finpulse_assets.domain.ingestion.listings import next_versions, unite_listings
from finpulse_assets.schemas import TICKERS

FIRST, TODAY = date(2023, 1, 3), date(2024, 6, 3)


def listing(*rows: dict) -> pl.DataFrame:
    full = [
        {"ticker": "A", "company": "Acme", "sector": "Tech", "valid_from": FIRST, **row}
        for row in rows
    ]
    frame = pl.DataFrame(full, schema_overrides=TICKERS.polars_schema, infer_schema_length=None)
    absent = [pl.lit(None, c.dtype).alias(c.name) for c in TICKERS.columns if c.name not in frame]
    return TICKERS.enforce(frame.with_columns(absent).select(TICKERS.column_names))


def versions(frame):
    return frame.sort("ticker", "valid_from").select("sector", "valid_from", "valid_to").rows()


def test_the_first_listing_is_taken_as_it_is():
    assert next_versions(TICKERS.empty(), listing({}), TODAY).equals(listing({}))


def test_what_is_no_symbol_is_not_listed():
    listed = unite_listings([listing({}, {"ticker": "=CMD|X"}, {"ticker": "^GSPC"})])
    assert listed["ticker"].to_list() == ["A", "^GSPC"]


def test_a_sector_that_changes_holds_from_today():
    found = next_versions(listing({}), listing({"sector": "Energy"}), TODAY)
    assert versions(found) == [("Tech", FIRST, date(2024, 6, 2)), ("Energy", TODAY, None)]
    again = next_versions(found, listing({"sector": "Energy"}), date(2024, 6, 4))
    assert again.equals(found)


def test_a_change_seen_twice_on_one_day_is_one_version():
    once = next_versions(listing({}), listing({"sector": "Energy"}), TODAY)
    twice = next_versions(once, listing({"sector": "Retail"}), TODAY)
    assert [row[0] for row in versions(twice)] == ["Tech", "Energy"]


def test_a_value_that_is_no_longer_named_changes_nothing():
    assert next_versions(listing({}), listing({"sector": None}), TODAY).equals(listing({}))


def test_a_sector_that_becomes_known_holds_from_today():
    found = next_versions(listing({"sector": None}), listing({}), TODAY)
    assert versions(found) == [(None, FIRST, date(2024, 6, 2)), ("Tech", TODAY, None)]


def test_an_end_and_an_earlier_beginning_are_corrected_in_place():
    earlier, end = date(2022, 1, 3), date(2024, 5, 31)
    found = next_versions(listing({}), listing({"valid_from": earlier, "valid_to": end}), TODAY)
    assert versions(found) == [("Tech", earlier, end)]


def test_a_ticker_that_is_no_longer_listed_is_kept():
    found = next_versions(listing({}, {"ticker": "B"}), listing({}), TODAY)
    assert found["ticker"].to_list() == ["A", "B"]


def test_versions_that_a_source_names_itself_are_believed():
    own = listing({"valid_to": date(2023, 12, 29)}, {"sector": "X", "valid_from": date(2024, 1, 2)})
    assert next_versions(listing({}), own, TODAY).equals(own)


def test_a_ticker_comes_whole_from_the_first_source_that_lists_it():
    found = unite_listings(
        [listing({"sector": None}), listing({"sector": "Energy"}, {"ticker": "B"})]
    )
    assert found.select("ticker", "sector").rows() == [("A", None), ("B", "Tech")]
