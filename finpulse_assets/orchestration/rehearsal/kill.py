"""A killed run: from one moment on nothing of it is written, and no event says that it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from finpulse_assets.gateways.sources.simulated.scripted_source import ScriptedMarket
from finpulse_assets.schemas import Kind


class Killed(BaseException):
    """What a process would not live to see; no handler of exceptions takes it for an error."""


@dataclass(frozen=True)
class Kill:
    """The process dies when a source of the market is asked for this kind of row."""

    market: ScriptedMarket
    source: str
    kind: Kind


@contextmanager
def dying(instance: dg.DagsterInstance, kill: Kill | None) -> Iterator[None]:
    """Let the run in this block die as `kill` says, as far as instance and home can tell.

    The event log is what a killed process leaves: it ends in the middle, without a failure.
    """
    if kill is None:
        yield
        return

    def die(source: str, kind: Kind) -> None:
        if (source, kind) == (kill.source, kill.kind):
            instance.handle_new_event = lambda *_, **__: None
            raise Killed(f"killed while {source} was asked for {kind}")

    kill.market.on_request = die
    try:
        yield
    finally:
        kill.market.on_request = None
        instance.__dict__.pop("handle_new_event", None)
