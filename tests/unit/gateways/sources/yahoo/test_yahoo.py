"""Yahoo Finance: what its answers and failures mean, against a server on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.gateways.sources.protocols import PartialAnswer
from finpulse_assets.gateways.sources.yahoo.yahoo import YahooSource
from tests.fakes.sources import END, START
from tests.fakes.yahoo_server import LoopbackSession, YahooServer, yahoo_server


@dataclass
class Yahoo:
    """The server, and sources that ask it and note how long they would have waited."""

    server: YahooServer
    waits: list[float] = field(default_factory=list)

    def source(self, *tickers: str, retries: int = 3, now: datetime = END) -> YahooSource:
        return YahooSource(
            tickers or ["AAA"],
            session=LoopbackSession(self.server),
            retries=retries,
            pause=self.waits.append,
            now=lambda: now,
        )


@pytest.fixture
def yahoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yahoo]:
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("zones")))
    with yahoo_server() as server:
        yield Yahoo(server)


def test_splits_after_a_bar_are_taken_out_even_beyond_the_window(yahoo: Yahoo) -> None:
    before_the_split = yahoo.source().prices(START, datetime(2024, 11, 28, tzinfo=UTC))
    assert before_the_split["close"].to_list() == [100.0, 104.0, 108.0]
    assert before_the_split["volume_shares"].to_list() == [4_000, 4_400, 4_800]
    assert set(before_the_split["price_basis"]) == {"unadjusted"}


def test_actions_are_those_of_the_window_in_money_of_their_day(yahoo: Yahoo) -> None:
    actions = yahoo.source().corporate_actions(START, datetime(2024, 11, 30, tzinfo=UTC))
    assert actions.select("ticker", "ex_date", "kind", "value").rows() == [
        ("AAA", date(2024, 11, 26), "dividend", 0.8)
    ]


def test_a_session_that_is_still_open_has_no_bar(yahoo: Yahoo) -> None:
    new_york = ZoneInfo("America/New_York")
    half_day_noon = datetime(2024, 11, 29, 12, 59, tzinfo=new_york).astimezone(UTC)
    days = yahoo.source(now=half_day_noon).prices(START, END)["session_date"]
    assert days.max() == date(2024, 11, 27)
    closed = half_day_noon + timedelta(minutes=2)
    assert yahoo.source(now=closed).prices(START, END)["session_date"].max() == date(2024, 11, 29)


def test_a_weekend_is_an_empty_delivery_and_no_failure(yahoo: Yahoo) -> None:
    saturday, sunday = datetime(2024, 11, 30, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)
    assert yahoo.source(now=sunday).prices(saturday, sunday).is_empty()
    in_the_future = yahoo.source(now=saturday).prices(sunday, END)
    assert in_the_future.is_empty()


def test_headlines_have_their_publisher_and_no_advertisements(yahoo: Yahoo) -> None:
    rows = yahoo.source("AAA").texts("headlines", START, END).to_dicts()
    assert [row["text"] for row in rows] == ['$AAA "up", they say', "RT @ann: naïve 📈"]
    assert rows[0]["author"] == "ann"
    assert rows[0]["event_time"] == datetime(2024, 11, 25, 9, 30, tzinfo=UTC)
    assert {(row["knowledge_time"], row["is_retweet"], row["source"]) for row in rows} == {
        (None, False, "yahoo")
    }


def test_tweets_are_none_and_cost_no_request(yahoo: Yahoo) -> None:
    assert yahoo.source().texts("tweets", START, END).is_empty()
    assert yahoo.server.calls == []


def test_an_item_of_another_form_is_delivered_with_its_problem(yahoo: Yahoo) -> None:
    yahoo.server.news["AAA"] = [
        {"id": "a", "content": {"title": "T", "pubDate": "soon", "provider": "Wire"}},
        {"id": "b", "content": None},
    ]
    rows = yahoo.source().texts("headlines", START, END).to_dicts()
    assert [(row["text_id"], row["text"], row["problem"]) for row in rows] == [
        ("a", "T", "event_time 'soon' is not a time"),
        ("b", None, None),
    ]


def test_tickers_have_the_day_they_were_first_traded(yahoo: Yahoo) -> None:
    assert yahoo.source("aaa", "BRK.B", "AAA").tickers().rows() == [
        ("AAA", "Aardvark Mining", None, None, date(1999, 5, 3), None),
        ("BRK-B", "Brook Holdings", None, None, date(1999, 5, 3), None),
    ]


def test_an_unknown_ticker_is_named_and_the_others_delivered(
    yahoo: Yahoo, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="finpulse_assets.gateways.sources.yahoo.yahoo"):
        prices = yahoo.source("AAA", "ZZZ", "NOPE").prices(START, END)
    assert set(prices["ticker"]) == {"AAA"}
    assert "Yahoo has no data for NOPE, ZZZ, going on without" in caplog.text
    assert yahoo.waits == []


def test_no_known_ticker_at_all_is_an_error(yahoo: Yahoo) -> None:
    with pytest.raises(SourceError, match=r"no data for any of the tickers NOPE, ZZZ. Hint: check"):
        yahoo.source("ZZZ", "NOPE").prices(START, END)


def test_a_passing_failure_is_outwaited(yahoo: Yahoo) -> None:
    yahoo.server.failures = ["html", "timeout", "drop"]
    assert yahoo.source().prices(START, END).height == 6
    # Twice as long each time, and never in step with others: between a half and three halves.
    assert len(yahoo.waits) == 3
    for attempt, wait in enumerate(yahoo.waits):
        assert 1.0 * 2**attempt <= wait <= 3.0 * 2**attempt


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (
            "429",
            r"too many requests \(HTTP 429\) for AAA, 3 attempts were made. Hint: wait some mi",
        ),
        ("html", "an answer that is no data for AAA, 3 attempts .* Hint: try later"),
        ("drop", r"no answer \(ConnectionError\) for AAA, 3 .* Hint: check the network and the pr"),
        ("timeout", r"no answer \(ReadTimeout\) for AAA, 3 attempts"),
    ],
)
def test_a_lasting_failure_is_one_sentence_after_bounded_attempts(
    yahoo: Yahoo, failure: str, sentence: str
) -> None:
    source = yahoo.source("AAA", retries=2)
    for ask in (
        lambda: source.prices(START, END),
        lambda: source.texts("headlines", START, END),
        source.tickers,
    ):
        yahoo.server.failures, yahoo.waits[:] = [failure] * 100, []
        yahoo.server.calls.clear()
        with pytest.raises(SourceError, match=sentence):
            ask()
        assert len(yahoo.waits) == 2
        assert len(yahoo.server.calls) == (6 if failure == "429" else 3)


def test_prices_and_actions_of_a_run_are_one_call_a_ticker(yahoo: Yahoo) -> None:
    source = yahoo.source("AAA", "BRK-B")
    assert source.prices(START, END).height == 12
    assert source.corporate_actions(START, END).height == 2
    # yfinance asks for the time zone of a ticker once a process.
    assert len([call for call in yahoo.server.calls if "period1=" in call]) == 2


def test_a_ticker_that_fails_leaves_the_others_alone(yahoo: Yahoo) -> None:
    source = yahoo.source("AAA", "BRK-B", retries=0)
    yahoo.server.failures = ["html"]
    with pytest.raises(PartialAnswer, match=r"for AAA.*; 1 of 2 tickers failed") as caught:
        source.prices(START, END)
    assert caught.value.rows["ticker"].unique().to_list() == ["BRK-B"]
    assert caught.value.unanswered == ["AAA"]
    assert source.prices(START, END)["ticker"].n_unique() == 2


def test_too_many_requests_are_not_made_with_every_ticker(yahoo: Yahoo) -> None:
    source = yahoo.source("AAA", "BRK-B", retries=0)
    yahoo.server.failures = ["", "429", "429"]
    with pytest.raises(PartialAnswer, match=r"HTTP 429"):
        source.texts("headlines", START, END)
    yahoo.server.calls.clear()
    yahoo.server.failures = ["429", "429"]
    with pytest.raises(SourceError, match=r"HTTP 429"):
        source.texts("headlines", START, END)
    assert len(yahoo.server.calls) == 2  # of the first ticker, each with another cookie


def test_a_ticker_without_data_is_said_with_the_answer(yahoo: Yahoo) -> None:
    source = yahoo.source("AAA", "NOPE")
    source.prices(START, END)
    assert source.remarks("prices") == ["Yahoo has nothing about NOPE"]


def test_no_ticker_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match=r"no tickers are given. Hint: set FINPULSE_TICKERS"):
        YahooSource([" ", ""])
