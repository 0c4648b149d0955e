"""X API v2: tweets that name a cashtag, of the last week or of the full archive.

https://docs.x.com/x-api/posts/search/introduction

Every post that is read is billed, so what was read is counted and a month has a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Request, StopAsking
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

_FIELDS = {
    "tweet.fields": "created_at,author_id,lang,public_metrics,referenced_tweets,note_tweet",
    "expansions": "author_id",
    "user.fields": "username",
}


class X(Vendor):
    """Tweets about some tickers.

    Args:
        tickers: symbols as the tables write them.
        query: with {ticker} where the symbol goes.
        has_archive: whether the full archive is searched, else the last seven days.
        most_posts: that may be read in 30 days.
    """

    name = "x"
    kinds = ("tweets",)

    def __init__(
        self,
        tickers: Sequence[str],
        access: Access,
        *,
        query: str,
        has_archive: bool,
        most_posts: int,
    ) -> None:
        self.subjects, self.access = list(tickers), access
        self._query, self._has_archive = query, has_archive
        self.reach = Reach(
            overlap=timedelta(minutes=15),
            history=None if has_archive else timedelta(days=6, hours=23),
            lag=timedelta(seconds=30),
            billed_a_month=most_posts,
        )

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the newest page of a span."""
        where, most = ("all", 500) if self._has_archive else ("recent", 100)
        params = {
            "query": self._query.format(ticker=wanted.subject.replace("-", ".")),
            "start_time": _shown(wanted.span[0]),
            "end_time": _shown(wanted.span[1]),
            "max_results": str(most),
            **_FIELDS,
        }
        return Request(f"2/tweets/search/{where}", params)

    def read(self, answer: Answer) -> Page:
        """Return the tweets of a page; it ends where no token for another one is given."""
        body = mapping(answer.reply.json(), "the answer")
        if "meta" not in body:
            raise SourceError("an answer without meta")
        meta, posts = mapping(body["meta"], "meta"), listing(body.get("data") or [], "data")
        users = mapping(body.get("includes") or {}, "includes").get("users") or []
        names = {user.get("id"): user.get("username") for user in users if isinstance(user, dict)}

        def rows(post: Any) -> Iterable[Row]:
            counts = mapping(post.get("public_metrics") or {}, "public_metrics")
            kinds = {one.get("type") for one in post.get("referenced_tweets") or []}
            note = mapping(post.get("note_tweet") or {}, "note_tweet")
            yield {
                "text_id": str(needed(post, "id")),
                "ticker": answer.ask.subject,
                "event_time": iso(needed(post, "created_at")),
                "text": words(note.get("text")) or needed(post, "text"),
                "author": names.get(post.get("author_id")) or post.get("author_id"),
                "is_retweet": "retweeted" in kinds,
                "retweet_count": counts.get("retweet_count"),
                "like_count": counts.get("like_count"),
                "source": "x",
            }

        errors = body.get("errors") or []
        return Page(
            read_rows(posts, rows),
            following=_next(answer.ask.request, meta),
            gap=f"{len(errors)} objects could not be had, such as {_said(errors)}"
            if errors
            else None,
            cost=len(posts),
        )

    def refused(self, answer: Answer) -> Page | None:
        """Tell the cap of the plan, which lasts, from a rate, which passes."""
        reply = answer.reply
        if reply.status == 429 and (reply.requests_left or 0) > 0:
            raise StopAsking("the usage cap of the plan is reached (HTTP 429)")
        if reply.status in (401, 403):
            raise StopAsking(
                f"X refuses the key (HTTP {reply.status})", hint="check FINPULSE_X_TOKEN"
            )
        return None


def _next(request: Request, meta: Mapping[str, Any]) -> Request | None:
    token = meta.get("next_token")
    return Request(request.url, {**request.params, "next_token": token}) if token else None


def _said(errors: Sequence[Any]) -> str:
    first = errors[0]
    said = first.get("detail") or first.get("title") if isinstance(first, dict) else first
    return str(said)[:120]


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
