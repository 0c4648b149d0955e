"""Nasdaq Trader's symbol directories: every security listed in the United States, as of today.

https://www.nasdaqtrader.com/trader.aspx?id=symboldirdefs

Two files, one of Nasdaq's own listings and one of all other exchanges', separated by bars. Each
ends with the time at which it was made; one that does not is cut short, and half a directory would
end half of all companies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    needed,
    read_rows,
    words,
)
from finpulse_assets.schemas import SYMBOL

NASDAQ, OTHER = "nasdaqlisted", "otherlisted"
_SYMBOL_COLUMNS = {NASDAQ: "Symbol", OTHER: "ACT Symbol"}
_END = "File Creation Time"
_EXCHANGES = {
    "A": "NYSE American", "N": "NYSE", "P": "NYSE Arca", "V": "IEX", "Z": "Cboe BZX",
}  # fmt: skip
_MARKETS = {"Q": "Nasdaq Global Select", "G": "Nasdaq Global Market", "S": "Nasdaq Capital Market"}
_IS_SYMBOL = re.compile(SYMBOL)


class NasdaqTrader(Vendor):
    """The listings of both files; test issues and preferred shares are passed over."""

    name = "nasdaqtrader"
    kinds = ("listings",)
    subjects = (NASDAQ, OTHER)
    reach = Reach(overlap=timedelta(0), is_by_ticker=False, is_now_only=True)

    def __init__(self, access: Access) -> None:
        self.access = access

    def request(self, wanted: Wanted) -> Request:
        """Return the request for a file."""
        return Request(f"dynamic/SymDir/{wanted.subject}.txt")

    def read(self, answer: Answer) -> Page:
        """Return the listings of a file."""
        lines = answer.reply.body.decode(errors="replace").strip().splitlines()
        if not lines or lines[0].lstrip()[:1] == "<":
            raise Passing("a page instead of the directory")
        head = lines[0].split("|")
        symbol = _SYMBOL_COLUMNS[answer.ask.subject]
        if lacking := [
            name for name in (symbol, "Security Name", "Test Issue") if name not in head
        ]:
            raise SourceError(f"the directory has no column {lacking[0]}")
        if not lines[-1].startswith(_END):
            raise Passing("a directory that is cut short")
        items = [dict(zip(head, line.split("|"), strict=False)) for line in lines[1:-1]]
        listed = [it for it in items if _is_share(it, symbol)]
        rows = read_rows(listed, lambda it: _rows(it, answer.ask.subject, answer.as_of))
        return Page(rows, passed_over=len(items) - len(listed))


def _is_share(item: Mapping[str, str], symbol: str) -> bool:
    """Return whether an item is a listing; one without a name is refused by name later."""
    is_test = item.get("Test Issue", "").strip().upper() == "Y"
    return not is_test and bool(_IS_SYMBOL.match(_ticker(item.get(symbol) or "A")))


def _ticker(symbol: str) -> str:
    """Return a symbol in the house's spelling.

    >>> _ticker("BRK.B ")
    'BRK-B'
    """
    return symbol.strip().upper().replace(".", "-")


def _rows(item: Mapping[str, str], file: str, as_of: datetime) -> Iterable[Row]:
    market = words(item.get("Market Category")) if file == NASDAQ else words(item.get("Exchange"))
    names = _MARKETS if file == NASDAQ else _EXCHANGES
    yield {
        "ticker": _ticker(needed(item, _SYMBOL_COLUMNS[file])),
        "company": words(item.get("Security Name")),
        "exchange": names.get(market or "", market),
        "knowledge_time": as_of,
        "source": file,
    }
