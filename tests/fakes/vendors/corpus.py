"""What the vendors know: stories, daily bars and minute bars, the same for all of them."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from finpulse_assets.domain.calendar import build_sessions
from tests.fakes.vendors.filings import Filing, filings

COMPANIES = {"AAPL": "Apple", "BRK-B": "Berkshire", "MSFT": "Microsoft"}
OUTLETS = ("Reuters", "Bloomberg", "The Wire")
_VERBS = ("beats", "misses", "raises", "cuts", "confirms", "delays")
_THINGS = ("its estimates", "the dividend", "its guidance", "a new factory", "a large order")
FIRST_NUMBER = 1000  # at the SEC
MINUTE_SYMBOLS = ("EUR_USD", "USD_JPY", "BTCUSDT", "ETHUSDT")


@dataclass(frozen=True)
class Story:
    """Something that was written about a company."""

    number: int
    ticker: str
    at: datetime
    title: str
    outlet: str

    @property
    def url(self) -> str:
        return f"https://news.example.com/story/{self.number}"

    @property
    def author(self) -> str:
        return f"writer{self.number % 7}"


@dataclass(frozen=True)
class Bar:
    """A daily bar as traded."""

    ticker: str
    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    close_at: datetime


@dataclass(frozen=True)
class Corpus:
    """A small world from `first` to `last` (days, both included).

    Args:
        first, last: its days.
        companies: ticker -> name.
        a_day: stories of each company on each day.
        seed: of everything that is drawn.
        ends: ticker -> when its listing ends.
        renames: ticker -> the ticker that its company has from its end on.
    """

    first: date
    last: date
    companies: Mapping[str, str] = field(default_factory=lambda: COMPANIES)
    a_day: int = 3
    seed: int = 5
    ends: Mapping[str, datetime] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)

    def symbol(self, ticker: str, at: datetime) -> str | None:
        """Return the ticker that a company has at a time, None where it is listed no more."""
        end = self.ends.get(ticker)
        return ticker if end is None or end > at else self.renames.get(ticker)

    def listed(self, at: datetime) -> list[tuple[str, str]]:
        """Return ticker and name of what is listed at a time, always in the same places."""
        named = ((self.symbol(ticker, at), name) for ticker, name in self.companies.items())
        return [(ticker, name) for ticker, name in named if ticker is not None]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each company at the SEC, by every ticker that it has or had."""
        numbers = {ticker: FIRST_NUMBER + at for at, ticker in enumerate(self.companies)}
        return numbers | {new: numbers[old] for old, new in self.renames.items()}

    @cached_property
    def tickers(self) -> list[str]:
        """The companies' first tickers, that of FIRST_NUMBER first."""
        return list(self.companies)

    @cached_property
    def filings(self) -> list[Filing]:
        """All forms 13F, ascending."""
        return filings(list(self.companies), self.first, self.last)

    @cached_property
    def stories(self) -> list[Story]:
        """All stories, ascending."""
        draw, found, day = random.Random(self.seed), [], self.first
        while day <= self.last:
            for ticker, name in self.companies.items():
                for _ in range(self.a_day):
                    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
                    at += timedelta(seconds=draw.randrange(86_400))
                    number = 10_000 + len(found)
                    said = f"{draw.choice(_VERBS)} {draw.choice(_THINGS)}"
                    title = f"{name} {said} at {draw.randrange(10, 99)} dollars, part {number}"
                    found.append(Story(number, ticker, at, title, draw.choice(OUTLETS)))
            day += timedelta(days=1)
        return sorted(found, key=lambda story: (story.at, story.number))

    def told(self, ticker: str | None, start: datetime, end: datetime) -> list[Story]:
        """Return the stories of a ticker, or of all, in [start, end), ascending."""
        own = self._stories_of.get(ticker, []) if ticker else self.stories
        first, last = (bisect_left(own, at, key=lambda story: story.at) for at in (start, end))
        return own[first:last]

    @cached_property
    def _stories_of(self) -> dict[str, list[Story]]:
        found: dict[str, list[Story]] = {ticker: [] for ticker in self.companies}
        for story in self.stories:
            found[story.ticker].append(story)
        return found

    @cached_property
    def bars(self) -> dict[str, list[Bar]]:
        """The daily bars of each ticker, ascending."""
        sessions = build_sessions(self.first, self.last)
        days = sessions.select("session_date", "close_at").rows()
        return {ticker: self._walk(ticker, days) for ticker in self.companies}

    def _walk(self, ticker: str, days: list[tuple[date, datetime]]) -> list[Bar]:
        draw, price, found = random.Random(f"{self.seed}{ticker}"), 100.0, []
        for day, close_at in days:
            start = round(price, 2)
            price *= 1 + draw.gauss(0, 0.01)
            end = round(price, 2)
            high, low = round(max(start, end) + 0.5, 2), round(min(start, end) - 0.5, 2)
            volume = draw.randrange(1_000_000, 2_000_000)
            found.append(Bar(ticker, day, start, high, low, end, volume, close_at))
        return found

    def minute(self, symbol: str, at: datetime) -> tuple[float, float, float, float, int]:
        """Return open, high, low, close and volume of the minute that begins at `at`."""
        number = int(at.timestamp()) // 60
        base = 100.0 + (number * 7919 + len(symbol) * 31) % 1000 / 1000
        end = 100.0 + ((number + 1) * 7919 + len(symbol) * 31) % 1000 / 1000
        return base, max(base, end) + 0.25, min(base, end) - 0.25, end, 50 + number % 100
