"""One contract for every vendor: what it delivers, what it costs, and what a fault does to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.feed import SCHEMAS, Feed
from finpulse_assets.gateways.sources.protocols import PartialAnswer
from finpulse_assets.schemas import COMPANY_KINDS, TEXT_KINDS
from tests.fakes.vendors.companies import STRIKES, contract, expiry_days
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.deployed import feed
from tests.fakes.vendors.server import Clock, Vendors, running

CORPUS = Corpus(date(2026, 10, 1), date(2026, 11, 30))
NOW = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)  # after the close of a session
CASES = {
    "rss": "headlines",
    "newsapi": "headlines",
    "finnhub": "headlines",
    "edgar": "headlines",
    "edgar listings": "listings",
    "edgar13f": "holdings",
    "nasdaqtrader": "listings",
    "yahoo_options": "options",
    "gdelt": "headlines",
    "alphavantage": "headlines",
    "alphavantage bars": "prices",
    "x": "tweets",
    "reddit": "tweets",
    "oanda": "bars_1m",
    "binance": "bars_1m",
    "stooq": "prices",
}
# How far back each is asked here: within the reach of its plan.
SPANS = {
    "gdelt": timedelta(hours=5),
    "x": timedelta(days=5),
    "oanda": timedelta(hours=9),
    "binance": timedelta(hours=20),
    "rss": timedelta(days=2),
}
TRANSIENT = ("429", "429-retry-after", "html", "invalid-json", "cut-gzip", "503", "slow-drip")


@pytest.fixture(scope="module")
def server() -> Iterator[Vendors]:
    with running(Vendors(CORPUS, Clock(NOW))) as vendors:
        yield vendors


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def vendors(server: Vendors) -> Vendors:
    server.wait_until_quiet()
    # A quarter of an hour later, so that no test pays for the requests of the one before it.
    server.clock.at = server.clock.at.replace(microsecond=0) + timedelta(minutes=15)
    server.script = {}
    server.clock.slept.clear()
    for name in server.fakes:
        server.requests[name].clear()
        server.too_fast[name] = 0
    return server


class World:
    """One source in a home of its own, and what it should deliver."""

    def __init__(self, case: str, vendors: Vendors, home: Path) -> None:
        self.name, self.kind = case.split(maxsplit=1)[0], CASES[case]
        self.vendors, self.home = vendors, home
        self.start = vendors.clock.now() - SPANS.get(self.name, timedelta(days=12))
        self.feed = self.again()

    def again(self) -> Feed:
        return feed(self.vendors, self.name, self.home)

    def rows(self, source: Feed | None = None) -> pl.DataFrame:
        until = self.end + timedelta(microseconds=1)  # a run asks up to its own time, included
        return (source or self.feed).ask(self.kind, self.start, until)

    @property
    def end(self) -> datetime:
        return self.vendors.clock.now()

    @property
    def requests(self) -> list[str]:
        return self.vendors.requests[self.name]

    def key(self, frame: pl.DataFrame) -> set[tuple[object, ...]]:
        """Return what is compared of rows."""
        columns = {
            "prices": ("ticker", "session_date", "open", "high", "low", "close", "volume_shares"),
            "bars_1m": ("ticker", "bar_at", "open", "high", "low", "close", "volume"),
            "listings": ("ticker", "company"),
            "holdings": ("ticker", "manager", "filing_id", "report_date", "is_addition", "shares"),
            "options": ("ticker", "contract", "strike", "volume_contracts", "implied_volatility"),
        }.get(self.kind, ("ticker", "event_time"))
        return set(frame.select(columns).rows())

    def truth(self, end: datetime) -> set[tuple[object, ...]]:
        """Return what the corpus has in the window."""
        if self.kind == "prices":
            return {
                (b.ticker, b.day, b.open, b.high, b.low, b.close, b.volume)
                for bars in CORPUS.bars.values()
                for b in bars
                if self.start <= b.close_at < end
            }
        if self.kind == "bars_1m":
            symbol = {"oanda": "EUR_USD", "binance": "BTCUSDT"}[self.name]
            at, found = self.start.replace(second=0, microsecond=0), set()
            at += timedelta(minutes=at < self.start)
            while at + timedelta(minutes=1) <= end:
                found.add((symbol, at, *CORPUS.minute(symbol, at)))
                at += timedelta(minutes=1)
            return found
        if self.kind in COMPANY_KINDS:
            return COMPANY_TRUTHS[self.kind](self.start, end)
        told = CORPUS.told(None, self.start, end)
        if self.name == "gdelt":  # it says when it saw them: at the end of the quarter
            seen = {(s.ticker, _quarter(s.at)) for s in CORPUS.told(None, self.start - _HOUR, end)}
            last = _quarter(end) - timedelta(minutes=15)
            return {(t, at) for t, at in seen if self.start <= at < end and at <= last}
        return {(story.ticker, story.at) for story in told}


def _holdings(start: datetime, end: datetime) -> set[tuple[object, ...]]:
    """Return a row for each ticker of each whole filing, of an addition for what it adds."""
    return {
        (t, it.manager, it.number, it.report_date, it.is_addition, it.shares.get(t, 0))
        for it in CORPUS.filings
        if start <= it.accepted_at < end
        for t in (it.shares if it.is_addition else CORPUS.companies)
    }


def _options(*_: datetime) -> set[tuple[object, ...]]:
    """Return the contracts of the two expiries that are asked for."""
    found = set()
    for ticker in CORPUS.companies:
        for expiry in expiry_days(CORPUS.last)[:2]:
            for side in ("calls", "puts"):
                for it in (contract(ticker, expiry, side, strike) for strike in STRIKES):
                    known = it["impliedVolatility"] if it["impliedVolatility"] > 0.001 else None
                    found.add((ticker, it["contractSymbol"], it["strike"], it["volume"], known))
    return found


COMPANY_TRUTHS = {
    "listings": lambda *_: set(CORPUS.companies.items()),
    "holdings": _holdings,
    "options": _options,
}
_HOUR = timedelta(hours=1)


def _quarter(at: datetime) -> datetime:
    floor = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    return floor + timedelta(minutes=15)


@pytest.fixture
def world(case: str, vendors: Vendors, tmp_path: Path) -> World:
    return World(case, vendors, tmp_path)


def settled(world: World, frame: pl.DataFrame, asked_at: datetime) -> bool:
    """Return whether rows are those of the corpus, but for what came up while they were asked."""
    late = world.feed.vendor.reach.lag + (timedelta(minutes=16) if world.name == "gdelt" else _HOUR)
    least, most = world.truth(asked_at - late), world.truth(world.end + timedelta(minutes=1))
    return least <= world.key(frame) <= most


def test_it_delivers_what_there_is_in_the_delivered_columns(world):
    asked_at = world.end
    frame = world.rows()
    assert frame.schema == pl.Schema(dict(SCHEMAS[world.kind]))
    assert frame["problem"].null_count() == frame.height > 0
    assert settled(world, frame, asked_at), world.truth(asked_at) ^ world.key(frame)
    if world.kind in TEXT_KINDS:
        assert frame.select("text_id", "ticker").is_duplicated().sum() == 0
    assert world.vendors.too_fast[world.name] == 0


def test_what_is_kept_is_not_asked_for_again(world):
    first = world.rows()
    before = len(world.requests)
    again = world.rows(world.again())
    assert world.key(first) <= world.key(again)
    # No more than one request a subject: what lies within the overlap.
    subjects = len(world.feed.vendor.subjects)
    # Files of quarters, and the expiries of a chain, of which none is an old one.
    each = 2 if world.name in ("gdelt", "yahoo_options") else 1
    assert len(world.requests) - before <= subjects * each


def test_rows_are_read_again_from_what_is_kept_without_a_request(world):
    frame = world.rows()
    before = len(world.requests)
    from finpulse_assets.gateways.sources.feed import frame_of

    kept = world.again().held(world.kind)
    again = frame_of(world.kind, kept.rows, world.name)
    assert len(world.requests) == before
    assert world.key(frame) <= world.key(again)


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_fault_that_passes_leaves_no_trace(world, fault):
    if (world.name, fault) == ("stooq", "invalid-json"):
        pytest.skip("half a CSV is a CSV of fewer days")
    asked_at = world.end
    world.vendors.script[world.name] = [fault, fault, "", fault]
    frame = world.rows()
    assert settled(world, frame, asked_at)
    assert frame["problem"].null_count() == frame.height
    # A dripping vendor moves the clock from its own thread, also past an answer given up.
    assert fault == "slow-drip" or world.vendors.too_fast[world.name] == 0


@pytest.mark.parametrize(
    "fault", ["503", "html", "invalid-json", "429", "renamed-required", "usage-cap"]
)
def test_a_fault_that_lasts_is_an_error_and_is_caught_up(world, fault):
    if fault == "usage-cap" and world.name in ("rss", "gdelt", "nasdaqtrader"):
        pytest.skip("has no cap")
    if (world.name, fault) == ("stooq", "invalid-json"):
        pytest.skip("half a CSV is a CSV of fewer days")
    world.vendors.script[world.name] = [f"*{fault}"]
    asked_at = world.end
    with pytest.raises(SourceError) as caught:
        world.rows()
    assert not (isinstance(caught.value, PartialAnswer) and caught.value.rows.height)
    assert world.name in str(caught.value)
    world.vendors.script.clear()
    world.vendors.clock.at += timedelta(minutes=20)
    frame = world.rows(world.again())
    assert settled(world, frame, asked_at)
    assert frame["problem"].null_count() == frame.height


def test_a_refused_key_is_named_or_renewed_and_is_caught_up(world):
    """Where a credential can be had anew, a 401 is no failure; elsewhere it ends the requests."""
    world.vendors.script[world.name] = ["401"]
    asked_at = world.end
    if world.feed.vendor.access.renew is None:
        with pytest.raises(SourceError, match=rf"^{world.name}: .*key.*\(HTTP 401\)"):
            world.rows()
        assert len(world.requests) == 1
        world.vendors.clock.at += timedelta(minutes=20)
    frame = world.rows(world.again())
    assert settled(world, frame, asked_at)


@pytest.mark.parametrize("fault", ["unknown-field", "missing-optional", "shifted-page"])
def test_a_harmless_difference_changes_no_row(world, fault):
    asked_at = world.end
    world.vendors.script[world.name] = [f"*{fault}"]
    frame = world.rows()
    assert settled(world, frame, asked_at)
    assert frame["problem"].null_count() == frame.height


def test_empty_is_no_error_and_is_not_believed_at_once(world):
    """A vendor that is ill says "nothing" as readily as "error"."""
    if (world.name, world.kind) == ("edgar", "listings"):
        pytest.skip("has no empty list of companies")
    asked_at = world.end
    world.vendors.script[world.name] = ["*empty"]
    assert world.rows().is_empty()
    world.vendors.script.clear()
    if world.name != "gdelt":  # a file about others is no empty answer
        world.vendors.clock.at += timedelta(minutes=20)
        assert settled(world, world.rows(world.again()), asked_at)


def test_one_subject_s_failure_leaves_the_others_alone(world):
    if len(world.feed.vendor.subjects) < 2 or world.name == "edgar":
        pytest.skip("has one subject, or one that the others need")
    world.vendors.script[world.name] = ["404"] * 1
    with pytest.raises(PartialAnswer) as caught:
        world.rows()
    assert caught.value.rows.height > 0
    failed = world.feed.vendor.subjects[0]
    assert failed in str(caught.value)
    whole = world.rows(world.again())
    assert world.key(caught.value.rows) <= world.key(whole)


def test_no_secret_is_kept_logged_or_shown(world, caplog):
    fake = world.vendors.fakes[world.name]
    caplog.set_level(logging.DEBUG)
    world.vendors.script[world.name] = ["usage-cap", "503"]
    said = ""
    for _ in range(2):
        try:
            world.rows()
        except SourceError as error:
            said += str(error)
    kept = "".join(
        f"{a.reply.body!r}{a.ask.request}{a.reply.headers}" for a in world.feed.store.read()
    )
    logged = [r.getMessage() for r in caplog.records if not r.name.startswith("uvicorn")]
    for secret in (fake.secret, fake.token):
        assert secret not in kept
        assert not any(secret in line for line in logged)
        assert secret not in said


def test_the_time_for_one_answer_and_for_all_has_an_end(world):
    world.vendors.script[world.name] = ["*slow-drip"]
    before = world.end
    with pytest.raises(SourceError, match=r"not complete after|in a row|time for all"):
        world.rows()
    assert world.end - before < timedelta(hours=1)
