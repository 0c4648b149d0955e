"""RSS and Atom feeds: headlines, by feedparser.

https://feedparser.readthedocs.io

A feed shows its newest entries and takes no span, so it has to be looked at more often than it
turns over. It is fetched here, with limits, and never by feedparser.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from finpulse_assets.domain.texts.links import canonical_url
from finpulse_assets.domain.texts.mentions import Mentions
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

_END = re.compile(rb"</(?:rss|feed|rdf:RDF)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


class Rss(Vendor):
    """Headlines of some feeds.

    Args:
        feeds: name -> address; a name that is a ticker says what every entry is about.
        mentions: finds the tickers of other feeds' entries.
        tickers: the universe.
    """

    name = "rss"
    kinds = ("headlines",)
    reach = Reach(overlap=timedelta(0), is_by_ticker=False, is_now_only=True)

    def __init__(
        self, feeds: Mapping[str, str], mentions: Mentions, tickers: Sequence[str], access: Access
    ) -> None:
        self._feeds, self._mentions, self._tickers = dict(feeds), mentions, set(tickers)
        self.access = access
        self.subjects = list(self._feeds)

    def request(self, wanted: Wanted) -> Request:
        """Return the request for a feed."""
        return Request(self._feeds[wanted.subject])

    def read(self, answer: Answer) -> Page:
        """Return the entries of a feed that are about a ticker."""
        import feedparser

        reply, name = answer.reply, answer.ask.subject
        if not _END.search(reply.body[-1000:]):  # its last entry would lack what was cut
            raise Passing(f"an answer of {reply.content_type or 'no type'} that is no whole feed")
        headers = {"content-type": reply.headers.get("content-type", "application/xml")}
        # The address lets feedparser resolve relative links.
        headers["content-location"] = answer.ask.request.url
        parsed = feedparser.parse(reply.body, response_headers=headers)
        if not parsed.entries and (parsed.bozo or not parsed.version):
            raise Passing(f"an answer of {reply.content_type or 'no type'} that is no feed")

        def rows(entry: Any) -> Iterable[Row]:
            title = _plain(needed(entry, "title"))
            own = (
                [name]
                if name in self._tickers
                else self._mentions.of(f"{title} {_plain(entry.get('summary'))}")
            )
            link = words(entry.get("link"))
            fallback = hashlib.sha256(f"{title}{entry.get('published')}".encode()).hexdigest()
            for ticker in own:
                yield {
                    "text_id": (link and canonical_url(link)) or words(entry.get("id")) or fallback,
                    "ticker": ticker,
                    "event_time": _published(entry, reply.fetched_at),
                    "text": title,
                    "author": words(entry.get("author")),
                    "is_retweet": False,
                    "source": name,
                }

        found = read_rows(parsed.entries, rows)
        about = len({row.get("text_id") for row in found if not row.get("problem")})
        return Page(found, passed_over=max(0, len(parsed.entries) - about))


def _published(entry: Mapping[str, Any], fetched_at: datetime) -> datetime:
    """Return when an entry was published; one without a date, or from the future, is of now."""
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if parsed is None:
        return fetched_at
    return min(datetime.fromtimestamp(calendar.timegm(parsed), UTC), fetched_at)


def _plain(text: object) -> str:
    return " ".join(_TAG.sub(" ", text).split()) if isinstance(text, str) else ""
