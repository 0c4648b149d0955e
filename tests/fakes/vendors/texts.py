"""Vendors of texts, in the shapes of their answers."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

from tests.fakes.vendors.corpus import FIRST_NUMBER, Story
from tests.fakes.vendors.fake import Asked, Fake
from tests.fakes.vendors.faults import Made

_DAY = timedelta(days=1)


class FakeRss(Fake):
    """A feed of each company, and one of everything; the newest twenty entries."""

    name = "rss"
    newest = 20

    def made(self, asked: Asked) -> Made:
        name = asked.path.removesuffix(".xml")
        ticker = None if name == "all" else name
        told = self.corpus.told(ticker, datetime.min.replace(tzinfo=UTC), asked.now)[-self.newest :]
        tag = f'"{told[-1].number if told else 0}"'
        if asked.headers.get("if-none-match") == tag:
            return Made(b"", 304, {"etag": tag})
        if asked.fault == "empty":
            told, tag = [], '"empty"'
        drop = {"renamed-required": "title", "missing-optional": "author"}.get(asked.fault or "")
        entries = "".join(self._entry(story, drop) for story in reversed(told))
        new = "<somethingNew/>" if asked.fault == "unknown-field" else ""
        xml = (
            f'<?xml version="1.0" encoding="windows-1252"?><rss version="2.0"><channel>'
            f"<title>News</title>{new}{entries}</channel></rss>"
        )
        return Made(xml.encode("cp1252"), headers={"content-type": "text/xml", "etag": tag})

    def _entry(self, story: Story, drop: str | None) -> str:
        fields = {
            "title": f"<title>{escape(story.title)} – now</title>",
            "link": f"<link>{story.url}?utm_source=rss</link>",
            "guid": f'<guid isPermaLink="false">{story.number}</guid>',
            "author": f"<author>{story.author}</author>",
            "pubDate": f"<pubDate>{format_datetime(story.at)}</pubDate>",
        }
        return f"<item>{''.join(it for name, it in fields.items() if name != drop)}</item>"


class FakeNewsApi(Fake):
    """Pages of a hundred, newest first."""

    name = "newsapi"

    def made(self, asked: Asked) -> Made:
        if asked.headers.get("x-api-key") != self.secret:
            return Made({"status": "error", "code": "apiKeyInvalid", "message": "no"}, 401)
        if asked.fault == "usage-cap":
            body = {"status": "error", "code": "apiKeyExhausted", "message": "no more requests"}
            return Made(body, 429)
        query, size = asked.params["q"], int(asked.params["pageSize"])
        ticker = next(t for t, name in self.corpus.companies.items() if f'"{name}"' in query)
        start, end = (_utc(asked.params[name]) for name in ("from", "to"))
        told = self.corpus.told(ticker, start, min(end + timedelta(seconds=1), asked.now))
        told = [] if asked.fault == "empty" else told[::-1]
        at = (int(asked.params["page"]) - 1) * size
        at -= asked.fault == "shifted-page" and at > 0
        items = [
            {
                "source": {"id": None, "name": story.outlet},
                "author": story.author,
                "title": story.title,
                "description": "…",
                "url": f"{story.url}?utm_source=newsapi",
                "publishedAt": f"{story.at:%Y-%m-%dT%H:%M:%SZ}",
                "content": "…",
            }
            for story in told[at : at + size]
        ]
        removed = {"source": {"id": None, "name": "[Removed]"}, "title": "[Removed]",
                   "url": "https://removed.com", "publishedAt": "2026-01-01T00:00:00Z"}  # fmt: skip
        body = {
            "status": "ok",
            "totalResults": len(told),
            "articles": [*items, removed][: size * bool(told)],
        }
        return Made(body, items=items and body["articles"], required="title", optional="author")


class FakeFinnhub(Fake):
    """Whole days, at most `most` headlines, newest first."""

    name = "finnhub"
    most = 12

    def made(self, asked: Asked) -> Made:
        if asked.headers.get("x-finnhub-token") != self.secret:
            return Made({"error": "Invalid API key"}, 401)
        if asked.fault == "usage-cap":
            return Made({"error": "API limit reached. Remaining Limit: 0"}, 429)
        start, end = (_utc(asked.params[name]) for name in ("from", "to"))
        ticker = asked.params["symbol"].replace(".", "-")
        told = self.corpus.told(ticker, start, min(end + _DAY, asked.now))[::-1][: self.most]
        items = [
            {
                "category": "company",
                "datetime": int(story.at.timestamp()),
                "headline": story.title,
                "id": story.number,
                "image": "",
                "related": ticker,
                "source": story.outlet,
                "summary": "…",
                "url": f"https://finnhub.io/api/news?id={story.number}",
            }
            for story in ([] if asked.fault == "empty" else told)
        ]
        return Made(items, items=items, required="headline", optional="source")


class FakeEdgar(Fake):
    """The list of companies, and each company's filings: its stories as 8-K."""

    name = "edgar"

    def made(self, asked: Asked) -> Made:
        if "@" not in asked.headers.get("user-agent", ""):
            return Made(b"<html>Forbidden</html>", 403, {"content-type": "text/html"})
        if asked.fault == "usage-cap":
            page = b"<html>Request Rate Threshold Exceeded</html>"
            return Made(page, 403, {"content-type": "text/html"})
        if asked.path.endswith("company_tickers.json"):
            rows = {str(at): {"cik_str": self.corpus.numbers[t], "ticker": t, "title": name}
                    for at, (t, name) in enumerate(self.corpus.listed(asked.now))}  # fmt: skip
            return Made(rows, items=list(rows.values()), required="ticker", optional="")
        number = int(asked.path.split("CIK")[1].split(".")[0])
        ticker = self.corpus.tickers[number - FIRST_NUMBER]
        symbol = self.corpus.symbol(ticker, asked.now)
        told = self.corpus.told(ticker, datetime.min.replace(tzinfo=UTC), asked.now)[::-1]
        told = [] if asked.fault == "empty" else told
        recent: dict[str, list[object]] = {
            "accessionNumber": [f"0000{number}-26-{story.number}" for story in told],
            "acceptanceDateTime": [f"{story.at:%Y-%m-%dT%H:%M:%S.000Z}" for story in told],
            "form": ["8-K" for _ in told],
            "primaryDocDescription": [story.title for story in told],
            "items": ["2.02" for _ in told],
        }
        body = {
            "cik": f"{number:010d}",
            "name": self.corpus.companies[ticker],
            "tickers": [symbol] if symbol else [],
            "sic": "3571" if number % 2 == 0 else "6331",
            "filings": {"recent": recent, "files": []},
        }
        return Made(body, items=[recent], required="form", optional="items")


class FakeX(Fake):
    """Pages with a token bound to the query, newest first."""

    name = "x"
    page = 10

    def made(self, asked: Asked) -> Made:
        if asked.headers.get("authorization") != f"Bearer {self.secret}":
            return Made({"title": "Unauthorized", "status": 401}, 401)
        head = {"x-rate-limit-limit": "300", "x-rate-limit-reset": str(int(asked.now.timestamp()))}
        if asked.fault == "usage-cap":
            return Made({"title": "UsageCapExceeded"}, 429, {**head, "x-rate-limit-remaining": "9"})
        head["x-rate-limit-remaining"] = "250"
        query = asked.params["query"]
        ticker = query.split()[0].removeprefix("$").replace(".", "-")
        start, end = (_utc(asked.params[name]) for name in ("start_time", "end_time"))
        told = self.corpus.told(ticker, start, min(end, asked.now))[::-1]
        told = [] if asked.fault == "empty" else told
        at = 0
        if token := asked.params.get("next_token"):
            bound, _, number = base64.b64decode(token).decode().partition("|")
            if bound != query:
                return Made({"title": "Invalid Request", "detail": "another query"}, 400, head)
            at = int(number) - (asked.fault == "shifted-page")
        items = [
            {
                "id": str(story.number),
                "text": f"${ticker.replace('-', '.')} {story.title}",
                "created_at": f"{story.at:%Y-%m-%dT%H:%M:%S.000Z}",
                "author_id": f"9{story.number % 7}",
                "public_metrics": {"retweet_count": 1, "like_count": story.number % 50},
            }
            for story in told[at : at + self.page]
        ]
        meta: dict[str, object] = {"result_count": len(items)}
        if at + self.page < len(told):
            bound = f"{query}|{at + self.page}"
            meta["next_token"] = base64.b64encode(bound.encode()).decode()
        body: dict[str, object] = {"meta": meta}
        if items:
            body["data"] = items
        return Made(body, 200, head, items, required="text", optional="public_metrics")


class FakeReddit(Fake):
    """A token for a day, and listings of a hundred; posts and comments tell each other half."""

    name = "reddit"

    def made(self, asked: Asked) -> Made:
        if asked.path == "token":
            expected = base64.b64encode(f"id:{self.secret}".encode()).decode()
            if asked.headers.get("authorization") != f"Basic {expected}":
                return Made({"message": "Unauthorized", "error": 401}, 401)
            return Made({"access_token": self.token, "token_type": "bearer", "expires_in": 86400})
        if asked.headers.get("user-agent", "").startswith("python"):
            return Made(b"<html>blocked</html>", 403, {"content-type": "text/html"})
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Made({"message": "Unauthorized", "error": 401}, 401)
        head = {"x-ratelimit-used": "2", "x-ratelimit-remaining": "598.0",
                "x-ratelimit-reset": "300"}  # fmt: skip
        if asked.fault == "usage-cap":
            return Made(b"<html>blocked</html>", 403, {"content-type": "text/html"})
        is_comment = asked.path.endswith("/comments")
        told = self.corpus.told(None, asked.now - 30 * _DAY, asked.now)[::-1]
        told = [story for story in told if story.number % 2 == is_comment]
        told = [] if asked.fault == "empty" else told
        names = [f"t{1 if is_comment else 3}_{story.number}" for story in told]
        at = names.index(asked.params["after"]) + 1 if "after" in asked.params else 0
        at -= asked.fault == "shifted-page" and at > 0
        size = int(asked.params["limit"])
        items = [
            {
                "name": name,
                "author": story.author,
                "created_utc": story.at.timestamp(),
                "score": 5,
                **({"body": story.title} if is_comment else {"title": story.title, "selftext": ""}),
            }
            for name, story in zip(names[at : at + size], told[at : at + size], strict=True)
        ]
        after = names[at + size - 1] if at + size < len(names) else None
        body = {
            "kind": "Listing",
            "data": {"after": after, "children": [{"kind": "t3", "data": it} for it in items]},
        }
        return Made(body, 200, head, items, required="created_utc", optional="author")


class FakeGdelt(Fake):
    """A zip file for each quarter of an hour."""

    name = "gdelt"

    def made(self, asked: Asked) -> Made:
        end = datetime.strptime(asked.path.split("/")[-1][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if end > asked.now or asked.fault == "404":
            return Made(b"<html>NoSuchKey</html>", 404, {"content-type": "text/html"})
        told = self.corpus.told(None, end - timedelta(minutes=15), end)
        told = [] if asked.fault == "empty" else told
        title = "PAGE_HEADING" if asked.fault == "renamed-required" else "PAGE_TITLE"
        lines = [_gkg(story, end, title) for story in told]
        lines.append(_gkg(Story(1, "-", end, "Weather & wind", "Wire"), end, title))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{end:%Y%m%d%H%M%S}.gkg.csv", "\n".join(lines))
        return Made(packed.getvalue(), headers={"content-type": "application/zip"})


def _gkg(story: Story, seen: datetime, title: str) -> str:
    columns = [""] * 27
    columns[0], columns[1] = f"{seen:%Y%m%d%H%M%S}-{story.number}", f"{seen:%Y%m%d%H%M%S}"
    columns[3], columns[4] = story.outlet, f"{story.url}?fbclid=1"
    columns[26] = f"<{title}>{escape(story.title)}</{title}>"
    return "\t".join(columns)


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


TEXT_VENDORS: Sequence[type[Fake]] = (
    FakeRss, FakeNewsApi, FakeFinnhub, FakeEdgar, FakeX, FakeReddit, FakeGdelt,
)  # fmt: skip
