"""Requests that look like a browser's, for a vendor that refuses all others.

https://curl-cffi.readthedocs.io
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

# The browser's own headers are left as they are: a foreign one among them gives it away.
_KEPT = ("accept-encoding", "cookie")


class BrowserTransport(httpx.BaseTransport):
    """Sends the requests of an httpx client by curl, with the handshake of a browser.

    Args:
        timeout: of the client.
    """

    def __init__(self, timeout: httpx.Timeout) -> None:
        from curl_cffi import requests

        self._seconds = (timeout.connect, timeout.read)
        self._session = requests.Session(impersonate="chrome", trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request, its body unread and as it was sent.

        Raises:
            httpx.TransportError: there is none.
        """
        from curl_cffi.requests.exceptions import RequestException

        headers = {n: v for n, v in request.headers.items() if n.lower() in _KEPT}
        try:
            answer = self._session.request(
                request.method,
                str(request.url),
                headers=headers,
                accept_encoding=None,  # curl would take a compressed body that is cut short
                # Without TLS curl asks to upgrade, which no vendor needs.
                http_version=None if request.url.scheme == "https" else "v1",
                allow_redirects=False,
                timeout=self._seconds,
                stream=True,
            )
        except RequestException as error:
            raise httpx.ConnectError(str(error), request=request) from None
        return httpx.Response(
            answer.status_code, headers=list(answer.headers.multi_items()), stream=_Body(answer)
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        from curl_cffi.requests.exceptions import RequestException

        try:
            yield from self._answer.iter_content()
        except RequestException as error:
            raise httpx.ReadError(str(error)) from None

    def close(self) -> None:
        self._answer.close()
