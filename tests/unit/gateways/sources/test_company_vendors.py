"""What the vendors of listings, holdings and option chains read, beyond the contract of all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Ask
from finpulse_assets.gateways.sources.edgar13f.edgar13f import Edgar13F
from finpulse_assets.gateways.sources.replies import Passing, Reply, Request
from finpulse_assets.schemas import LISTINGS
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.days import Days
from tests.fakes.vendors.filings import Filing, cusip, text_of
from tests.fakes.vendors.server import Clock, Vendors, running

NOW = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)


def read(accepted_at: datetime, body: bytes | None = None) -> dict[str, dict[str, object]]:
    """Return ticker -> row of a filing of 300 shares of the first ticker."""
    filing = Filing("0001-1", 77, date(2022, 12, 31), accepted_at, False, {"AAA": 300})
    body = text_of(filing, ["AAA", "BBB"]) if body is None else body
    vendor = Edgar13F(
        ["77"], {cusip(0): "AAA", cusip(1): "BBB"}, "http://files", Access(""),
        zone="America/New_York",
    )  # fmt: skip
    ask = Ask("holdings", "77", (NOW, NOW), Request("u", then=("v",)), 2)
    page = vendor.read(Answer(ask, Reply(200, {}, body, NOW), NOW))
    assert page.following == Request("v")
    return {row["ticker"]: row for row in page.rows}


def test_lines_of_one_share_are_added_up_puts_left_out_and_absence_is_zero():
    rows = read(datetime(2023, 2, 14, 16, 5, tzinfo=UTC))
    assert {ticker: row["shares"] for ticker, row in rows.items()} == {"AAA": 300, "BBB": 0}


def test_a_filing_is_known_at_its_acceptance_in_new_york():
    row = read(datetime(2023, 2, 14, 16, 5, tzinfo=UTC))["AAA"]
    assert row["knowledge_time"] == datetime(2023, 2, 14, 21, 5, tzinfo=UTC)
    assert row["report_date"] == date(2022, 12, 31)


@pytest.mark.parametrize(("day", "value"), [(date(2022, 12, 30), 3e6), (date(2023, 1, 4), 3e3)])
def test_values_are_in_thousands_until_2023(day, value):
    accepted = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
    assert read(accepted)["AAA"]["value_usd"] == value


def test_xml_that_attacks_its_reader_is_refused():
    bomb = (
        b"<ACCEPTANCE-DATETIME>20230214160500\n<XML><!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a></XML>"
        b"</SEC-DOCUMENT>"
    )
    with pytest.raises(SourceError, match="XML cannot be read"):
        read(NOW, bomb)


def test_a_filing_that_is_cut_short_is_asked_for_again():
    with pytest.raises(Passing, match="cut short"):
        read(NOW, b"<ACCEPTANCE-DATETIME>20230214160500\n<XML><a/></XML>")


def test_the_directories_tell_an_end_and_edgar_a_new_name(tmp_path):
    """A ticker that ends stays; the number of the company says which ticker follows it."""
    companies = {"AAPL": "Apple", "FB": "Meta", "MSFT": "Microsoft", "TWTR": "Twitter"}
    end = NOW + timedelta(hours=12)
    corpus = Corpus(
        date(2026, 11, 20), date(2026, 11, 28), companies, ends={"FB": end, "TWTR": end},
        renames={"FB": "META"},
    )  # fmt: skip
    with running(Vendors(corpus, Clock(NOW))) as vendors:
        sources = [
            Days(vendors, it, tmp_path, date(2026, 11, 20)) for it in ("nasdaqtrader", "edgar")
        ]
        for at in (NOW, NOW + timedelta(days=1)):
            for source in sources:
                answers = source.run(at)
                assert {it.status for it in answers} == {"answered"}, answers
    for source in sources:
        rows = source.rows("listings")
        said = rows.filter(ticker="FB")["is_listed"].to_list()
        assert said == [True, False], source.name
        assert rows.filter(ticker="TWTR")["is_listed"].to_list() == [True, False]
        assert rows.filter(ticker="META")["is_listed"].to_list() == [True]
        assert rows.filter(ticker="AAPL").height == 1
    numbers = dict(rows.select("ticker", "cik").rows())
    assert numbers["META"] == numbers["FB"]
    assert rows.filter(ticker="AAPL")["sector"].to_list() == ["Business equipment"]
    assert set(rows.columns) >= set(LISTINGS.column_names) - {"source"}
