"""Trend: the price against its own averages, and how straight its way was.

The features of the family, each with its definition and computation.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.feature import Feature

_feature = partial(Feature, family="trend", inputs=("close",), unit="fraction")
_bar = partial(_feature, inputs=("high", "low", "close"))

# Bars by which an exponential mean has forgotten its start.
_EMA_WARM_UP = {5: 30, 10: 60, 20: 120, 50: 250}


def _to_sma(bars: int) -> Feature:
    return _feature(
        name=f"close_to_sma_{bars}", formula=f"close / {bars}-bar mean - 1", lookback=bars,
        source="TA-Lib SMA", compute=lambda it: it["close"] / it.windows("close").mean(bars) - 1,
    )  # fmt: skip


def _to_ema(bars: int) -> Feature:
    return _feature(
        name=f"close_to_ema_{bars}", formula=f"close / {bars}-bar exponential mean - 1",
        lookback=bars, warm_up=_EMA_WARM_UP[bars], source="TA-Lib EMA",
        compute=lambda it: it["close"] / it.talib("EMA", "close", timeperiod=bars) - 1,
    )  # fmt: skip


def _sma_to_sma(fast: int, slow: int) -> Feature:
    return _feature(
        name=f"sma_{fast}_to_sma_{slow}", formula=f"{fast}-bar mean / {slow}-bar mean - 1",
        lookback=slow, source="TA-Lib SMA",
        compute=lambda it: it.windows("close").mean(fast) / it.windows("close").mean(slow) - 1,
    )  # fmt: skip


def _directions(bars: Bars) -> np.ndarray:
    inputs = ("high", "low", "close")
    plus = bars.talib("PLUS_DI", *inputs, timeperiod=14)
    return _where_moved(bars, plus - bars.talib("MINUS_DI", *inputs, timeperiod=14))


def _where_moved(bars: Bars, values: np.ndarray) -> np.ndarray:
    return np.where(bars.has_moved("high") | bars.has_moved("low"), values, np.nan)


def _slope(bars: Bars) -> np.ndarray:
    """Least-squares slope of log close against the bar number.

    With x = 0 .. w - 1 counted backwards, the slope is minus cov(x, y) / var(x).
    """
    y, x_mean = bars.windows("log_close"), (20 - 1) / 2
    return -(y.ramp(20) - x_mean * y.sum(20)) / (20 * (20**2 - 1) / 12)


def _straightness(bars: Bars) -> np.ndarray:
    explained = _slope(bars) ** 2 * (20 * (20**2 - 1) / 12)
    total = bars.windows("log_close").variance(20) * 19
    return np.where(total > 0, np.minimum(explained / total, 1), np.nan)


_STILL = "high and low have not moved since the run began"

FEATURES = (
    *(_to_sma(bars) for bars in (5, 10, 20, 50)),
    *(_to_ema(bars) for bars in (5, 10, 20, 50)),
    _sma_to_sma(5, 20),
    _sma_to_sma(10, 50),
    _sma_to_sma(20, 120),
    _bar(
        name="adx_14", formula="Wilder's average directional index, 14 bars", unit="0 to 100",
        lookback=28, warm_up=180, source="TA-Lib ADX", undefined=_STILL,
        compute=lambda it: _where_moved(
            it, it.talib("ADX", "high", "low", "close", timeperiod=14)
        ),
    ),
    _bar(
        name="directional_balance_14", formula="+DI(14) - -DI(14)", unit="-100 to 100",
        lookback=15, warm_up=120, source="TA-Lib PLUS_DI, MINUS_DI", undefined=_STILL,
        compute=_directions,
    ),
    _bar(
        name="aroon_oscillator_25", formula="Aroon up(25) - Aroon down(25)", unit="-100 to 100",
        inputs=("high", "low"), lookback=26, source="TA-Lib AROONOSC",
        undefined="high = low over the window",
        compute=lambda it: np.where(
            it.windows("high").highest(26) > it.windows("low").lowest(26),
            it.talib("AROONOSC", "high", "low", timeperiod=25), np.nan,
        ),
    ),
    _feature(
        name="slope_20d", formula="least-squares slope of ln close over 20 bars, per bar",
        lookback=20, compute=_slope,
    ),
    _feature(
        name="straightness_20d", formula="R squared of ln close against a line, 20 bars",
        unit="0 to 1", lookback=20, undefined="the price did not move in the window",
        compute=_straightness,
    ),
)  # fmt: skip
