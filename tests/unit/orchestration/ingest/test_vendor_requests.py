"""Requests to vendors through the lake: parts, days that are caught up, and reading again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.sources.finnhub.finnhub import Finnhub
from finpulse_assets.gateways.sources.vendor import Page
from finpulse_assets.orchestration.ingest.reparse import reparse
from finpulse_assets.orchestration.ingest.start import months_to_run
from finpulse_assets.orchestration.ingest.union import UNITED_FILE
from finpulse_assets.schemas import requests_table, source_table
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.days import Days
from tests.fakes.vendors.server import Clock, Vendors, running

CORPUS = Corpus(date(2026, 10, 20), date(2026, 12, 3))
NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[Vendors]:
    clock = Clock(datetime(2026, 11, 1, tzinfo=UTC))
    with running(Vendors(CORPUS, clock, has_rates=False)) as vendors:
        yield vendors


@pytest.fixture
def vendors(server: Vendors) -> Vendors:
    server.script = {}
    for asked in server.requests.values():
        asked.clear()
    return server


def told(start: datetime, end: datetime) -> set[tuple[str, datetime]]:
    return {(story.ticker, story.at) for story in CORPUS.told(None, start, end)}


def had(days: Days, kind: str = "headlines") -> set[tuple[str, datetime]]:
    return set(days.rows(kind).select("ticker", "event_time").rows())


BEGIN = datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_a_part_counts_and_the_rest_is_asked_for_by_the_next_run(vendors, tmp_path):
    days = Days(vendors, "finnhub", tmp_path, NOVEMBER)
    days.run(days.midday(5))
    vendors.script["finnhub"] = ["", "404"]  # the second ticker's
    part = days.run(days.midday(6))[0]
    assert part.status == "partial"
    assert "HTTP 404" in part.problem and "1 of 3 failed" in part.problem
    missing = told(days.midday(5), days.midday(6)) - had(days)
    assert {ticker for ticker, _ in missing} == {"BRK-B"}
    assert days.run(days.midday(7))[0].status == "answered"
    assert had(days) == told(BEGIN, days.midday(7))


def test_a_ticker_that_failed_at_the_end_of_a_month_starts_the_next_run_there(vendors, tmp_path):
    days = Days(vendors, "finnhub", tmp_path, NOVEMBER, sources="finnhub")
    days.run(days.midday(29))
    vendors.script["finnhub"] = ["", "404"]
    days.run(days.midday(30))
    december = datetime(2026, 12, 1, 21, 30, tzinfo=UTC)
    vendors.script["finnhub"] = ["", "404"]
    vendors.clock.at = december
    first = months_to_run(days.settings, days.lake, december)
    assert first == ["2026-11-01", "2026-12-01"]
    assert days.run(december, first)[0].status == "partial"
    assert months_to_run(days.settings, days.lake, december) == first
    assert days.run(december + timedelta(hours=1), first)[0].status == "answered"
    assert months_to_run(days.settings, days.lake, december) == ["2026-12-01"]
    assert had(days) == told(BEGIN, december + timedelta(hours=1))


@pytest.mark.parametrize("name", ["finnhub", "newsapi", "x"])
def test_a_source_that_was_down_for_days_lacks_none_in_the_end(vendors, tmp_path, name):
    kind = "tweets" if name == "x" else "headlines"
    days = Days(vendors, name, tmp_path, NOVEMBER)
    days.run(days.midday(4))
    for day in (5, 6):
        vendors.script[name] = ["*html"]
        assert days.run(days.midday(day))[0].status == "failed"
    vendors.script.clear()
    days.run(days.midday(7))
    lag = timedelta(seconds=30)
    assert had(days, kind) >= told(BEGIN, days.midday(7) - lag)


def test_a_run_that_was_killed_after_an_answer_loses_nothing(vendors, tmp_path, monkeypatch):
    days = Days(vendors, "finnhub", tmp_path, NOVEMBER)
    with monkeypatch.context() as patch:
        patch.setattr("finpulse_assets.orchestration.ingest.request.accept", _killed)
        with pytest.raises(KeyboardInterrupt):
            days.run(days.midday(5))
    asked = len(vendors.requests["finnhub"])
    days.run(days.midday(5))
    assert len(vendors.requests["finnhub"]) == asked
    assert had(days) == told(BEGIN, days.midday(5))


def _killed(*_args: object, **_options: object) -> None:
    raise KeyboardInterrupt


def test_what_comes_late_is_known_when_it_came(vendors, tmp_path):
    days = Days(vendors, "newsapi", tmp_path, NOVEMBER)
    hidden = CORPUS.told("AAPL", days.midday(5), days.midday(6))[0]
    days.run(days.midday(5))
    fake = vendors.fakes["newsapi"]
    fake.corpus = Corpus(CORPUS.first, CORPUS.last)
    fake.corpus.stories.remove(hidden)
    days.run(days.midday(6))
    fake.corpus = CORPUS
    days.run(days.midday(7))
    row = days.rows("headlines").filter(event_time=hidden.at, ticker="AAPL").row(0, named=True)
    assert row["knowledge_time"] == days.midday(7)
    punctual = days.rows("headlines").filter(pl.col("event_time") != hidden.at)
    assert punctual.filter(pl.col("knowledge_time") != pl.col("event_time")).is_empty()


@pytest.mark.parametrize(
    ("name", "kind"), [("finnhub", "headlines"), ("stooq", "prices"), ("binance", "bars_1m")]
)
def test_reading_again_with_the_same_parser_changes_nothing(vendors, tmp_path, name, kind):
    days = Days(vendors, name, tmp_path, NOVEMBER)
    for day in (4, 5, 6):
        vendors.script[name] = ["503", "", "404"] if day == 5 and name == "finnhub" else []
        days.run(days.midday(day))
    before, files = days.rows(kind), {}
    folder = days.lake.root / source_table(name, kind).name
    files = {path: path.read_bytes() for path in folder.glob("*.parquet")}
    asked = len(vendors.requests[name])
    done = reparse(days.settings, name, vendors.clock.now)
    assert [(one.rows, one.added, one.removed) for one in done] == [(before.height, 0, 0)]
    assert days.rows(kind).equals(before)
    assert {path: path.read_bytes() for path in folder.glob("*.parquet")} == files
    assert len(vendors.requests[name]) == asked


def test_a_parser_that_was_wrong_is_corrected_without_a_request(vendors, tmp_path, monkeypatch):
    right = Days(vendors, "finnhub", tmp_path / "right", NOVEMBER)
    for day in (4, 5, 6):
        right.run(right.midday(day))
    read = Finnhub.read

    def wrong(self, answer) -> Page:
        page = read(self, answer)
        rows = [{**row, "ticker": "MSFT", "text": row["text"].upper()} for row in page.rows]
        return Page([row for row in rows if "DIVIDEND" not in row["text"]], is_cut=page.is_cut)

    days = Days(vendors, "finnhub", tmp_path / "wrong", NOVEMBER)
    with monkeypatch.context() as patch:
        patch.setattr(Finnhub, "read", wrong)
        for day in (4, 5, 6):
            days.run(days.midday(day))
        assert days.rows("headlines")["ticker"].unique().to_list() == ["MSFT"]
    united = days.lake.root / "raw/headlines" / UNITED_FILE
    united.parent.mkdir(parents=True, exist_ok=True)
    united.write_text('["finnhub"]')
    asked = len(vendors.requests["finnhub"])
    done = reparse(days.settings, "finnhub", vendors.clock.now)[0]
    assert days.rows("headlines").equals(right.rows("headlines"))
    assert done.added == done.rows > done.removed > 0
    assert len(vendors.requests["finnhub"]) == asked
    assert not united.exists(), "the raw table has to be united anew"


def test_a_source_without_kept_answers_says_so(vendors, tmp_path):
    days = Days(vendors, "finnhub", tmp_path, NOVEMBER)
    with pytest.raises(SettingError, match="the source yahoo keeps no answers"):
        reparse(days.settings, "yahoo", vendors.clock.now)


def test_what_an_answer_lacks_is_noted(vendors, tmp_path):
    days = Days(vendors, "gdelt", tmp_path, date(2026, 11, 5))
    vendors.script["gdelt"] = ["404"]
    answer = days.run(days.midday(5))[0]
    assert any("GDELT has no file of 2026-11-05" in note for note in answer.delivery.notes)
    assert any("about no ticker" in note for note in answer.delivery.notes)
    statuses = days.lake.scan(requests_table("gdelt")).collect()["status"].to_list()
    assert statuses == ["answered"]
