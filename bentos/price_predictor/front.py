"""The front: an ASGI application before BentoML's own, which answers all but two probes.

It owns the limits, the one shape of refusals and the metrics. BentoML's application behind it keeps
the probes and the description of the service for BentoML's clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from logging import DEBUG
from time import perf_counter
from typing import Any

from bentos.price_predictor.calls import JSON, Call, Route, Said, symbols_in
from bentos.price_predictor.lifecycle import Lifecycle
from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import GONE, IN_PROGRESS, LATENCY, REQUESTS
from bentos.price_predictor.reading import GoneError, read_body
from bentos.price_predictor.refusal import CLOSE, Refused, content_of, refusal_of
from bentos.price_predictor.routes import ROUTES, STREAM
from bentos.price_predictor.served import Served
from bentos.price_predictor.stream import MAX_CLIENTS, TRY_AGAIN_LATER, Client
from finpulse_assets.errors import FinPulseError

MAX_IN_PROGRESS = 1024
PROBES = ("/livez", "/healthz", "/schema.json")  # answered by BentoML
POLICY_VIOLATION = 1008  # of a WebSocket that is closed before it is accepted
OTHER = "other"  # the metrics' name of every path that is no route


class Front:
    """Answers every HTTP request but the probes; hands lifespan and probes to BentoML."""

    def __init__(
        self, app: Any, served: Served, limit: int = MAX_IN_PROGRESS, *, is_first: bool = False
    ) -> None:
        self.app, self.served, self.limit, self.is_first = app, served, limit, is_first
        self.in_progress = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "lifespan" and self.is_first:
            await self.app(scope, receive, send)
        elif kind == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """Live through the service's life; and stand first in line.

        BentoML puts its own middlewares before those that are added: a timer and a trace, which
        cost more than an answer. They stay for what is handed on.
        """
        application = scope["app"]
        application.middleware_stack = Front(
            application.middleware_stack, self.served, self.limit, is_first=True
        )

        async def sent(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                Lifecycle(self.served).is_ready()

        following = asyncio.create_task(self.served.follow())
        try:
            await self.app(scope, receive, sent)
        finally:
            following.cancel()

    async def _websocket(self, scope: Any, receive: Any, send: Any) -> None:
        """Stream signals; what is refused is told as over HTTP, where the server can (ASGI)."""
        await receive()  # websocket.connect
        headers, client = dict(scope["headers"]), scope.get("client")
        try:
            if scope["path"] != STREAM:
                raise Refused(404, "there is no such stream", hint="see /docs")
            if _is_foreign(headers):
                raise Refused(
                    403,
                    "the stream is not for pages of another origin",
                    hint="ask from a program, or from a page of this service",
                )
            self.served.access.admit("read", client[0] if client else "", headers)
            symbols = symbols_in(scope["query_string"])
            answering = self.served.ready_answering
            if len(self.served.stream.clients) >= MAX_CLIENTS:
                raise _too_many(f"{MAX_CLIENTS} clients are streamed to, no more are taken")
        except FinPulseError as error:
            log.info("a stream is refused: %s", error)
            await _refuse_stream(scope, send, refusal_of(error))
            return
        await self.served.stream.serve(Client(symbols), answering, receive, send)

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        started = perf_counter()
        path, method = scope["path"], scope["method"]
        if path in PROBES and method in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        route, argument = _route_of(path)
        headers = dict(scope["headers"])
        call = Call(self.served, headers, scope["query_string"], argument, started)
        self._count(1)
        try:
            said = await self._said(scope, receive, route, call)
        except GoneError:
            GONE.add()
            return
        finally:
            self._count(-1)
        answered = [
            (b"content-type", said.content_type),
            (b"content-length", b"%d" % len(said.content)),
            (b"x-request-id", call.request_id),
            *said.headers,
        ]
        if self.served.is_draining:
            answered += CLOSE
        await send({"type": "http.response.start", "status": said.status, "headers": answered})
        await send({"type": "http.response.body", "body": said.content})
        name = route.name if route else OTHER
        seconds = perf_counter() - started
        REQUESTS.add(name, str(said.status))
        LATENCY.observe(name, seconds)
        if self.served.traces is not None:
            request_id = call.request_id.decode()
            self.served.traces.add(headers, method, name, said.status, request_id, seconds)
        if log.isEnabledFor(DEBUG):
            log.debug("answered", extra=fields(call, name, said.status, seconds))

    async def _said(self, scope: Any, receive: Any, route: Route | None, call: Call) -> Said:
        try:
            handler = self._handler(scope, route)
            if route and route.scope:
                client = scope.get("client")
                call.key = self.served.access.admit(
                    route.scope, client[0] if client else "", call.headers
                )
            if scope["method"] == "POST":
                if self.in_progress > self.limit:
                    raise _too_many(f"{self.limit} requests are being answered, no more are begun")
                call.body = await read_body(call.headers, receive, limit=route.limit)
            said = handler(call)
            return said if isinstance(said, Said) else await said
        except FinPulseError as error:
            refused = refusal_of(error)
            if refused.status == 500:
                log.error("%s", error, extra=fields(call, route.name, 500))
        except GoneError:
            raise
        except Exception:
            name = route.name if route else OTHER
            log.exception("failed", extra=fields(call, name, 500))
            refused = Refused(500, "the request could not be answered", hint="see the log")
        return Said(content_of(refused), JSON, refused.status, refused.headers)

    def _handler(self, scope: Any, route: Route | None) -> Any:
        path, method = scope["path"], scope["method"]
        if route is None and path not in PROBES:
            raise Refused(404, "there is no such path", hint="see /docs for those there are")
        methods = route.handlers if route else {"GET": None}
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
            raise Refused(
                405,
                f"the method is {method[:16]}, here it should be {allowed}",
                hint="see /docs",
                headers=((b"allow", allowed.encode()), *CLOSE),
            )
        return handler

    def _count(self, change: int) -> None:
        self.in_progress += change
        IN_PROGRESS.set(self.in_progress)


def _route_of(path: str) -> tuple[Route | None, str]:
    route = ROUTES.get(path)
    if route is None and path.count("/") == 2:
        parent, _, argument = path.rpartition("/")
        return ROUTES.get(f"{parent}/*"), argument
    return route, ""


def fields(call: Call, route: str, status: int, seconds: float | None = None) -> dict[str, Any]:
    """Return what the log says of a request beside its message."""
    known = {"request_id": call.request_id.decode(), "route": route, "status": status}
    took = {} if seconds is None else {"ms": round(seconds * 1000, 3)}
    return known | took | ({"key": call.key} if call.key else {})


def _is_foreign(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page of another origin asks: for a WebSocket no browser asks CORS."""
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2] != headers.get(b"host", b"")


async def _refuse_stream(scope: Any, send: Any, refused: Refused) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        code = TRY_AGAIN_LATER if refused.status == 429 else POLICY_VIOLATION
        await send({"type": "websocket.close", "code": code})
        return
    headers = [(b"content-type", JSON), *refused.headers]
    kind = "websocket.http.response"
    await send({"type": f"{kind}.start", "status": refused.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": content_of(refused)})


def _too_many(error: str) -> Refused:
    return Refused(
        429,
        error,
        hint="send it again in a second",
        headers=((b"retry-after", b"1"), *CLOSE),
    )
