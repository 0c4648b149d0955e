"""The simulated market as a source of texts and prices: no network, no key, the same every time."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

import polars as pl

from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Extent,
    TextKind,
    action_window,
    check_kind,
    delivered_as,
    price_window,
    text_window,
)
from finpulse_assets.schemas import TICKERS


class SimulatedSource:
    """Texts and prices of a simulated market, made once, when first asked for.

    Args:
        plan: size, seed and planted effect of the market.
        sessions: `schemas.SESSIONS`, ascending, from the market's epoch to its last session.
    """

    name = "simulator"

    def __init__(self, plan: MarketPlan, sessions: pl.DataFrame) -> None:
        self._plan = plan
        self._sessions = sessions

    @cached_property
    def market(self) -> SimulatedMarket:
        """The whole market, with the truth behind it."""
        return simulate(self._plan, self._sessions)

    def extent(self) -> Extent | None:
        """Return the time of the first text or bar, and the close of the last session."""
        prices, tweets, headlines = self.market.prices, self.market.tweets, self.market.headlines
        if prices.is_empty():
            return None
        known = pl.concat([frame["knowledge_time"] for frame in (prices, tweets, headlines)])
        return Extent(known.min(), prices["knowledge_time"].max())

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts of the window; see `TextSource.texts`."""
        check_kind(kind)
        frame = self.market.tweets if kind == "tweets" else self.market.headlines
        return delivered_as(frame, DELIVERED_TEXTS).filter(text_window(start, end))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the bars of the window; see `PriceSource.prices`."""
        versions = delivered_as(self.market.price_versions, DELIVERED_PRICES)
        return versions.filter(price_window(start, end))

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the splits and dividends of the window; see `PriceSource.corporate_actions`."""
        actions = delivered_as(self.market.corporate_actions, DELIVERED_ACTIONS)
        return actions.filter(action_window(start, end))

    def tickers(self) -> pl.DataFrame:
        """Return the companies of the market."""
        return TICKERS.enforce(self.market.tickers.select(TICKERS.column_names))
