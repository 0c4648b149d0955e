"""Requests to vendors: rates, further attempts, a deadline, and answers that are no data.

https://www.python-httpx.org · https://tenacity.readthedocs.io

Every reply is handed to `keep` as it came, before anything looks at it. What a reply is worth is
decided by its status, its content type and its body together: several vendors send their errors
with 200. Secrets are put into a request at the last moment and stand in nothing that leaves here.
"""

from __future__ import annotations

import logging
import ssl
import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access, Credential
from finpulse_assets.gateways.sources.browser import BrowserTransport
from finpulse_assets.gateways.sources.limits import Circuit, Limiter, Timer
from finpulse_assets.gateways.sources.replies import (
    Expired,
    Passing,
    Reply,
    Request,
    StopAsking,
)

HIDDEN = "***"
TIMEOUT = httpx.Timeout(20.0, connect=10.0)
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
_PRIVATE_HEADERS = ("set-cookie", "authorization", "cookie")
_INFLATE_GZIP = 47  # zlib or gzip, by the header

# httpx logs every URL at INFO, and some vendors take their key in the query alone.
logging.getLogger("httpx").addFilter(lambda _: False)


@cache
def _certificates() -> ssl.SSLContext:
    """Return what servers are checked by; to read it takes longer than many a request."""
    return httpx.create_ssl_context()


class HttpClient:
    """Asks one vendor with one credential."""

    def __init__(self, access: Access, timer: Timer) -> None:
        self._access, self._timer = access, timer
        self._is_new, self._lent = True, Credential()
        self._limiter, self._circuit = Limiter(access.rates, timer), Circuit(timer)
        follows = access.follows and not access.secret_headers and not access.secret_params
        self._http = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=follows,
            verify=_certificates(),
            transport=BrowserTransport(TIMEOUT) if access.as_browser else None,
        )
        self._until = timer.now() + timedelta(seconds=access.seconds[1])

    def begin(self, made_at: Iterable[datetime] = ()) -> None:
        """Start the time that all requests of one kind of row may take together.

        Args:
            made_at: when requests were made before, ascending; those of other processes count.
        """
        for at in made_at if self._is_new else ():
            self._limiter.take(at)
        self._is_new = False
        self._until = self._timer.now() + timedelta(seconds=self._access.seconds[1])

    def ask(
        self,
        request: Request,
        *,
        keep: Callable[[Reply], None],
        judge: Callable[[Reply], None],
    ) -> Reply:
        """Return the first reply that is data.

        Args:
            request: what to ask for.
            keep: is given every reply as it came, before `judge`.
            judge: raises Passing, StopAsking or SourceError for a reply that is no data.

        Raises:
            SourceError: the request failed, and so did every further attempt.
            StopAsking: so will every other one.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(Passing),
            stop=lambda state: (
                stop_after_attempt(self._access.attempts)(state)
                or self._too_late(_wait(state, 1.0))
            ),
            wait=lambda state: _wait(state, self._timer.spread()),
            sleep=self._timer.sleep,
            retry_error_callback=_last_failure,
        )
        try:
            return attempts(self._attempt, request, keep, judge)
        except Passing as error:
            raise SourceError(f"{self.hidden(error.message)}, {_made(attempts)}") from None

    def _attempt(
        self, request: Request, keep: Callable[[Reply], None], judge: Callable[[Reply], None]
    ) -> Reply:
        if until := self._circuit.open_until:
            raise StopAsking(
                f"{self._circuit.failures} failures in a row; nothing is asked until "
                f"{until:%H:%M} UTC"
            )
        wait = self._limiter.wait()
        if self._too_late(wait):
            raise StopAsking("the time for all requests is over; the rest is left to the next run")
        if wait:
            self._timer.sleep(wait)
        try:
            reply = self._judged(request, keep, judge)
        except Passing as error:
            self._circuit.note(is_failure=True)
            self._limiter.block(error.wait)
            raise
        self._circuit.note(is_failure=False)
        if reply.requests_left == 0:
            self._limiter.block(reply.reset_seconds)
        return reply

    def _judged(
        self, request: Request, keep: Callable[[Reply], None], judge: Callable[[Reply], None]
    ) -> Reply:
        for is_second in (False, True):
            if self._access.renew and self._lent == Credential():
                self._lent = self._access.renew(self._http)
            reply = self._sent(request)
            keep(reply)
            try:
                judge(reply)
            except Expired as error:
                if self._access.renew is None or is_second:
                    raise StopAsking(error.message, hint=error.hint) from None
                self._lent = Credential()
                continue
            return reply
        raise AssertionError("unreachable")

    def _sent(self, request: Request) -> Reply:
        self._limiter.take()
        url = request.url
        if not url.startswith(("http://", "https://")):
            url = f"{self._access.base_url.rstrip('/')}/{url.lstrip('/')}"
        headers = {
            "Accept-Encoding": "gzip", **self._access.headers, **request.headers,
            **self._access.secret_headers, **self._lent.headers,
        }  # fmt: skip
        params = {**request.params, **self._access.secret_params, **self._lent.params}
        try:
            with self._http.stream("GET", url, params=params, headers=headers) as answer:
                body = self._body(answer)
                shown = {
                    name.lower(): self.hidden(value)
                    for name, value in answer.headers.items()
                    if name.lower() not in _PRIVATE_HEADERS
                }
                return Reply(answer.status_code, shown, body, self._timer.now())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Passing(f"no answer ({type(error).__name__})") from None

    def _body(self, answer: httpx.Response) -> bytes:
        """Read a body within the limits of size and time, and refuse a compressed one cut short."""
        limit, seconds = self._access.largest_body, self._access.seconds[0]
        latest = self._timer.now() + timedelta(seconds=seconds)
        is_packed = answer.headers.get("content-encoding", "").lower() in ("gzip", "x-gzip")
        unpack = zlib.decompressobj(_INFLATE_GZIP)
        parts, size = [], 0
        for raw in answer.iter_raw():
            try:
                part = unpack.decompress(raw, limit + 1 - size) if is_packed else raw
            except zlib.error:
                raise Passing("a compressed answer that is broken") from None
            parts.append(part)
            size += len(part)
            if size > limit:
                raise SourceError(f"an answer of more than {limit:,} bytes")
            if self._timer.now() > latest:
                raise Passing(f"an answer that is not complete after {seconds:.0f} s")
        if is_packed and parts and not unpack.eof:
            raise Passing("a compressed answer that is cut short")
        body = b"".join(parts)
        for secret in self._all_secrets():
            body = body.replace(secret.encode(), HIDDEN.encode())
        return body

    def hidden(self, text: str) -> str:
        """Return a text without the secrets that may stand in it."""
        for secret in self._all_secrets():
            text = text.replace(secret, HIDDEN)
        return text

    def _all_secrets(self) -> list[str]:
        access, lent = self._access, self._lent
        headers = [*access.secret_headers.values(), *lent.headers.values()]
        params = [*access.secret_params.values(), *lent.params.values()]
        named = [*access.secrets, *params, *(part for value in headers for part in value.split())]
        return [secret for secret in named if len(secret) > 5 and secret.lower() != "bearer"]

    def _too_late(self, wait: float) -> bool:
        return self._timer.now() + timedelta(seconds=wait) > self._until


def _wait(state: RetryCallState, spread: float) -> float:
    """Return what the vendor asked for, or seconds that double, spread over clients."""
    failure = state.outcome.exception() if state.outcome else None
    doubled = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (state.attempt_number - 1))
    return max(getattr(failure, "wait", 0.0), doubled * spread)


def _last_failure(state: RetryCallState) -> Reply:
    raise state.outcome.exception()


def _made(attempts: Retrying) -> str:
    count = attempts.statistics.get("attempt_number", 1)
    return f"{count} attempts were made" if count > 1 else "1 attempt was made"
