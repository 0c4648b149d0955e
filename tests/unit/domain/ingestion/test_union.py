"""Rows of several sources in one table: each under its name, none silently left out."""

from __future__ import annotations

from datetime import date

from finpulse_assets.domain.ingestion.union import unite_market, unite_texts
from finpulse_assets.schemas import HEADLINES, PRICES, TWEETS
from tests.unit.domain.ingestion.delivery_table import AS_OF, SESSIONS, FedTable, bars, june, texts


def delivered(kind, frame):
    table = FedTable(kind)
    table.feed(frame, AS_OF)
    return table.rows


def united(parts, tickers=("AAPL",)):
    return unite_texts(TWEETS, parts, sessions=SESSIONS, tickers=tickers)


def test_equal_ids_of_two_sources_are_two_rows():
    one = delivered("tweets", texts({"text_id": "1", "text": "up"}))
    other = delivered("tweets", texts({"text_id": "1", "text": "down"}))
    rows = united({"x": one, "wire": other}).rows
    assert rows.select("source", "text_id", "text").rows() == [
        ("wire", "1", "down"),
        ("x", "1", "up"),
    ]


def test_a_text_counts_for_the_first_session_decided_after_it():
    rows = united({"x": delivered("tweets", texts({"event_time": june(5, 22)}))}).rows
    assert rows["session_date"].to_list() == [date(2024, 6, 6)]


def test_a_ticker_outside_the_universe_is_out_of_scope_not_bad():
    held = delivered("tweets", texts({}, {"text_id": "2", "ticker": "MSFT"}))
    found = united({"x": held})
    assert found.rows["ticker"].to_list() == ["AAPL"]
    assert found.out_of_scope.rows() == [("MSFT", 1)]
    assert found.out_of_scope_rows == 1
    assert united({"x": held}, ("AAPL", "MSFT")).out_of_scope_rows == 0


def test_bars_of_two_sources_stand_side_by_side():
    one, other = delivered("prices", bars({})), delivered("prices", bars({"close": 10.1}))
    rows = unite_market(PRICES, {"a": one, "b": other}).rows
    assert rows.select("source", "close").rows() == [("a", 10.0), ("b", 10.1)]


def test_no_source_is_an_empty_table():
    assert unite_texts(HEADLINES, {}, sessions=SESSIONS, tickers=[]).rows.equals(HEADLINES.empty())
    assert unite_market(PRICES, {}).rows.equals(PRICES.empty())
