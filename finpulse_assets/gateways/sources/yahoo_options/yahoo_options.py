"""Yahoo's option chains: volume, open interest and implied volatility of the next expiries.

A chain is a snapshot: Yahoo has no past ones, so a chain is known when a run takes it, and a day
without a run has none. The request needs a cookie and a crumb, and looks like a browser's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access, Credential
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    epoch,
    listing,
    mapping,
    needed,
    read_rows,
)

if TYPE_CHECKING:
    import httpx

# Yahoo writes 0.00001 where it has no quote to read a volatility from.
LEAST_VOLATILITY = 0.001
_SIDES = {"calls": "call", "puts": "put"}


class YahooOptions(Vendor):
    """The option chains of some tickers.

    Args:
        tickers: symbols as the tables write them.
        expiries: how many of the next expiries are taken, one request each.
    """

    name = "yahoo_options"
    kinds = ("options",)
    reach = Reach(overlap=timedelta(0), is_now_only=True)

    def __init__(self, tickers: Sequence[str], access: Access, *, expiries: int) -> None:
        self.subjects, self.access, self._expiries = list(tickers), access, expiries

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the next expiry."""
        return Request(f"v7/finance/options/{wanted.subject}")

    def read(self, answer: Answer) -> Page:
        """Return the contracts of one expiry; the following request is for the next one."""
        body = mapping(answer.reply.json(), "the answer")
        chain = mapping(body.get("optionChain"), "optionChain")
        if chain.get("error"):
            raise Passing(f"an error with status 200 ({chain['error']})")
        results = listing(chain.get("result"), "optionChain.result")
        if not results:
            return Page(gap="Yahoo has no options on it")
        result = mapping(results[0], "a chain")
        price = mapping(result.get("quote"), "quote").get("regularMarketPrice")
        if price is None:
            raise SourceError("regularMarketPrice is missing")
        rows: list[Row] = []
        for one in listing(result.get("options"), "options"):
            of_expiry = mapping(one, "an expiry")
            expiry = epoch(of_expiry.get("expirationDate"))
            shared = {
                "ticker": answer.ask.subject,
                "expiry_date": expiry.date(),
                "underlying_price": float(price),
                "event_time": answer.as_of,
                "knowledge_time": answer.as_of,
            }
            contracts = [
                (side, it) for key, side in _SIDES.items() for it in listing(of_expiry[key], key)
            ]
            rows += read_rows(contracts, lambda it, shared=shared: _row(shared, *it))
        return Page(rows, following=self._next(answer, result.get("expirationDates") or []))

    def _next(self, answer: Answer, expiries: Sequence[int]) -> Request | None:
        page = answer.ask.page
        if page >= self._expiries or page >= len(expiries):
            return None
        return Request(
            f"v7/finance/options/{answer.ask.subject}", {"date": str(sorted(expiries)[page])}
        )


def _row(shared: Row, side: str, contract: Mapping[str, Any]) -> Iterable[Row]:
    volatility = contract.get("impliedVolatility")
    is_known = volatility is not None and float(volatility) >= LEAST_VOLATILITY
    yield {
        **shared,
        "contract": needed(contract, "contractSymbol"),
        "side": side,
        "strike": float(needed(contract, "strike")),
        "volume_contracts": _count(contract.get("volume")),
        "open_interest_contracts": _count(contract.get("openInterest")),
        "implied_volatility": float(volatility) if is_known else None,
    }


def _count(value: object) -> int | None:
    return None if value is None else int(value)  # type: ignore[call-overload]


def crumb(http: httpx.Client, *, cookie_url: str, crumb_url: str) -> Credential:
    """Return the crumb that goes with the cookie of a fresh visit.

    Raises:
        Passing: Yahoo gives none.
    """
    import httpx

    try:
        http.get(cookie_url)  # any status will do, the cookie comes with each
        answer = http.get(crumb_url)
    except httpx.HTTPError as error:
        raise Passing(f"no crumb ({type(error).__name__})") from None
    text = answer.text.strip()
    if answer.status_code != 200 or not text or "<" in text or " " in text:
        raise Passing(f"no crumb (HTTP {answer.status_code})")
    return Credential(params={"crumb": text})
