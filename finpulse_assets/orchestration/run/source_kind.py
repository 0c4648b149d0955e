"""What is known of a source before it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.schemas import Kind
from finpulse_assets.settings import Settings


@dataclass(frozen=True)
class SourceKind:
    """What is known of a source before it is made.

    Args:
        name: as it stands in FINPULSE_SOURCES.
        sentence: what it is, for the catalogue.
        kinds: what it gives under these settings.
        absence: why it is not configured, None where it is.
        make: builds the gateway; called when a run begins.
        retries: how often a failed request is made again, and after how many seconds.
    """

    name: str
    sentence: str
    kinds: Callable[[Settings], tuple[Kind, ...]]
    absence: Callable[[Settings], str | None]
    make: Callable[[Settings, Now], Source]
    retries: tuple[int, float] = (0, 0.0)
