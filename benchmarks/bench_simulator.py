"""The simulated market: 100 tickers x 750 sessions."""

from __future__ import annotations

import time
from datetime import date

from measured import verdict

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate

LIMIT_SECONDS = 10

sessions = build_sessions(date(2010, 1, 4), date(2024, 6, 28))
started = time.perf_counter()
market = simulate(MarketPlan(ticker_count=100, session_count=750), sessions)
took = time.perf_counter() - started
texts = market.tweets.height + market.headlines.height
started = time.perf_counter()
simulate(MarketPlan(ticker_count=10, session_count=750), sessions)
tenth = time.perf_counter() - started
print(f"100 tickers x 750 sessions  {took:5.2f} s, {market.prices.height:,} bars, {texts:,} texts")
print(f"10 tickers x 750 sessions   {tenth:5.2f} s, ratio {took / tenth:.1f} for 10 x the tickers")
verdict({f"under {LIMIT_SECONDS} s": took < LIMIT_SECONDS})
