"""Reddit's Data API: posts and comments of named subreddits that are about a ticker.

https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki

Listings go from the newest backwards and end after about a thousand items, whatever lies behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from finpulse_assets.domain.texts.mentions import Mentions
from finpulse_assets.gateways.sources.access import Access, Credential
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request, StopAsking
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
    words,
)

_GONE = ("[deleted]", "[removed]")
PAGE_SIZE = 100


class Reddit(Vendor):
    """Posts and comments of some subreddits.

    Args:
        subreddits: their names.
        mentions: finds the tickers of a text.
    """

    name = "reddit"
    kinds = ("tweets",)
    reach = Reach(overlap=timedelta(hours=1), is_by_ticker=False)

    def __init__(self, subreddits: Sequence[str], mentions: Mentions, access: Access) -> None:
        self._mentions, self.access = mentions, access
        self.subjects = [f"{name}/{what}" for name in subreddits for what in ("new", "comments")]

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the newest page."""
        return Request(f"r/{wanted.subject}", {"limit": str(PAGE_SIZE), "raw_json": "1"})

    def read(self, answer: Answer) -> Page:
        """Return the items of a page that are about a ticker; ends where the span begins."""
        data = mapping(mapping(answer.reply.json(), "the answer").get("data"), "data")
        children = listing(data.get("children"), "children")
        items = [mapping(mapping(one, "an item").get("data"), "data") for one in children]

        def rows(item: Any) -> Iterable[Row]:
            text = _text(item)
            for ticker in self._mentions.of(text) if text else ():
                yield {
                    "text_id": needed(item, "name"),
                    "ticker": ticker,
                    "event_time": epoch(needed(item, "created_utc")),
                    "text": text[:10_000],
                    "author": words(item.get("author")),
                    "is_retweet": False,
                    "like_count": item.get("score"),
                    "source": f"r/{answer.ask.subject.split('/')[0]}",
                }

        found = read_rows(items, rows)
        oldest = min((item.get("created_utc") or 0 for item in items), default=0)
        before, after = answer.ask.span[0].timestamp(), data.get("after")
        wants_more = bool(items) and oldest >= before
        following = Request(answer.ask.request.url, {**answer.ask.request.params, "after": after})
        about = len({row.get("text_id") for row in found if not row.get("problem")})
        return Page(
            found,
            following=following if wants_more and after else None,
            gap="the listing ends before the span that was asked for begins"
            if wants_more and not after and answer.ask.page > 1
            else None,
            passed_over=max(0, len(items) - about),
        )

    def refused(self, answer: Answer) -> Page | None:
        """A 403 concerns the application, not one subreddit alone, where it is a page of HTML."""
        if answer.reply.status == 403 and answer.reply.content_type == "text/html":
            raise StopAsking(
                "Reddit blocks the application (HTTP 403)", hint="check FINPULSE_REDDIT_USER_AGENT"
            )
        return None


def _text(item: Mapping[str, Any]) -> str:
    parts = [item.get("title"), item.get("selftext"), item.get("body")]
    return "\n".join(part for part in map(words, parts) if part and part not in _GONE)


def token(
    http: httpx.Client, *, url: str, client_id: str, client_secret: str, user_agent: str
) -> Credential:
    """Return a new token of the application.

    Raises:
        Passing: Reddit does not answer, or with something else.
        StopAsking: it does not know the application.
    """
    try:
        answer = http.post(
            url,
            data={"grant_type": "client_credentials"},
            auth=(client_id, client_secret),
            headers={"User-Agent": user_agent},
        )
    except httpx.HTTPError as error:
        raise Passing(f"no token ({type(error).__name__})") from None
    if answer.status_code in (400, 401, 403):
        raise StopAsking(
            f"Reddit gives no token (HTTP {answer.status_code})",
            hint="check FINPULSE_REDDIT_CLIENT_ID and FINPULSE_REDDIT_CLIENT_SECRET",
        )
    try:
        found = mapping(answer.json(), "the token")
    except ValueError:
        raise Passing(f"no token (HTTP {answer.status_code})") from None
    if "access_token" not in found:
        raise StopAsking(f"Reddit gives no token: {found.get('error', 'no reason')}")
    return Credential({"Authorization": f"Bearer {found['access_token']}"})
