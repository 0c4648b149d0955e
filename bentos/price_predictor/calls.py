"""A request on its way to a handler, what a handler says, and a route."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl

from bentos.price_predictor.refusal import Headers, Refused
from bentos.price_predictor.served import Served
from finpulse_assets.domain.serving.request import MAX_BODY_BYTES, normal_symbol

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
JSON, HTML = b"application/json", b"text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Said:
    """A response."""

    content: bytes
    content_type: bytes = JSON
    status: int = 200
    headers: Headers = ()


@dataclass(slots=True)
class Call:
    """A request on its way to a handler.

    Attributes:
        argument: the last part of the path, where the route has one.
        started: `perf_counter` at the head.
        key: name of the key that it came with, empty where it needs none.
    """

    served: Served
    headers: Mapping[bytes, bytes]
    query: bytes
    argument: str
    started: float
    body: bytes = b""
    key: str = ""

    @property
    def request_id(self) -> bytes:
        """Return the caller's own id of the request, where it sent one, else one that is drawn."""
        if not self._request_id:
            sent = self.headers.get(b"x-request-id", b"")
            self._request_id = sent if REQUEST_ID.fullmatch(sent) else token_hex(8).encode()
        return self._request_id

    _request_id: bytes = b""


@dataclass(frozen=True)
class Route:
    """A path: its name, its handlers by method, how long a body may be, what a key must allow."""

    name: str
    handlers: Mapping[str, Callable[[Call], Any]] = field(default_factory=dict)
    limit: int = MAX_BODY_BYTES
    scope: str = "read"


def query_of(query: bytes, known: Mapping[str, str]) -> dict[str, str]:
    """Return the query by name.

    Args:
        query: as it stands in the URL.
        known: the pattern that each name's value has.

    Raises:
        Refused: 400, a name is unknown or a value is not of its pattern.
    """
    wanted = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for name, value in wanted.items():
        if name not in known or not re.fullmatch(known[name], value):
            raise Refused(
                400,
                f"the query has {name[:20]!a} = {value[:20]!a}",
                hint=f"known are {' and '.join(known)}, see /docs",
            )
    return wanted


def symbols_in(query: bytes) -> frozenset[str]:
    """Return the symbols that `?symbols=AAPL,MSFT` asks for, none for all.

    Raises:
        Refused: 400, the query is not of that form.
    """
    wanted = query_of(query, {"symbols": r"[^,]{1,40}(,[^,]{1,40}){0,511}"}).get("symbols", "")
    return frozenset(normal_symbol(it) for it in wanted.split(",") if it)
