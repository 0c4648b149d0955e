"""NewsAPI.org, /v2/everything: headlines about a company's name.

https://newsapi.org/docs/endpoints/everything

A developer's key gives a month of history, a day late, and the first hundred articles of a
question; what is beyond that is named as a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from finpulse_assets.domain.texts.links import canonical_url
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Expired, Passing, Request, StopAsking
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    iso,
    listing,
    mapping,
    needed,
    read_rows,
    words,
)

PAGE_SIZE = 100
_REMOVED = "[Removed]"
_KEY_CODES = ("apiKeyDisabled", "apiKeyInvalid", "apiKeyMissing")
_STOP_CODES = ("apiKeyExhausted",)
_TOO_DEEP = "maximumResultsReached"


class NewsApi(Vendor):
    """Headlines about some companies.

    Args:
        names: ticker -> what its company is called; the question asks for any of them.
        a_day: requests that the plan allows.
    """

    name = "newsapi"
    kinds = ("headlines",)

    def __init__(self, names: Mapping[str, Sequence[str]], access: Access, *, a_day: int) -> None:
        self._names, self.access = dict(names), access
        self.reach = Reach(
            overlap=timedelta(days=1),
            history=timedelta(days=29),
            at_once=timedelta(days=7),
            a_day=a_day,
        )
        self.subjects = list(self._names)

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the first page of a span."""
        called = self._names[wanted.subject] or [wanted.subject]
        params = {
            "q": " OR ".join(f'"{name}"' for name in called)[:500],
            "searchIn": "title,description",
            "language": "en",
            "from": f"{wanted.span[0]:%Y-%m-%dT%H:%M:%S}",
            "to": f"{wanted.span[1]:%Y-%m-%dT%H:%M:%S}",
            "sortBy": "publishedAt",
            "pageSize": str(PAGE_SIZE),
            "page": "1",
        }
        return Request("v2/everything", params)

    def read(self, answer: Answer) -> Page:
        """Return the articles of a page."""
        body = mapping(answer.reply.json(), "the answer")
        if "articles" not in body:
            raise _error(body)
        articles, ask = listing(body["articles"], "articles"), answer.ask

        def rows(article: Any) -> Iterable[Row]:
            url = canonical_url(needed(article, "url"))
            if article.get("title") != _REMOVED:
                origin = words(mapping(article.get("source") or {}, "source").get("name"))
                yield {
                    "text_id": url,
                    "ticker": ask.subject,
                    "event_time": iso(needed(article, "publishedAt")),
                    "text": needed(article, "title"),
                    "author": words(article.get("author")) or origin,
                    "is_retweet": False,
                    "source": origin,
                }

        found = read_rows(articles, rows)
        seen = (ask.page - 1) * PAGE_SIZE + len(articles)
        more = len(articles) == PAGE_SIZE and seen < int(body.get("totalResults") or 0)
        following = {**ask.request.params, "page": str(ask.page + 1)}
        return Page(
            found,
            following=Request(ask.request.url, following) if more else None,
            passed_over=sum(1 for one in articles if one.get("title") == _REMOVED),
        )

    def refused(self, answer: Answer) -> Page | None:
        """Read the code of an error; a page beyond the plan is the end of what is given."""
        body = mapping(answer.reply.json(), "the answer")
        if body.get("code") == _TOO_DEEP:
            return Page(
                gap=f"the plan gives the first {PAGE_SIZE * (answer.ask.page - 1)} articles"
            )
        if "code" in body and answer.reply.status != 429 and answer.reply.status < 500:
            raise _error(body)
        return None


def _error(body: Mapping[str, Any]) -> SourceError:
    code, said = body.get("code"), str(body.get("message", "no articles"))[:160]
    if code in _KEY_CODES:
        return Expired(f"{code}: {said}", hint="check FINPULSE_NEWSAPI_KEY")
    if code in _STOP_CODES:
        return StopAsking(f"{code}: {said}")
    if code in ("rateLimited", "unexpectedError"):
        return Passing(f"{code}: {said}")
    return SourceError(f"{code or 'an answer without articles'}: {said}")
