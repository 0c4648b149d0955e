"""A client of the prediction service, typed, sync and async: `Client`, `AsyncClient`.

It waits and asks again where the service says so; docs/service.md shows it.
"""

from finpulse_assets.client.answers import (
    Answer,
    Forecast,
    Model,
    News,
    Recorded,
    Signal,
    Status,
    Symbol,
    TextScore,
)
from finpulse_assets.client.asks import Bar, Text
from finpulse_assets.client.awaited import AsyncClient
from finpulse_assets.client.retries import RefusedError, Retries, UnreachableError
from finpulse_assets.client.waiting import Client

__all__ = [
    "Answer",
    "AsyncClient",
    "Bar",
    "Client",
    "Forecast",
    "Model",
    "News",
    "Recorded",
    "RefusedError",
    "Retries",
    "Signal",
    "Status",
    "Symbol",
    "Text",
    "TextScore",
    "UnreachableError",
]
