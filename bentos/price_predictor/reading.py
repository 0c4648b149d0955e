"""Reading a request's body within limits of size, of time and of form.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from typing import Any

from bentos.price_predictor.refusal import CLOSE, Refused
from finpulse_assets.domain.serving.request import MAX_BODY_BYTES, too_large

BODY_SECONDS = 5.0
SEND_JSON = "send the header Content-Type: application/json"


class GoneError(Exception):
    """The client went away before its request was whole."""


async def read_body(
    headers: dict[bytes, bytes],
    receive: Any,
    *,
    limit: int = MAX_BODY_BYTES,
    seconds: float = BODY_SECONDS,
) -> bytes:
    """Return the body of a JSON request.

    What is announced as longer than the limit is refused unread; what comes in chunks is read up to
    the limit and no further. The connection is closed where a rest of the body stands in it.

    Raises:
        Refused: 413, 415 or 408.
        GoneError: the client has gone.
    """
    _check_form(headers)
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(announced[:20].decode(), limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, limit)
    except TimeoutError as error:
        raise Refused(
            408,
            f"the request was not whole after {seconds:g} seconds",
            hint="send the body at once",
            headers=CLOSE,
        ) from error


async def _read(receive: Any, limit: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise GoneError
        part, more = message.get("body", b""), message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(f"more than {limit}", limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_form(headers: dict[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json":
        name, _, parameter = kind.lower().partition(b";")
        if name.strip() != b"application/json" or parameter.strip() not in (b"", b"charset=utf-8"):
            shown = ascii(kind[:40].decode("latin-1")) if kind else "absent"
            raise Refused(415, f"the content type is {shown}", hint=SEND_JSON, headers=CLOSE)
    coding = headers.get(b"content-encoding", b"identity")
    if coding != b"identity":
        raise Refused(
            415,
            f"the content encoding is {coding[:40].decode('latin-1')!a}",
            hint="send the body uncompressed",
            headers=CLOSE,
        )


def _too_large(size: str, limit: int) -> Refused:
    error = too_large(size, limit)
    return Refused(413, error.message, hint=error.hint, headers=CLOSE)
