"""The minute bars of the simulated market's last sessions as a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

import polars as pl

from finpulse_assets.domain.simulator import MarketPlan, simulate_minutes
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.minute_source import (
    DELIVERED_BARS_1M,
    MonthOfBars,
    by_month,
)
from finpulse_assets.gateways.sources.protocols import delivered_as


class SimulatedMinuteSource:
    """Minute bars of a simulated market, made once, when first asked for.

    Args:
        plan: the plan of the market.
        sessions: `schemas.SESSIONS`, ascending, from the market's epoch to its last session.
        last: sessions with minute bars, counted back from the last.
        now: the present time (UTC).
    """

    name = "simulator"

    def __init__(
        self, plan: MarketPlan, sessions: pl.DataFrame, *, last: int, now: Now = system_now
    ) -> None:
        self._plan = plan
        self._sessions = sessions
        self._last = last
        self._now = now

    @cached_property
    def _bars(self) -> pl.DataFrame:
        bars = simulate_minutes(self._plan, self._sessions, last=self._last)
        return delivered_as(bars, DELIVERED_BARS_1M)

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        """Yield the bars of the window; see `MinuteSource.bars_1m`."""
        yield from by_month(self._bars.lazy(), start, end, now=self._now)
