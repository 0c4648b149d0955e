"""Stooq: daily bars as a cross-check of other sources.

https://stooq.com

Its prices are adjusted for splits and dividends in a way that it does not describe. Errors are
pages with status 200, so only an answer that begins with the expected header is data.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request, StopAsking
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    has_closed,
    needed,
    read_rows,
)
from finpulse_assets.schemas import OHLC

HEADER = ["Date", "Open", "High", "Low", "Close", "Volume"]
_NO_DATA = "no data"


class Stooq(Vendor):
    """Daily bars of some tickers of the United States.

    Args:
        tickers: symbols as the tables write them.
    """

    name = "stooq"
    kinds = ("prices",)
    reach = Reach(overlap=timedelta(days=5))

    def __init__(self, tickers: Sequence[str], access: Access) -> None:
        self.subjects, self.access = list(tickers), access

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the days of a span."""
        days = {"d1": f"{wanted.span[0]:%Y%m%d}", "d2": f"{wanted.span[1]:%Y%m%d}"}
        return Request("q/d/l/", {"s": f"{wanted.subject.lower()}.us", "i": "d", **days})

    def read(self, answer: Answer) -> Page:
        """Return the bars of an answer."""
        text = answer.reply.body.decode(errors="replace").strip()
        if text.lower().startswith(_NO_DATA):
            return Page()
        if "daily hits limit" in text.lower():
            raise StopAsking("Stooq's limit of a day is reached")
        if text.startswith("<") or "apikey" in text.lower():
            raise Passing("a page instead of data; check FINPULSE_STOOQ_KEY")
        lines = list(csv.reader(text.splitlines()))
        if not lines or lines[0] != HEADER:
            raise SourceError(f"the columns {', '.join(lines[0] if lines else [])[:80]}")
        days = [dict(zip(HEADER, line, strict=False)) for line in lines[1:]]
        came = answer.reply.fetched_at
        closed = [day for day in days if _is_over(day, came)]

        def rows(day: dict[str, str]) -> Iterable[Row]:
            yield {
                "ticker": answer.ask.subject,
                "session_date": date.fromisoformat(needed(day, "Date")),
                **{name: float(needed(day, name.capitalize())) for name in OHLC},
                "volume_shares": round(float(needed(day, "Volume"))),
                "price_basis": "total_return",
            }

        return Page(read_rows(closed, rows), passed_over=len(days) - len(closed))


def _is_over(day: dict[str, str], came: object) -> bool:
    try:
        return has_closed(date.fromisoformat(day["Date"]), came)  # type: ignore[arg-type]
    except ValueError:
        return True  # refused by name, as a row that cannot be read
