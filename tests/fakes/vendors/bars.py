"""Vendors of bars, in the shapes of their answers; Alpha Vantage has texts as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.fakes.vendors.companies import COMPANY_VENDORS
from tests.fakes.vendors.fake import Asked, Fake
from tests.fakes.vendors.faults import Made
from tests.fakes.vendors.texts import TEXT_VENDORS

_MINUTE = timedelta(minutes=1)


class FakeAlphaVantage(Fake):
    """One address for everything, and status 200 for everything."""

    name = "alphavantage"

    def made(self, asked: Asked) -> Made:
        if asked.params.get("apikey") != self.secret:
            return Made({"Information": f"the apikey {asked.params.get('apikey')} has no rights"})
        if asked.fault == "usage-cap":
            said = f"Your key {self.secret} has a rate limit of 25 requests per day."
            return Made({"Information": said})
        if asked.params["function"] == "NEWS_SENTIMENT":
            return self._news(asked)
        return self._daily(asked)

    def _daily(self, asked: Asked) -> Made:
        ticker = asked.params["symbol"]
        if ticker not in self.corpus.bars:
            return Made({"Error Message": "Invalid API call"})
        # The bar of today shows while its session is open, half done.
        opened = [
            b for b in self.corpus.bars[ticker] if b.close_at - timedelta(hours=6) < asked.now
        ]
        shown = opened[::-1][: 100 if asked.params["outputsize"] == "compact" else None]
        series = {
            f"{bar.day}": {
                "1. open": f"{bar.open:.4f}",
                "2. high": f"{bar.high:.4f}",
                "3. low": f"{bar.low:.4f}",
                "4. close": f"{bar.close:.4f}",
                "5. volume": str(bar.volume if bar.close_at <= asked.now else bar.volume // 2),
            }
            for bar in ([] if asked.fault == "empty" else shown)
        }
        body = {"Meta Data": {"2. Symbol": ticker}, "Time Series (Daily)": series}
        items = list(series.values())
        return Made(body, items=items, required="4. close", optional="")

    def _news(self, asked: Asked) -> Made:
        start, end = (
            datetime.strptime(asked.params[name], "%Y%m%dT%H%M").replace(tzinfo=UTC)
            for name in ("time_from", "time_to")
        )
        ticker = asked.params["tickers"]
        told = self.corpus.told(ticker, start, min(end + _MINUTE, asked.now))
        if asked.fault == "empty" or not told:
            return Made({"Information": "No articles found. Please adjust the time range."})
        items = [
            {
                "title": story.title,
                "url": f"{story.url}/?utm_medium=av",
                "time_published": f"{story.at:%Y%m%dT%H%M%S}",
                "authors": [story.author],
                "summary": "…",
                "source": story.outlet,
                "overall_sentiment_score": 0.2,
            }
            for story in told[: int(asked.params["limit"])]
        ]
        body = {"items": str(len(items)), "feed": items}
        return Made(body, items=items, required="title", optional="authors")


class FakeOanda(Fake):
    """Candles of a minute, the last of them not complete."""

    name = "oanda"

    def made(self, asked: Asked) -> Made:
        if asked.headers.get("authorization") != f"Bearer {self.secret}":
            return Made({"errorMessage": "Insufficient authorization"}, 401)
        if asked.fault == "usage-cap":
            return Made({"errorMessage": "Insufficient authorization"}, 403)
        symbol = asked.path.split("/")[2]
        start, end = (_nanoseconds(asked.params[name]) for name in ("from", "to"))
        if start > asked.now:
            return Made({"errorMessage": "Time is in the future"}, 400)
        candles, at = [], start if start == _floor(start) else _floor(start) + _MINUTE
        while at < min(end, asked.now) and asked.fault != "empty":
            first, high, low, last, volume = self.corpus.minute(symbol, at)
            prices = {
                "o": f"{first:.5f}",
                "h": f"{high:.5f}",
                "l": f"{low:.5f}",
                "c": f"{last:.5f}",
            }
            candles.append(
                {
                    "complete": at + _MINUTE <= asked.now,
                    "volume": volume,
                    "time": f"{at:%Y-%m-%dT%H:%M:%S}.000000000Z",
                    "mid": prices,
                    "bid": {**prices, "c": f"{last - 0.01:.5f}"},
                    "ask": {**prices, "c": f"{last + 0.01:.5f}"},
                }
            )
            at += _MINUTE
        if len(candles) > 5000:
            return Made({"errorMessage": "Maximum value for 'count' exceeded"}, 400)
        body = {"instrument": symbol, "granularity": "M1", "candles": candles}
        return Made(body, items=candles, required="mid", optional="")


class FakeBinance(Fake):
    """Candles as lists; the last one is open."""

    name = "binance"

    def made(self, asked: Asked) -> Made:
        if asked.fault == "usage-cap":
            return Made({"code": -1003, "msg": "banned"}, 418, {"retry-after": "172800"})
        symbol = asked.params["symbol"]
        if not symbol.endswith("USDT"):
            return Made({"code": -1121, "msg": "Invalid symbol."}, 400)
        start, end = (
            datetime.fromtimestamp(int(asked.params[name]) / 1000, UTC)
            for name in ("startTime", "endTime")
        )
        rows, at = [], start if start == _floor(start) else _floor(start) + _MINUTE
        while at <= min(end, asked.now) and len(rows) < int(asked.params["limit"]):
            first, high, low, last, volume = self.corpus.minute(symbol, at)
            ms = int(at.timestamp() * 1000)
            prices = [f"{price:.8f}" for price in (first, high, low, last)]
            extra = ["new"] if asked.fault == "unknown-field" else []
            row = [ms, *prices, f"{volume}.0", ms + 59_999, "0", 9, "0", "0", "0", *extra]
            rows.append(row[:1] if asked.fault == "renamed-required" else row)
            at += _MINUTE
        return Made([] if asked.fault == "empty" else rows)


class FakeStooq(Fake):
    """CSV, and pages of words with status 200."""

    name = "stooq"

    def made(self, asked: Asked) -> Made:
        plain = {"content-type": "text/plain"}
        if asked.params.get("apikey") != self.secret:
            return Made(b"Get your apikey: ...", headers=plain)
        if asked.fault == "usage-cap":
            return Made(b"Exceeded the daily hits limit", headers=plain)
        ticker = asked.params["s"].removesuffix(".us").upper()
        bars = [
            bar
            for bar in self.corpus.bars.get(ticker, [])
            if asked.params["d1"] <= f"{bar.day:%Y%m%d}" <= asked.params["d2"]
            and bar.close_at <= asked.now
        ]
        if not bars or asked.fault == "empty":
            return Made(b"No data", headers=plain)
        head = "Date,Open,High,Low,Close,Volume"
        if asked.fault == "renamed-required":
            head = head.replace("Close", "Last")
        lines = [f"{b.day},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in bars]
        return Made("\r\n".join([head, *lines]).encode(), headers={"content-type": "text/csv"})


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _nanoseconds(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


ALL_VENDORS: Sequence[type[Fake]] = (
    *TEXT_VENDORS, FakeAlphaVantage, FakeOanda, FakeBinance, FakeStooq, *COMPANY_VENDORS
)  # fmt: skip
