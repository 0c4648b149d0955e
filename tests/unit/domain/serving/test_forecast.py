"""The forecast: what its band holds, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from finpulse_assets.domain.serving.forecast import (
    MAX_PRICES,
    MIN_PRICES,
    forecast,
    parse_prices,
)
from finpulse_assets.errors import RequestError


def walk(count: int, seed: int = 0, *, bursts: bool = False) -> np.ndarray:
    """Return closes with heavy tails; with bursts, every other quarter swings 3 times as far."""
    random = np.random.default_rng(seed)
    size = np.where(np.arange(count) // 60 % 2, 0.03, 0.01) if bursts else 0.015
    return 100 * np.exp(np.cumsum(size * random.standard_t(4, count)))


@pytest.mark.parametrize("bursts", [False, True])
def test_nine_of_ten_next_closes_lie_in_the_band_also_where_the_swings_change(bursts):
    prices = walk(1_500, bursts=bursts)
    inside = []
    for at in range(100, 1_499):
        band = forecast(prices[: at + 1]).interval if at % 20 == 0 else None
        if band:
            inside.append(band.lower <= prices[at + 1] <= band.upper)
    said = forecast(prices)
    assert abs(said.coverage - 0.90) < 0.02
    assert said.tested_sessions == 1_500 - MIN_PRICES
    assert abs(np.mean(inside) - 0.90) < 0.08


def test_the_band_knows_nothing_of_what_comes_after():
    prices = walk(300)
    changed = np.append(prices, prices[-1] * 5)
    assert forecast(prices) == forecast(changed[:300])
    assert forecast(changed).volatility > 3 * forecast(prices).volatility


def test_without_more_than_prices_the_last_one_is_expected_and_a_still_price_has_no_width():
    still = forecast(np.full(MIN_PRICES, 7.0))
    assert (still.expected_close, still.interval.lower, still.interval.upper) == (7.0, 7.0, 7.0)
    assert (still.coverage, still.tested_sessions) == (None, 0)
    moved = forecast(walk(200))
    assert moved.expected_close == moved.last_close
    assert moved.interval.lower < moved.last_close < moved.interval.upper


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "the prices cannot be read"),
        (b"{}", "the prices cannot be read"),
        (b'{"prices": [1], "x": 1}', "the prices cannot be read"),
        (b'{"prices": ["1"]}', "the prices cannot be read"),
        (b'{"prices": []}', "there are 0 prices"),
        (json.dumps({"prices": [1.0] * (MAX_PRICES + 1)}).encode(), "there are 2521 prices"),
        (json.dumps({"prices": [1.0] * 30 + [0]}).encode(), "price 30 is 0"),
        (json.dumps({"prices": [-1.0] + [1.0] * 30}).encode(), "price 0 is -1"),
        (b'{"prices": [' + b"1," * 31 + b"1e999]}", "the prices cannot be read|price 31 is inf"),
        (b'{"prices": [1], "prices": [1]}', "twice"),
    ],
)
def test_what_is_no_list_of_prices_is_refused(body, error):
    with pytest.raises(RequestError, match=error):
        parse_prices(body)


def test_prices_far_apart_are_answered_in_numbers():
    prices = [1.0] * 12 + [1.0 + 1e-12] * 12 + [1e-6, 1e9] * 10
    said = forecast(parse_prices(json.dumps({"prices": prices}).encode()))
    json.dumps(said.model_dump(), allow_nan=False)
