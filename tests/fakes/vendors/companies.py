"""Vendors of listings, holdings and option chains, in the shapes of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from tests.fakes.vendors.fake import Asked, Fake
from tests.fakes.vendors.faults import Made
from tests.fakes.vendors.filings import text_of

EXPIRIES, STRIKES = (30, 60, 90), (80.0, 90.0, 95.0, 100.0, 105.0, 110.0, 120.0)


class FakeNasdaqTrader(Fake):
    """Two directories: the companies in turn are Nasdaq's and others'."""

    name = "nasdaqtrader"

    def made(self, asked: Asked) -> Made:
        is_nasdaq = asked.path.endswith("nasdaqlisted.txt")
        listed = self.corpus.listed(asked.now)
        if is_nasdaq:
            head = "Symbol|Security Name|Market Category|Test Issue|Financial Status|ETF"
            lines = [f"{t.replace('-', '.')}|{n}|Q|N|N|N" for t, n in listed[::2]]
            lines.append("ZVZZT|NASDAQ TEST STOCK|G|Y|N|N")
        else:
            head = "ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Test Issue|NASDAQ Symbol"
            lines = [f"{t.replace('-', '.')}|{n}|N|{t}|N|N|{t}" for t, n in listed[1::2]]
            lines.append("BAC$B|Preferred shares|N|BACpB|N|N|BAC-B")
        if asked.fault == "renamed-required":
            head = head.replace("Security Name", "Issue Name")
        if asked.fault == "unknown-field":
            head, lines = f"{head}|New", [f"{line}|1" for line in lines]
        if asked.fault == "missing-optional":
            head, lines = head.removesuffix("|ETF"), [line.removesuffix("|N") for line in lines]
        if asked.fault == "empty":
            lines = []
        end = f"File Creation Time: {asked.now:%m%d%Y%H:%M}|||||"
        text = "\r\n".join([head, *lines, end])
        return Made(text.encode(), headers={"content-type": "text/plain"})


class FakeEdgar13F(Fake):
    """The list of each manager's filings, and their texts."""

    name = "edgar13f"

    def made(self, asked: Asked) -> Made:
        if "@" not in asked.headers.get("user-agent", ""):
            return Made(b"<html>Forbidden</html>", 403, {"content-type": "text/html"})
        if asked.fault == "usage-cap":
            page = b"<html>Request Rate Threshold Exceeded</html>"
            return Made(page, 403, {"content-type": "text/html"})
        filed = [it for it in self.corpus.filings if it.accepted_at <= asked.now]
        if asked.path.startswith("Archives"):
            number = asked.path.rsplit("/", 1)[1].removesuffix(".txt")
            filing = next(it for it in filed if it.number == number)
            return Made(text_of(filing, list(self.corpus.companies), asked.fault))
        manager = int(asked.path.split("CIK")[1].split(".")[0])
        own = [it for it in filed if it.manager == manager and asked.fault != "empty"][::-1]
        recent = {
            "accessionNumber": [it.number for it in own],
            "acceptanceDateTime": [f"{it.accepted_at:%Y-%m-%dT%H:%M:%S.000Z}" for it in own],
            "form": ["13F-HR/A" if it.is_addition else "13F-HR" for it in own],
        }
        body = {"cik": str(manager), "filings": {"recent": recent, "files": []}}
        return Made(body, items=[recent], required="form", optional="")


class FakeYahooOptions(Fake):
    """Chains for whoever has the cookie and the crumb, one expiry an answer."""

    name = "yahoo_options"
    free_paths = ("cookie", "v1/test/getcrumb")

    def made(self, asked: Asked) -> Made:
        if asked.path == "cookie":
            return Made(b"", 404, {"set-cookie": f"A3={self.secret}; Path=/"})
        has_cookie = self.secret in asked.headers.get("cookie", "")
        if asked.path == "v1/test/getcrumb" and has_cookie:
            return Made(self.token.encode(), headers={"content-type": "text/plain"})
        if not has_cookie or asked.params.get("crumb") != self.token:
            return Made({"finance": {"error": {"description": "Invalid Crumb"}}}, 401)
        if asked.fault == "usage-cap":
            return Made(b"Too Many Requests", 429, {"content-type": "text/plain"})
        ticker = asked.path.rsplit("/", 1)[1]
        if ticker not in self.corpus.companies or asked.fault == "empty":
            return Made({"optionChain": {"result": [], "error": None}})
        expiries = [_epoch(day) for day in expiry_days(self.corpus.last)]
        chosen = int(asked.params.get("date", expiries[0]))
        day = datetime.fromtimestamp(chosen, UTC).date()
        sides = {
            key: [contract(ticker, day, key, strike) for strike in STRIKES]
            for key in ("calls", "puts")
        }
        result = {
            "underlyingSymbol": ticker,
            "expirationDates": expiries,
            "quote": {"regularMarketPrice": 100.0},
            "options": [{"expirationDate": chosen, **sides}],
        }
        items = [*sides["calls"], *sides["puts"]]
        body = {"optionChain": {"result": [result], "error": None}}
        return Made(body, items=items, required="strike", optional="lastPrice")


def expiry_days(last: date) -> list[date]:
    """Return the expiries of every chain of a corpus that ends on `last`."""
    return [last + timedelta(days=days) for days in EXPIRIES]


def contract(ticker: str, expiry: date, key: str, strike: float) -> dict[str, object]:
    """Return a contract of a chain; a far one has no quote, and so no volatility."""
    is_far = abs(strike - 100.0) > 15
    number = int(strike) * 3 + expiry.day + len(ticker)
    volatility = 0.30 - (strike - 100.0) / 400 + (0.01 if key == "puts" else 0.0)
    return {
        "contractSymbol": f"{ticker}{expiry:%y%m%d}{key[0].upper()}{int(strike * 1000):08d}",
        "strike": strike,
        "lastPrice": 1.5,
        "volume": number if key == "calls" else number // 2,
        "openInterest": number * 10,
        "impliedVolatility": 0.00001 if is_far else round(volatility, 4),
    }


def _epoch(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


COMPANY_VENDORS: Sequence[type[Fake]] = (FakeNasdaqTrader, FakeEdgar13F, FakeYahooOptions)
