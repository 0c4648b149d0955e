"""The prediction service as the dashboard asks it: by the client that everybody has."""

from __future__ import annotations

import os

import httpx

from finpulse_assets.client import Client, Retries
from finpulse_assets.gateways.serving.dashboard_environment import KEY, SERVICE

# A made-up text is scored and featurised, one request after the other.
SECONDS = 60.0


def service() -> Client:
    """Return a client of the service that `finpulse dashboard` named.

    Who looks at a page can ask again; and a service on this machine is not behind a proxy.
    """
    return Client(
        os.environ.get(SERVICE, "http://127.0.0.1:3010"),
        key=os.environ.get(KEY) or None,
        retries=Retries(attempts=1),
        timeout=SECONDS,
        transport=httpx.HTTPTransport(),
    )
