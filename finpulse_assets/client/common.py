"""What both clients share: where the service is, the key, how patient they are."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from finpulse_assets.client.asks import Ask
from finpulse_assets.client.retries import Retries, stranger

T = TypeVar("T")
URL = "http://127.0.0.1:3010"
TIMEOUT_SECONDS = 10.0


class Common:
    """A client before it is known whether it waits or is awaited."""

    _kind: type[httpx.Client] | type[httpx.AsyncClient]

    def __init__(
        self, url: str = URL, *, key: str | None = None, retries: Retries | None = None,
        timeout: float = TIMEOUT_SECONDS, transport: Any = None,
    ) -> None:  # fmt: skip
        """Ask the service at `url`.

        Args:
            url: with http:// or https://.
            key: of the service, made by `finpulse key`.
            retries: how patient the client is; by default 4 attempts, waits of at most 30 s.
            timeout: seconds for each step of a request; with texts of your own it may take longer.
            transport: httpx's way to the service, None for the network as the environment says.
        """
        self.url, self.retries = url.rstrip("/"), retries or Retries()
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http: Any = self._kind(
            base_url=self.url, headers=self._headers, timeout=timeout, transport=transport
        )

    def _read(self, ask: Ask[T], reply: httpx.Response) -> T:
        try:
            return ask.read(reply.content)
        except (ValidationError, KeyError, UnicodeDecodeError) as error:
            raise stranger(self.url) from error
