"""Requests to vendors: waits, the circuit, limits of size, and what is kept of an answer."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, AnswerStore, Ask
from finpulse_assets.gateways.sources.http import HttpClient
from finpulse_assets.gateways.sources.limits import Circuit, Limiter, Rate
from finpulse_assets.gateways.sources.replies import (
    Passing,
    Reply,
    Request,
    StopAsking,
    judge_status,
    retry_after,
)
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.deployed import feed
from tests.fakes.vendors.server import Clock, Vendors, running

NOW = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)
CORPUS = Corpus(date(2026, 11, 20), date(2026, 11, 26))


@pytest.fixture(scope="module")
def server() -> Iterator[Vendors]:
    with running(Vendors(CORPUS, Clock(NOW), has_rates=False)) as vendors:
        yield vendors


@pytest.fixture
def vendors(server: Vendors) -> Vendors:
    server.clock.at, server.script = NOW, {}
    server.clock.slept.clear()
    for asked in server.requests.values():
        asked.clear()
    return server


def client(vendors: Vendors, **more: object) -> HttpClient:
    access = Access(vendors.url("rss"), **more)
    return HttpClient(access, vendors.clock.timer)


def get(http: HttpClient, kept: list[Reply] | None = None) -> Reply:
    kept = [] if kept is None else kept
    return http.ask(Request("all.xml"), keep=kept.append, judge=judge_status)


def reply(status: int = 429, **headers: str) -> Reply:
    return Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, b"", NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "Wed, 25 Nov 2026 21:31:00 GMT"}, 60),
        ({"retry_after": "soon"}, 0),
        ({"x_rate_limit_reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"x_ratelimit_reset": "300", "x_ratelimit_remaining": "0.0"}, 300),
        ({"x_ratelimit_reset": "300", "x_ratelimit_remaining": "12"}, 0),
        ({}, 0),
    ],
)
def test_a_vendor_says_how_long_it_wants_to_be_left_alone(headers, seconds):
    assert retry_after(reply(**headers)) == pytest.approx(seconds)


def test_its_word_is_kept_before_the_next_attempt(vendors):
    vendors.script["rss"] = ["429-retry-after"]
    assert get(client(vendors)).status == 200
    assert sum(vendors.clock.slept) >= 7


def test_a_used_up_window_is_waited_for(vendors):
    http = client(vendors)
    used_up = reply(200, x_rate_limit_remaining="0", x_rate_limit_reset="120")
    http._limiter.block(used_up.reset_seconds)
    get(http)
    assert sum(vendors.clock.slept) == pytest.approx(120)


def test_every_reply_is_kept_in_the_order_they_came(vendors):
    vendors.script["rss"], kept = ["503", "html"], []
    get(client(vendors), kept)
    assert [one.status for one in kept] == [503, 200]


def test_attempts_have_an_end_and_are_named(vendors):
    vendors.script["rss"] = ["*503"]
    with pytest.raises(SourceError, match=r"HTTP 503, 4 attempts were made"):
        get(client(vendors))
    assert len(vendors.requests["rss"]) == 4
    doubled = vendors.clock.slept
    assert doubled[0] < 3.01 and doubled[2] > 3.99


def test_what_is_refused_is_not_tried_again(vendors):
    vendors.script["rss"] = ["404"]
    with pytest.raises(SourceError, match="HTTP 404"):
        get(client(vendors))
    assert len(vendors.requests["rss"]) == 1


def test_the_circuit_opens_and_one_request_tries_it_again(vendors):
    vendors.script["rss"] = ["*503"]
    http = client(vendors)
    for _ in range(2):
        with pytest.raises(SourceError):
            get(http)
    with pytest.raises(StopAsking, match="8 failures in a row; nothing is asked until"):
        get(http)
    assert len(vendors.requests["rss"]) == 8
    vendors.clock.at += timedelta(minutes=16)
    vendors.script.clear()
    assert get(http).status == 200
    assert get(http).status == 200


def test_a_circuit_that_was_tried_in_vain_stays_open():
    clock = Clock(NOW)
    circuit = Circuit(clock.timer, limit=2)
    for _ in range(2):
        circuit.note(is_failure=True)
    clock.sleep(901)
    assert circuit.open_until is None
    circuit.note(is_failure=True)
    assert circuit.open_until == clock.at + timedelta(minutes=15)


def test_all_requests_together_have_an_end(vendors):
    http = client(vendors, seconds=(60.0, 100.0))
    get(http)
    vendors.clock.at += timedelta(seconds=101)
    with pytest.raises(StopAsking, match="the time for all requests is over"):
        get(http)
    http.begin()
    assert get(http).status == 200


def test_an_answer_has_a_largest_size_also_when_it_is_packed(vendors, monkeypatch):
    small = client(vendors, largest_body=500)
    with pytest.raises(SourceError, match="an answer of more than 500 bytes"):
        get(small)
    bomb = gzip.compress(b"0" * 10_000_000)
    from tests.fakes.vendors.faults import CHANGES

    pack = {"content-encoding": "gzip"}
    monkeypatch.setitem(CHANGES, "bomb", lambda made: replace(made, body=bomb, headers=pack))
    vendors.script["rss"] = ["bomb"]
    with pytest.raises(SourceError, match="an answer of more than 500 bytes"):
        get(small)


def test_a_redirect_is_not_followed_with_a_secret(vendors):
    http = client(vendors, follows=True, secret_headers={"X-Key": "a-secret-key"})
    assert not http._http.follow_redirects
    assert client(vendors, follows=True)._http.follow_redirects


def test_a_key_that_an_answer_repeats_is_hidden(vendors, tmp_path):
    vendors.script["alphavantage"] = ["usage-cap"]
    source = feed(vendors, "alphavantage", tmp_path)
    with pytest.raises(SourceError, match=r"Your key \*\*\* has a rate limit of 25"):
        source.ask("headlines", NOW - timedelta(days=1), NOW)


def test_a_rate_holds_in_every_window_wherever_it_begins():
    clock = Clock(NOW)
    limiter, made = Limiter((Rate(3, 10.0), Rate(5, 60.0)), clock.timer), []
    for _ in range(12):
        clock.sleep(limiter.wait())
        limiter.take()
        made.append(clock.at)
        clock.sleep(1)
    for seconds, most in ((10, 3), (60, 5)):
        span = timedelta(seconds=seconds)
        assert max(sum(at <= it < at + span for it in made) for at in made) == most


def test_a_new_process_knows_what_another_has_asked(vendors, tmp_path):
    source = feed(vendors, "finnhub", tmp_path)
    source.ask("headlines", NOW - timedelta(days=3), NOW)
    asked = len(vendors.requests["finnhub"])
    again = feed(vendors, "finnhub", tmp_path)
    again._client.begin(again.held("headlines").asked_at)
    assert len(again._client._limiter._made[Rate(60, 60.0)]) == asked > 0


def test_a_token_that_has_run_out_is_renewed_once(vendors, tmp_path):
    vendors.script["reddit"] = ["401"]
    source = feed(vendors, "reddit", tmp_path)
    assert source.ask("tweets", NOW - timedelta(days=1), NOW).height > 0
    vendors.script["reddit"] = ["*401"]
    with pytest.raises(SourceError, match="the key is not accepted"):
        feed(vendors, "reddit", tmp_path / "b").ask("tweets", NOW - timedelta(days=1), NOW)


@pytest.mark.parametrize("name", ["newsapi", "finnhub", "oanda", "x"])
def test_a_wrong_key_is_said_once_and_not_tried_with_every_ticker(vendors, tmp_path, name):
    vendors.script[name] = ["*401"]
    kind = {"oanda": "bars_1m", "x": "tweets"}.get(name, "headlines")
    with pytest.raises(SourceError, match=r"key|rights"):
        feed(vendors, name, tmp_path).ask(kind, NOW - timedelta(hours=5), NOW)
    assert len(vendors.requests[name]) == 1


def test_the_requests_of_a_day_are_counted_over_processes(vendors, tmp_path):
    def ask() -> None:
        limited = feed(vendors, "alphavantage", tmp_path, alphavantage_requests_a_day="2")
        limited.ask("headlines", NOW - timedelta(days=1), NOW)

    for _ in range(2):
        with pytest.raises(SourceError, match="the requests of a day are used up"):
            ask()
    assert len(vendors.requests["alphavantage"]) == 2
    vendors.clock.at += timedelta(days=1, minutes=1)
    ask()  # what was left
    assert len(vendors.requests["alphavantage"]) == 3


def test_a_run_that_a_quota_ends_is_gone_on_with_by_the_next_one(vendors, tmp_path):
    """Defect: each run began with the first tickers' newest hours and never came to the last."""
    asked: set[str] = set()
    for hour in range(3):
        vendors.clock.at = NOW + timedelta(days=2 * hour)
        limited = feed(vendors, "alphavantage", tmp_path, alphavantage_requests_a_day="1")
        with pytest.raises(SourceError, match="used up"):
            limited.ask("headlines", NOW - timedelta(days=1), vendors.clock.at)
        asked.add(vendors.requests["alphavantage"][-1].split("tickers=")[1].split("&")[0])
    assert asked == set(CORPUS.companies)


def test_read_posts_are_counted_and_have_a_limit(vendors, tmp_path):
    limited = feed(vendors, "x", tmp_path, x_posts_a_month="5")
    with pytest.raises(SourceError, match="the paid reads are used up"):
        limited.ask("tweets", NOW - timedelta(days=4), NOW)
    assert len(vendors.requests["x"]) == 1


def test_a_feed_that_has_not_changed_costs_no_body(vendors, tmp_path):
    start = NOW - timedelta(days=2)
    first = feed(vendors, "rss", tmp_path).ask("headlines", start, NOW)
    again = feed(vendors, "rss", tmp_path).ask("headlines", start, NOW)
    assert again.equals(first)
    statuses = [one.reply.status for one in feed(vendors, "rss", tmp_path).store.read()]
    assert statuses == [200] * 4 + [304] * 4


def kept(at: datetime, body: bytes = b"\xff\x00 not text") -> Answer:
    ask = Ask("headlines", "AAPL", (NOW, NOW), Request("u", {"a": "1"}, {"h": "2"}), 3)
    return Answer(ask, Reply(200, {"etag": "x"}, body, at), NOW)


def test_answers_come_back_as_they_were_kept(tmp_path):
    store = AnswerStore(tmp_path)
    days = [NOW, NOW + timedelta(seconds=1), NOW + timedelta(days=1)]
    answers = [kept(days[0]), kept(days[1], "naïve 📈".encode()), kept(days[2])]
    for one in answers:
        store.keep(one)
    assert list(store.read()) == answers
    assert list(store.read(NOW.date() + timedelta(days=1))) == answers[2:]
    assert list(store.read(last=NOW.date())) == answers[:2]
    assert store.days() == [NOW.date(), NOW.date() + timedelta(days=1)]


def test_an_answer_that_a_kill_cut_short_is_left_out_and_hurts_no_later_one(tmp_path):
    AnswerStore(tmp_path).keep(kept(NOW))
    path: Path = next(tmp_path.glob("*.gz"))
    whole = path.read_bytes()
    AnswerStore(tmp_path).keep(kept(NOW, b"second"))
    path.write_bytes(path.read_bytes()[:-9])
    assert list(AnswerStore(tmp_path).read()) == [kept(NOW)]
    AnswerStore(tmp_path).keep(kept(NOW, b"third"))
    assert [one.reply.body for one in AnswerStore(tmp_path).read()][1:] == [b"third"]
    assert path.read_bytes().startswith(whole)


def test_a_html_page_is_no_json_whatever_its_status():
    with pytest.raises(Passing, match="an answer of text/html instead of JSON"):
        Reply(200, {"content-type": "text/html; charset=x"}, b" <html>", NOW).json()
