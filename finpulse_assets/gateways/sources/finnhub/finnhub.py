"""Finnhub, company news: headlines by ticker.

https://finnhub.io/docs/api/company-news

It takes whole days, cuts long answers without saying so, and answers a symbol that it does not
know with an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    epoch,
    needed,
    read_rows,
    words,
)

_INSTANT = timedelta(microseconds=1)


class Finnhub(Vendor):
    """Headlines about some tickers.

    Args:
        tickers: symbols as the tables write them.
        most: headlines of an answer from which on it counts as cut.
        history: how far back the plan goes.
    """

    name = "finnhub"
    kinds = ("headlines",)

    def __init__(
        self, tickers: Sequence[str], access: Access, *, most: int, history: timedelta
    ) -> None:
        self.subjects, self.access, self._most = list(tickers), access, most
        day = timedelta(days=1)
        self.reach = Reach(
            overlap=timedelta(hours=6), history=history, at_once=7 * day, at_least=day
        )

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the days of a span."""
        first, last = wanted.span[0].date(), (wanted.span[1] - _INSTANT).date()
        symbol = wanted.subject.replace("-", ".")
        params = {"symbol": symbol, "from": first.isoformat(), "to": last.isoformat()}
        return Request("api/v1/company-news", params)

    def read(self, answer: Answer) -> Page:
        """Return the headlines of an answer."""
        body = answer.reply.json()
        if not isinstance(body, list):
            said = body.get("error") if isinstance(body, dict) else type(body).__name__
            raise SourceError(f"an answer without headlines: {str(said)[:160]}")

        def rows(item: Any) -> Iterable[Row]:
            yield {
                "text_id": str(needed(item, "id")),
                "ticker": answer.ask.subject,
                "event_time": epoch(needed(item, "datetime")),
                "text": needed(item, "headline"),
                "author": words(item.get("source")),
                "is_retweet": False,
                "source": words(item.get("source")),
            }

        return Page(read_rows(body, rows), is_cut=len(body) >= self._most)

    def refused(self, answer: Answer) -> Page | None:
        """A redirect is that of a proxy or a maintenance page: it may pass."""
        if 300 <= answer.reply.status < 400:
            raise Passing(f"HTTP {answer.reply.status}, a redirect instead of data")
        return None
