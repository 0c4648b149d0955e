"""What texts add is found where they tell the next return, and nothing where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.benchmark.texts import TEXT_FEATURES, report
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.models.ranking import TREES, RankingPlan

DAYS = build_sessions(date(2015, 1, 2), date(2015, 7, 31))["session_date"].to_list()
FEW = RankingPlan(replace(TREES, rounds=5, num_threads=1))
NAMES = [f"S{at:02d}" for at in range(8)]


def market(*, told: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return prices, and features of texts of which one tells the next session's return or not."""
    random = np.random.default_rng(3)
    returns = 0.02 * random.standard_normal((len(NAMES), len(DAYS)))
    close = 50 * np.exp(np.cumsum(returns, axis=1))
    opened = np.roll(close, 1, axis=1)
    opened[:, 0] = close[:, 0]
    keys = {"symbol": np.repeat(NAMES, len(DAYS)), "date": DAYS * len(NAMES)}
    prices = pl.DataFrame(
        {
            **keys, "open": opened.ravel(), "close": close.ravel(), "adj_close": close.ravel(),
            "high": np.maximum(opened, close).ravel() * 1.01,
            "low": np.minimum(opened, close).ravel() * 0.99,
            "volume": random.integers(1_000, 9_000, close.size),
        }
    )  # fmt: skip
    said = np.roll(returns, -1, axis=1) if told else random.standard_normal(returns.shape)
    noise = {name: random.standard_normal(close.size) for name in TEXT_FEATURES}
    features = pl.DataFrame({**keys, **noise, "text_count": 1.0, "sentiment_mean": said.ravel()})
    return prices, features.rename({"symbol": "ticker", "date": "session_date"})


@pytest.mark.parametrize("told", [True, False])
def test_the_difference_is_that_of_the_texts(told):
    prices, features = market(told=told)
    symbols = pl.DataFrame({"symbol": NAMES, "sector": "Utilities", "company": "Ordinary"})
    lines = list(report(prices, symbols, features[:-5], date(2015, 8, 1), plan=FEW))
    assert lines[1] == "  close_to_close: 1,156 of 1,160 stock-days have a text"
    added = [float(line.split()[3]) for line in lines if "what texts add" in line]
    assert len(added) == 2
    assert all(it > 0.3 for it in added) == told, added
