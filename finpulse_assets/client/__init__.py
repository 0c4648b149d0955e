"""A client of the prediction service, typed, sync and async: `Client`, `AsyncClient`.

It waits and asks again where the service says so; docs/service.md shows it.
"""

from finpulse_assets.client.answers import Answer, Model, Recorded, Status, Symbol
from finpulse_assets.client.clients import AsyncClient, Client
from finpulse_assets.client.retries import RefusedError, Retries, UnreachableError

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "Model",
    "Recorded",
    "RefusedError",
    "Retries",
    "Status",
    "Symbol",
    "UnreachableError",
]
