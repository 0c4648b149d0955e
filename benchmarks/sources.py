"""Sources behind their firewall: a fault soak, and one day of 6,800 tickers.

    python benchmarks/sources.py soak       # every fault on every source within 60 sessions
    python benchmarks/sources.py universe   # 6,800 tickers, one day

Vendors on loopback answer from one generated corpus; the clock is simulated, so waits cost nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import psutil

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.schemas import COMPANY_KINDS, Kind
from tests.fakes.vendors.companies import STRIKES, contract, expiry_days
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.days import Days
from tests.fakes.vendors.server import Clock, Vendors, running

SESSIONS = 60
FIRST = date(2026, 6, 1)
KINDS: dict[str, Kind] = {
    "rss": "headlines", "newsapi": "headlines", "gdelt": "headlines", "finnhub": "headlines",
    "alphavantage": "headlines", "edgar": "headlines", "x": "tweets", "reddit": "tweets",
    "oanda": "bars_1m", "binance": "bars_1m", "stooq": "prices", "nasdaqtrader": "listings",
    "edgar13f": "holdings", "yahoo_options": "options",
}  # fmt: skip
# All that lasts a day; what passes within a run is in the contract of the vendors.
FAULTS = (
    "429", "429-retry-after", "html", "invalid-json", "cut-gzip", "503", "401", "404", "slow-drip",
    "renamed-required", "usage-cap", "empty", "unknown-field", "missing-optional", "shifted-page",
)  # fmt: skip
# What a vendor cannot show, or what nobody could tell from an answer that is right.
NONE = {
    ("rss", "usage-cap"), ("gdelt", "usage-cap"), ("rss", "missing-optional"),
    ("nasdaqtrader", "usage-cap"),
    ("gdelt", "empty"), ("gdelt", "404"),  # a file about others; a file that never was
    ("stooq", "invalid-json"),  # half a table is a table of fewer days
}  # fmt: skip
SHORT = {"oanda_days": "7", "binance_days": "7", "gdelt_hours": "144", "x_posts_a_month": "100000"}
BUDGET = {"alphavantage_gives": "headlines,prices"}
MOST_MEMORY_GB, MOST_FACTOR = 2.0, 11.0


def soak() -> bool:
    """Run 60 sessions with a fault on some source each day; print what was wrong, lost, blocked."""
    sessions = build_sessions(FIRST, date(2026, 12, 31)).head(SESSIONS + 5)
    last: date = sessions["session_date"][-1]
    corpus = Corpus(FIRST, last + timedelta(days=2), a_day=1)
    clock = Clock(datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC))
    wrong, blocked, applied = dict.fromkeys(KINDS, 0), 0, set()
    good_days: set[date] = set()  # on which chains could be taken: nobody has those of the past
    with tempfile.TemporaryDirectory() as home, running(Vendors(corpus, clock)) as vendors:
        worlds = {name: Days(vendors, name, Path(home), FIRST, **SHORT, **BUDGET) for name in KINDS}
        for number, (day, decision) in enumerate(
            sessions.select("session_date", "decision_at").iter_rows()
        ):
            vendors.clock.at = decision + timedelta(minutes=10)
            months = sorted({f"{day - timedelta(days=back):%Y-%m-01}" for back in (0, 6)})
            months = [month for month in months if month >= f"{FIRST:%Y-%m-01}"]
            for at, (name, days) in enumerate(worlds.items()):
                fault = _fault(number, at) if number < SESSIONS else None
                fault = None if (name, fault) in NONE else fault
                vendors.script = {name: [f"*{fault}"]} if fault else {}
                applied |= {(name, fault)} if fault else set()
                answers = days.run(months=months)
                vendors.script = {}
                if name == "yahoo_options" and fault is None:
                    good_days.add(vendors.clock.now().date())
                if fault is None:
                    blocked += sum(answer.status != "answered" for answer in answers)
        lost = {}
        for name, days in worlds.items():
            had, truth = _had(days), _truth(corpus, name, vendors.clock.now())
            everything = _truth(corpus, name, vendors.clock.now() + timedelta(days=1), is_all=True)
            if name == "yahoo_options":
                days_seen = {day for _, day in had}
                truth = {it for it in truth if it[1] in good_days}
                everything = {(it[0], day) for it in everything for day in days_seen}
            wrong[name] = len(had - everything)
            lost[name] = len({it for it in truth - had})
        sent = sum(map(len, vendors.requests.values()))
        too_fast = sum(vendors.too_fast.values())
    print(f"{len(applied)} pairs of a fault and a source in {SESSIONS} sessions")
    print(f"wrong rows: {sum(wrong.values())}, lost rows: {sum(lost.values())}")
    print(f"sources that failed on a day without a fault of their own: {blocked}")
    print(f"days whose option chains could be taken: {len(good_days)} of {SESSIONS + 5}")
    print(f"requests that came too fast: {too_fast}")
    for name in KINDS:
        if wrong[name] or lost[name]:
            print(f"  {name}: {wrong[name]} wrong, {lost[name]} lost")
    fewest = _fewest()
    print(f"requests: {sent:,}, without any fault {fewest:,} ({sent / fewest:.2f} times)")
    return not (sum(wrong.values()) or sum(lost.values()) or blocked)


def _fault(number: int, at: int) -> str | None:
    """Return the fault of the source at a place of the list on a day: one day in four."""
    turn, rest = divmod(number + at, 4)
    return FAULTS[turn % len(FAULTS)] if rest == 0 and number else None


def _fewest() -> int:
    """Return the requests of the same sessions without a fault."""
    sessions = build_sessions(FIRST, date(2026, 12, 31)).head(SESSIONS + 5)
    corpus = Corpus(FIRST, sessions["session_date"][-1] + timedelta(days=2), a_day=1)
    clock = Clock(datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as home, running(Vendors(corpus, clock)) as vendors:
        worlds = [Days(vendors, name, Path(home), FIRST, **SHORT, **BUDGET) for name in KINDS]
        for day, decision in sessions.select("session_date", "decision_at").iter_rows():
            vendors.clock.at = decision + timedelta(minutes=10)
            months = sorted({f"{day - timedelta(days=back):%Y-%m-01}" for back in (0, 6)})
            for days in worlds:
                days.run(months=[month for month in months if month >= f"{FIRST:%Y-%m-01}"])
        return sum(map(len, vendors.requests.values()))


def _had(days: Days) -> set[tuple[object, ...]]:
    frame = days.rows(KINDS[days.name])
    if KINDS[days.name] == "prices":
        return set(frame.select("ticker", "session_date", "close").rows())
    if KINDS[days.name] == "bars_1m":
        return set(frame.select("ticker", "bar_at", "close").rows())
    if days.name == "nasdaqtrader":
        return set(frame.select("ticker", "company", "is_listed").rows())
    if days.name == "edgar13f":
        return set(frame.select("ticker", "filing_id", "shares").rows())
    if days.name == "yahoo_options":
        return set(frame.select("contract", pl.col("event_time").dt.date()).rows())
    at = pl.col("event_time").dt.truncate("15m") if days.name == "gdelt" else pl.col("event_time")
    return set(frame.select("ticker", at).rows())


def _truth(
    corpus: Corpus, name: str, now: datetime, *, is_all: bool = False
) -> set[tuple[object, ...]]:
    """Return what a source should have: since its first day, up to what a vendor shows late."""
    start = datetime(2026, 6, 1, 4, tzinfo=UTC)
    end = now if is_all else now - timedelta(hours=1)
    if KINDS[name] == "prices":
        bars = [bar for own in corpus.bars.values() for bar in own if start <= bar.close_at < end]
        return {(bar.ticker, bar.day, bar.close) for bar in bars}
    if KINDS[name] == "bars_1m":
        symbol = {"oanda": "EUR_USD", "binance": "BTCUSDT"}[name]
        # The first run begins with the first month.
        minutes = int((end - start).total_seconds() // 60)
        times = [start + timedelta(minutes=at) for at in range(minutes)]
        return {(symbol, at, corpus.minute(symbol, at)[3]) for at in times}
    if KINDS[name] in COMPANY_KINDS:
        return _company_truth(corpus, name, start, end)
    told = corpus.told(None, start, end)
    if name != "gdelt":
        return {(story.ticker, story.at) for story in told}
    quarter = timedelta(minutes=15)
    seen = {(s.ticker, _floor(s.at) + quarter) for s in corpus.told(None, start - quarter, end)}
    return {(ticker, at) for ticker, at in seen if at >= start and (is_all or at <= end)}


def _company_truth(
    corpus: Corpus, name: str, start: datetime, end: datetime
) -> set[tuple[object, ...]]:
    if name == "nasdaqtrader":
        return {(ticker, company, True) for ticker, company in corpus.companies.items()}
    if name == "edgar13f":
        return {
            (t, it.number, it.shares.get(t, 0))
            for it in corpus.filings
            if start <= it.accepted_at < end
            for t in (it.shares if it.is_addition else corpus.companies)
        }
    return _chains(corpus, start.date(), end.date())


def _chains(corpus: Corpus, first: date, last: date) -> set[tuple[object, ...]]:
    """Return the contracts of the two expiries that are asked for, on each day."""
    contracts = {
        contract(ticker, expiry, side, strike)["contractSymbol"]
        for ticker in corpus.companies
        for expiry in expiry_days(corpus.last)[:2]
        for side in ("calls", "puts")
        for strike in STRIKES
    }
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    return {(it, day) for it in contracts for day in days}


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def universe() -> bool:
    """Ask for one day of 680 and of 6,800 tickers; print the time, the memory and the requests."""
    taken = {}
    for count in (680, 6_800):
        taken[count] = one = _one_day(count)
        print(
            f"{count:,} tickers: {one.seconds:.0f} s, {one.cpu_seconds:.0f} s of CPU with the "
            f"vendors' own, {one.peak_gb:.2f} GB; {one.runs} runs, {one.requests:,} requests, "
            f"{one.fewest:,} are the fewest"
        )
    small, large = taken[680], taken[6_800]
    factor = large.cpu_seconds / small.cpu_seconds
    print(f"{factor:.1f} times the CPU of a tenth, {MOST_FACTOR} are allowed; "
          f"{large.peak_gb:.2f} GB, {MOST_MEMORY_GB} are allowed")  # fmt: skip
    return factor <= MOST_FACTOR and large.peak_gb <= MOST_MEMORY_GB


@dataclass(frozen=True)
class OneDay:
    """What it took until every ticker had its rows of a day."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    runs: int
    requests: int
    fewest: int


def _one_day(count: int) -> OneDay:
    """Ask three vendors for a day of some tickers."""
    companies = {_ticker(at): f"Company {_ticker(at)} Inc" for at in range(count)}
    day = date(2026, 11, 25)
    corpus = Corpus(day - timedelta(days=5), day, companies, a_day=1)
    _ = corpus.bars, corpus.stories
    begun = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)
    clock, process, runs, peak = Clock(begun), psutil.Process(), 0, 0.0
    seconds, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as home, running(Vendors(corpus, clock)) as vendors:
        for name in ("nasdaqtrader", "stooq", "edgar"):
            days = Days(vendors, name, Path(home), day, **SHORT)
            told = {it.ticker for it in corpus.told(None, begun - timedelta(hours=16), begun)}
            lacking = told if name == "edgar" else set(companies)
            # A vendor of one request a second needs several runs, each of which goes on where the
            # one before it ended.
            while lacking:
                days.run()
                lacking = lacking - set(days.rows(KINDS[name])["ticker"])
                runs, peak = runs + 1, max(peak, process.memory_info().rss / 1e9)
                vendors.clock.at += timedelta(minutes=1)
        requests = sum(map(len, vendors.requests.values()))
    return OneDay(
        seconds=time.perf_counter() - seconds,
        cpu_seconds=time.process_time() - cpu,
        peak_gb=peak,
        runs=runs,
        requests=requests,
        fewest=2 + count + (1 + count),  # two directories, a file of bars each, a list of companies
    )


def _ticker(number: int) -> str:
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, 26)
        letters = chr(65 + rest) + letters
    return letters


if __name__ == "__main__":
    chosen = {"soak": soak, "universe": universe}
    names = sys.argv[1:] or list(chosen)
    sys.exit(0 if all([chosen[name]() for name in names]) else 1)
