"""The stream of signals over a WebSocket.

https://websockets.readthedocs.io/en/stable/reference/asyncio/client.html
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping

import httpx
from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from finpulse_assets.client.answers import Signal
from finpulse_assets.client.retries import Course, Retries, stranger

log = logging.getLogger("finpulse.client")
# The service sends a heartbeat in 15 seconds of silence: without one it has gone.
SILENCE_SECONDS = 45.0


async def signals(
    url: str, path: str, headers: Mapping[str, str], retries: Retries
) -> AsyncIterator[Signal]:
    """Yield signals as they come; a lost connection is made again.

    Args:
        url: of the service.
        path: of its stream, with the symbols.
        headers: with the key, if there is one.
        retries: how often in a row a connection may be lost.

    Raises:
        RefusedError: the service does not stream to this client.
        UnreachableError: nothing, or something else, answers.
    """
    address = f"ws{url.removeprefix('http')}{path}"
    course = Course(url, retries)
    while True:
        try:
            async with connect(address, additional_headers=headers) as connection:
                dropped = 0
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        message = await connection.recv()
                    said = json.loads(message)
                    if said.get("type") == "signal":
                        course = Course(url, retries)
                        yield Signal.model_validate_json(message)
                    elif said.get("dropped", 0) > dropped:
                        dropped = said["dropped"]
                        log.warning("%d signals were dropped, they are read too slowly", dropped)
        except InvalidStatus as error:
            refused = error.response
            wait = course.after_refusal(
                httpx.Response(
                    refused.status_code,
                    headers=list(refused.headers.raw_items()),
                    content=bytes(refused.body or b""),
                )
            )
        except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
            wait = course.after_failure(httpx.TransportError(str(error)))
        except (ValidationError, ValueError, AttributeError) as error:
            raise stranger(url) from error
        await asyncio.sleep(wait)
