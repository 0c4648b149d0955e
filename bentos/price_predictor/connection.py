"""The limits of a connection before there is a request: the size and the time of its head.

uvicorn, which BentoML's workers run, has neither: a head may grow without end, or never end.
"""

from __future__ import annotations

import resource
from asyncio import TimerHandle
from typing import Any

import uvicorn.config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bentos.price_predictor.refusal import Refused, content_of

HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 5.0
LAST_CALL_SECONDS = 0.3  # a request may be on its way when the server stops
ABOUT_THE_HEAD = "send the few headers that HTTP needs"


class LimitedConnection(HttpToolsProtocol):
    """A connection whose requests have a head within the limits, refused in the one shape."""

    head_timer: TimerHandle | None = None
    head_bytes, in_head = 0, True
    too_long = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head = self.in_head
        super().data_received(data)
        if not self.in_head or self.transport.is_closing():
            return
        # Where a head begins within the data, how much of them is its own is not known.
        self.head_bytes += len(data) if was_in_head else 1
        if self.head_bytes > HEAD_BYTES:
            self.too_long = True
            self.send_400_response("")
        elif self.head_timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head = True

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        if sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self.too_long = True
            raise ValueError("the head is too long")  # httptools hands it on as a parser's error
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Close when the server stops: at once after an answer, else when none is on its way."""
        if self._is_idle():
            self.loop.call_later(LAST_CALL_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    def _close_if_idle(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle():
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - in our own words
        """Refuse what is no request, or one whose head is too long, and close the connection."""
        if self.too_long:
            error = f"the head of the request has more than {HEAD_BYTES} bytes"
            self._refuse(Refused(431, error, hint=ABOUT_THE_HEAD))
        else:
            self._refuse(Refused(400, "this is no HTTP request", hint=ABOUT_THE_HEAD))

    def _refuse(self, refused: Refused) -> None:
        content = content_of(refused)
        head = (
            b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        ) % len(content)
        self.transport.write(STATUS_LINE[refused.status] + head + content)
        self.transport.close()

    def _wait_for_head(self) -> None:
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _head_is_whole(self) -> None:
        self.in_head, self.head_bytes = False, 0
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self.head_bytes:
            late = f"the head of the request was not whole after {HEAD_SECONDS:g} seconds"
            self._refuse(Refused(408, late, hint="send the head at once"))
        else:
            self.transport.close()


def limit_connections() -> None:
    """Let uvicorn make limited connections, and as many as the system allows the process."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{LimitedConnection.__name__}"
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
