"""Requests without their secrets, replies as they came, and what a status says of a reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from finpulse_assets.errors import SourceError

_RESETS = ("x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")
_LEFT = ("x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining")
_EPOCH = 10**9  # a larger reset is a time, a smaller one seconds from now


class Passing(SourceError):
    """A failure that may pass: the request is worth another attempt, after `wait` seconds."""

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        self.wait = wait
        super().__init__(message)


class StopAsking(SourceError):
    """Nothing more can be had from the vendor in this run, whatever is asked."""


class NotListed(SourceError):
    """The vendor does not have what it was asked about: that is an answer, and no failure."""


class Expired(SourceError):
    """The credential was not accepted; a new one may be."""


@dataclass(frozen=True)
class Request:
    """A request without its secrets; `url` is below the source's base URL or absolute.

    `then` are the URLs that are to be asked for after it, in their order.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    then: tuple[str, ...] = ()

    @property
    def following(self) -> Request | None:
        """The next one of `then`, None at the end."""
        return Request(self.then[0], then=self.then[1:]) if self.then else None


@dataclass(frozen=True)
class Reply:
    """What came: status, headers (lower case, none that is private), and the body, decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def requests_left(self) -> int | None:
        """What the vendor says may still be asked in its window, None where it is silent."""
        text = next((self.headers[name] for name in _LEFT if name in self.headers), None)
        return None if text is None else _whole(text)

    @property
    def reset_seconds(self) -> float:
        """The seconds until the vendor's window begins anew, 0 where it is silent."""
        number = _whole(next((self.headers[name] for name in _RESETS if name in self.headers), ""))
        if number is None:
            return 0.0
        if number < _EPOCH:
            return float(max(0, number))
        return max(0.0, (datetime.fromtimestamp(number, UTC) - self.fetched_at).total_seconds())

    def json(self) -> object:
        """Return the body read as JSON.

        Raises:
            Passing: it is none; a page of HTML with status 200 is an answer of no data.
        """
        if self.body[:200].lstrip()[:1] == b"<":
            raise Passing(f"an answer of {self.content_type or 'no type'} instead of JSON")
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Passing(f"an answer that is no JSON ({error})") from None


def judge_status(reply: Reply) -> None:
    """Refuse a status that says no; 200 proves nothing yet.

    Raises:
        Passing, Expired, SourceError: by the status.
    """
    status = reply.status
    if status in (429, 418):
        wait = retry_after(reply)
        raise Passing(f"too many requests (HTTP {status})", wait=wait)
    if status >= 500 or status == 408:
        raise Passing(f"HTTP {status}", wait=retry_after(reply))
    if status == 401:
        raise Expired("the key is not accepted (HTTP 401)", hint="check the key of the source")
    if status >= 300 and status != 304:
        raise SourceError(f"HTTP {status}: {_excerpt(reply)}")


def retry_after(reply: Reply) -> float:
    """Return the seconds that a vendor wants to be left alone, 0 where it does not say."""
    text = reply.headers.get("retry-after", "").strip()
    if text:
        try:
            return max(0.0, float(text))
        except ValueError:
            pass
        try:
            return max(0.0, (parsedate_to_datetime(text) - reply.fetched_at).total_seconds())
        except (TypeError, ValueError):
            return 0.0
    return reply.reset_seconds if reply.requests_left in (0, None) else 0.0


def _whole(text: str) -> int | None:
    try:
        return int(float(text))
    except ValueError:
        return None


def _excerpt(reply: Reply) -> str:
    text = " ".join(reply.body[:2000].decode(errors="replace").split())
    return text[:160] or "no words"
