"""A simulated market with a script, as two sources: an exchange with prices, a wire with texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cached_property

import polars as pl

from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.simulator import MarketPlan, MarketScript, SimulatedMarket, simulate
from finpulse_assets.domain.simulator.script import archive_on, played, shown_on
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.protocols import TextKind
from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource
from finpulse_assets.gateways.sources.source import Source, Sources

EXCHANGE, WIRE = "exchange", "wire"
EXCHANGE_KINDS = ("prices", "corporate_actions")
WIRE_KINDS = ("tweets", "headlines")


class MarketView(SimulatedSource):
    """What one source of a market shows, or why it shows nothing.

    Args:
        shown: what it has to deliver.
        problem: the sentence with which every request fails, None for a source that answers.
        on_request: called with the kind of each request for texts, before it is answered.
    """

    def __init__(
        self,
        shown: SimulatedMarket,
        problem: str | None = None,
        on_request: Callable[[str], None] | None = None,
    ) -> None:
        self._shown, self._problem, self._on_request = shown, problem, on_request

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts of the window; see `TextSource.texts`."""
        if self._on_request is not None:
            self._on_request(kind)
        return super().texts(kind, start, end)

    @property
    def market(self) -> SimulatedMarket:
        """What the source shows.

        Raises:
            SourceError: it is down.
        """
        if self._problem is not None:
            raise SourceError(self._problem)
        return self._shown


class ScriptedMarket:
    """A market whose sources answer as its script says, at any time that they are asked.

    Args:
        plan: size, seed and planted effect of the market, up to the end of `sessions`.
        script: what happens to it.
        sessions: `schemas.SESSIONS`, ascending, from the market's epoch to its last session.

    Attributes:
        on_request: called with source and kind before a request for texts is answered.
    """

    def __init__(self, plan: MarketPlan, script: MarketScript, sessions: pl.DataFrame) -> None:
        self._plan, self._script, self._sessions = plan, script, sessions
        self.on_request: Callable[[str, str], None] | None = None

    @cached_property
    def market(self) -> SimulatedMarket:
        """All of the market, made once, when first asked for."""
        return played(simulate(self._plan, self._sessions, self._script.regime), self._script)

    def sources(self, now: datetime) -> Sources:
        """Return the two sources as they answer at `now` (UTC)."""
        today = self._today(now)
        shown = shown_on(self.market, self._script, self._sessions, today)
        return _members(
            MarketView(shown, self._problem(EXCHANGE, today)),
            MarketView(shown, self._problem(WIRE, today), self._note),
        )

    def archive(self, now: datetime) -> Sources:
        """Return the two sources as an archive that says when it showed each row, up to `now`."""
        shown = archive_on(self.market, self._script, self._sessions, self._today(now))
        return _members(MarketView(shown), MarketView(shown))

    def _note(self, kind: str) -> None:
        if self.on_request is not None:
            self.on_request(WIRE, kind)

    def _today(self, now: datetime) -> date:
        return last_completed_session(self._sessions, now)["session_date"]

    def _problem(self, source: str, today: date) -> str | None:
        is_down = self._script.is_down(source, today)
        return f"{source} does not answer on {today}: HTTP 503" if is_down else None


def _members(prices: MarketView, texts: MarketView) -> Sources:
    exchange = Source(EXCHANGE, EXCHANGE_KINDS, prices=prices)
    return Sources((exchange, Source(WIRE, WIRE_KINDS, texts=texts)))
