"""Alpha Vantage: daily bars, and headlines of NEWS_SENTIMENT (its own scores are not taken).

https://www.alphavantage.co/documentation

Every answer has status 200. What is not data has none of the expected keys; which other key says so
has changed over time, so only the expected one is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from finpulse_assets.domain.texts.links import canonical_url
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import NotListed, Passing, Request, StopAsking
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    has_closed,
    listing,
    mapping,
    needed,
    read_rows,
    words,
)
from finpulse_assets.schemas import OHLC, Kind

MOST_NEWS = 1000
COMPACT = timedelta(days=130)  # an answer of 100 sessions reaches back so far
_NO_NEWS = re.compile(r"no (?:articles|news|matching)", re.IGNORECASE)
_LIMIT = re.compile(r"limit|per (?:day|minute|second)|premium|rate|demo", re.IGNORECASE)


class AlphaVantage(Vendor):
    """Daily bars as traded, and headlines, of some tickers.

    Args:
        tickers: symbols as the tables write them.
        kinds: which of the two are asked for.
        a_day: requests that the plan allows.
    """

    name = "alphavantage"

    def __init__(
        self, tickers: Sequence[str], kinds: tuple[Kind, ...], access: Access, *, a_day: int
    ) -> None:
        self.subjects, self.kinds, self.access = list(tickers), kinds, access
        self.reach = Reach(overlap=timedelta(days=1), a_day=a_day)

    def request(self, wanted: Wanted) -> Request:
        """Return the request for a span; of bars the newest hundred, or all where it is longer."""
        if wanted.kind == "prices":
            size = "compact" if wanted.span[1] - wanted.span[0] < COMPACT else "full"
            params = {"function": "TIME_SERIES_DAILY", "symbol": wanted.subject, "outputsize": size}
            return Request("query", {**params, "datatype": "json"})
        times = {
            "time_from": f"{wanted.span[0]:%Y%m%dT%H%M}",
            "time_to": f"{wanted.span[1]:%Y%m%dT%H%M}",
        }
        params = {"function": "NEWS_SENTIMENT", "tickers": wanted.subject, **times}
        return Request("query", {**params, "sort": "EARLIEST", "limit": str(MOST_NEWS)})

    def read(self, answer: Answer) -> Page:
        """Return the bars or headlines of an answer."""
        body = mapping(answer.reply.json(), "the answer")
        if answer.ask.kind == "prices":
            return _bars(answer, body)
        return _news(answer, body)


def _bars(answer: Answer, body: Mapping[str, Any]) -> Page:
    key = next((name for name in body if name.startswith("Time Series")), None)
    if key is None:
        raise _error(body)
    series = mapping(body[key], key)
    finished = [
        (date.fromisoformat(day), values)
        for day, values in series.items()
        if has_closed(date.fromisoformat(day), answer.reply.fetched_at)
    ]

    def rows(item: tuple[date, Any]) -> Iterable[Row]:
        # "5. volume" here is "6. volume" elsewhere: fields are known by their word.
        values = {name.split(". ")[-1]: value for name, value in item[1].items()}
        yield {
            "ticker": answer.ask.subject,
            "session_date": item[0],
            **{name: float(needed(values, name)) for name in OHLC},
            "volume_shares": round(float(needed(values, "volume"))),
            "price_basis": "unadjusted",
        }

    return Page(read_rows(finished, rows), passed_over=len(series) - len(finished))


def _news(answer: Answer, body: Mapping[str, Any]) -> Page:
    if "feed" not in body:
        if any(_NO_NEWS.search(str(value)) for value in body.values()):
            return Page()
        raise _error(body)
    items = listing(body["feed"], "feed")

    def rows(item: Any) -> Iterable[Row]:
        url = canonical_url(needed(item, "url"))
        at = datetime.strptime(needed(item, "time_published"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        authors = item.get("authors") or []
        yield {
            "text_id": url,
            "ticker": answer.ask.subject,
            "event_time": at,
            "text": needed(item, "title"),
            "author": words(authors[0]) if authors else words(item.get("source")),
            "is_retweet": False,
            "source": words(item.get("source")),
        }

    return Page(read_rows(items, rows), is_cut=len(items) >= MOST_NEWS)


def _error(body: Mapping[str, Any]) -> SourceError:
    if not body:
        return Passing("an empty answer")
    name, said = next(iter(body.items()))
    sentence = f"{name}: {str(said)[:160]}"
    if name == "Error Message":
        return NotListed(sentence)
    return StopAsking(sentence) if _LIMIT.search(str(said)) else SourceError(sentence)
