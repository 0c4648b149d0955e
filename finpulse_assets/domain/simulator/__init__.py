"""The simulated market: offline data for a first run, and the ground truth that tests need.

Invented companies, prices and texts with an effect of known size planted between them.

    >>> from datetime import date
    >>> from finpulse_assets.domain.calendar import build_sessions
    >>> sessions = build_sessions(date(2018, 1, 2), date(2018, 3, 29))
    >>> market = simulate(MarketPlan(ticker_count=3, session_count=60), sessions)
    >>> market.prices.height, market.truth.height
    (180, 180)
"""

from __future__ import annotations

from finpulse_assets.domain.simulator.market import SimulatedMarket, simulate
from finpulse_assets.domain.simulator.minutes import simulate_minutes
from finpulse_assets.domain.simulator.plan import MarketPlan, Regime
from finpulse_assets.domain.simulator.script import MarketScript
from finpulse_assets.domain.simulator.wording import labelled_texts

__all__ = [
    "MarketPlan",
    "MarketScript",
    "Regime",
    "SimulatedMarket",
    "labelled_texts",
    "simulate",
    "simulate_minutes",
]
