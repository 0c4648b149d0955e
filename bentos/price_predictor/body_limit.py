"""The limit of a request's body, kept before and while the body is read.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bentos.price_predictor.refusal import refused
from finpulse_assets.domain.serving.request import MAX_BODY_BYTES, too_large


class BodyLimit:
    """Answers 413 to a body that is announced or turns out as longer than the limit.

    What is announced is refused unread; what comes in chunks is read up to the limit and no
    further. The connection is closed, for the rest of the body still stands in it.
    """

    def __init__(self, app: Any, limit: int = MAX_BODY_BYTES) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.limit:
            await self._refuse(announced.decode(), scope, receive, send)
            return
        body, message = b"", {"type": "http.request", "more_body": True}
        while message["type"] == "http.request" and message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.limit:
                await self._refuse(f"more than {self.limit}", scope, receive, send)
                return
        # The body, whole; or that the client has gone.
        read = [message | {"body": body} if message["type"] == "http.request" else message]

        async def again() -> Any:
            return read.pop() if read else await receive()

        await self.app(scope, again, send)

    async def _refuse(self, size: str, scope: Any, receive: Any, send: Any) -> None:
        answer: Response = refused(413, too_large(size))
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)
