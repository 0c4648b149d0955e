"""How a vendor is reached: its address, its rates, and the credential of a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from finpulse_assets.gateways.sources.limits import Rate

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Credential:
    """What a vendor gives for a while: headers and parameters that are never shown."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """How a source is reached.

    Args:
        base_url: of the vendor.
        rates: of the credential.
        headers: of every request, without secrets.
        secret_headers, secret_params: with secrets, never shown.
        renew: returns a new credential where there is none, or one has run out.
        follows: whether redirects are followed; never where there are secrets.
        attempts: of one request.
        seconds: for one answer, and for all requests of one kind of row.
        largest_body: bytes.
        as_browser: whether requests look like those of a browser.
    """

    base_url: str
    rates: tuple[Rate, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict)
    renew: Callable[[httpx.Client], Credential] | None = None
    secrets: tuple[str, ...] = ()
    follows: bool = False
    attempts: int = 4
    seconds: tuple[float, float] = (60.0, 1800.0)
    largest_body: int = 64 * 2**20
    as_browser: bool = False
