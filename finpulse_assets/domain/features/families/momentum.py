"""Momentum: how far and how surely the price has gone lately.

The features of the family, each with its definition and computation.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.engine.windows import correlation
from finpulse_assets.domain.features.feature import Feature

_feature = partial(Feature, family="momentum", inputs=("close",))
_bar = partial(_feature, inputs=("high", "low", "close"))


def _change(bars: int) -> Feature:
    return _feature(
        name=f"return_{bars}d", formula="close / previous close - 1" if bars == 1 else
        f"close / close {bars} bars ago - 1", unit="fraction", lookback=bars + 1,
        compute=lambda it: it.change("close", bars),
    )  # fmt: skip


def _rsi(bars: int, warm_up: int) -> Feature:
    return _feature(
        name=f"rsi_{bars}", formula=f"Wilder's relative strength index, {bars} bars",
        unit="0 to 100", lookback=bars + 1, warm_up=warm_up, source="TA-Lib RSI",
        undefined="the price has not moved since the run began",
        compute=lambda it: np.where(
            it.has_moved("close"), it.talib("RSI", "close", timeperiod=bars), np.nan
        ),
    )  # fmt: skip


def _macd(output: int, bars: Bars) -> np.ndarray:
    options = {"fastperiod": 12, "slowperiod": 26, "signalperiod": 9}
    return bars.talib("MACD", "close", output=output, **options) / bars["close"]


def _autocorrelation(bars: Bars) -> np.ndarray:
    here, before = bars.windows("log_return"), bars.windows("previous_log_return")
    shared = bars.covariance("log_return", "previous_log_return", 20)
    return correlation(shared, here.deviation(20), before.deviation(20))


def _information_discreteness(bars: Bars) -> np.ndarray:
    balance = bars.windows("sign").mean(20)
    return -np.sign(bars.change("close", 20)) * balance


def _efficiency(bars: Bars) -> np.ndarray:
    path = bars.windows("absolute_log_return").sum(20)
    return np.abs(bars["log_close"] - bars.lag("log_close", 20)) / path


_FLAT = "high = low over the window"
_STILL = "the price did not move in the window"

FEATURES = (
    *(_change(bars) for bars in (1, 5, 20, 60, 120)),
    _feature(
        name="return_overnight", formula="open / previous close - 1: the gap", unit="fraction",
        inputs=("open", "close"), lookback=2,
        compute=lambda it: it["open"] / it.lag("close") - 1,
    ),
    _feature(
        name="return_intraday", formula="close / open - 1", unit="fraction",
        inputs=("open", "close"), lookback=1, compute=lambda it: it["close"] / it["open"] - 1,
    ),
    _feature(
        name="roc_12", formula="100 x (close / close 12 bars ago - 1)", unit="percent",
        lookback=13, source="TA-Lib ROC", compute=lambda it: 100 * it.change("close", 12),
    ),
    _feature(
        name="return_5d_change", formula="return_5d - return_5d 5 bars ago", unit="fraction",
        lookback=11, compute=lambda it: it.change("close", 5)
        - (it.lag("close", 5) / it.lag("close", 10) - 1),
    ),
    _rsi(14, 150),
    _rsi(2, 16),
    _bar(
        name="williams_r_14", formula="-100 x (14-bar high - close) / 14-bar range",
        unit="-100 to 0", lookback=14, source="TA-Lib WILLR", undefined=_FLAT,
        compute=lambda it: it["fast_k_14"] - 100,
    ),
    _bar(
        name="stochastic_k_14_3", formula="slow %K: 3-bar mean of the close's place in the 14-bar "
        "range", unit="0 to 100", lookback=16, source="TA-Lib STOCH", undefined=_FLAT,
        compute=lambda it: it["slow_k_14"],
    ),
    _bar(
        name="stochastic_d_14_3", formula="3-bar mean of slow %K", unit="0 to 100", lookback=18,
        source="TA-Lib STOCH", undefined=_FLAT, compute=lambda it: it.windows("slow_k_14").mean(3),
    ),
    _feature(
        name="macd_to_close", formula="MACD(12,26) / close", unit="fraction", lookback=34,
        warm_up=130, source="TA-Lib MACD", compute=partial(_macd, 0),
    ),
    _feature(
        name="macd_histogram_to_close", formula="(MACD(12,26) - its 9-bar signal) / close",
        unit="fraction", lookback=34, warm_up=130, source="TA-Lib MACD", compute=partial(_macd, 2),
    ),
    _bar(
        name="cci_20", formula="(typical price - its 20-bar mean) / (0.015 x its mean absolute "
        "deviation)", unit="index", lookback=20, source="TA-Lib CCI", undefined=_FLAT,
        compute=lambda it: np.where(
            it.windows("high").highest(20) > it.windows("low").lowest(20),
            it.talib("CCI", "high", "low", "close", timeperiod=20), np.nan,
        ),
    ),
    _bar(
        name="ultimate_oscillator", formula="buying pressure / true range over 7, 14 and 28 bars, "
        "weighed 4:2:1", unit="0 to 100", lookback=29, source="TA-Lib ULTOSC", undefined=_FLAT,
        compute=lambda it: np.where(
            it.windows("true_range").sum(7) > 0, it.talib("ULTOSC", "high", "low", "close"), np.nan
        ),
    ),
    _feature(
        name="trix_15", formula="1-bar change of a triple 15-bar exponential mean", unit="percent",
        lookback=44, warm_up=140, source="TA-Lib TRIX",
        compute=lambda it: it.talib("TRIX", "close", timeperiod=15),
    ),
    _feature(
        name="up_share_20d", formula="share of 20 bars that closed higher", unit="0 to 1",
        lookback=21, compute=lambda it: it.windows("up").mean(20),
    ),
    _feature(
        name="best_return_20d", formula="largest return_1d of 20 bars", unit="fraction",
        lookback=21, source="Bali, Cakici and Whitelaw 2011",
        compute=lambda it: it.windows("return").highest(20),
    ),
    _feature(
        name="worst_return_20d", formula="smallest return_1d of 20 bars", unit="fraction",
        lookback=21, compute=lambda it: it.windows("return").lowest(20),
    ),
    _feature(
        name="drawdown_60d", formula="close / 60-bar highest close - 1", unit="fraction",
        lookback=60, compute=lambda it: it["close"] / it.windows("close").highest(60) - 1,
    ),
    _feature(
        name="drawup_60d", formula="close / 60-bar lowest close - 1", unit="fraction",
        lookback=60, compute=lambda it: it["close"] / it.windows("close").lowest(60) - 1,
    ),
    _bar(
        name="close_to_high_120d", formula="close / 120-bar high - 1", unit="fraction",
        lookback=120, source="George and Hwang 2004",
        compute=lambda it: it["close"] / it.windows("high").highest(120) - 1,
    ),
    _feature(
        name="return_autocorrelation_20d", formula="correlation of a bar's log return with the one "
        "before, 20 bars", unit="-1 to 1", lookback=22, undefined=_STILL, compute=_autocorrelation,
    ),
    _feature(
        name="information_discreteness_20d", formula="sign of return_20d x (share of down bars - "
        "share of up bars)", unit="-1 to 1", lookback=21, source="Da, Gurun and Warachka 2014",
        compute=_information_discreteness,
    ),
    _feature(
        name="efficiency_ratio_20d", formula="|20-bar log return| / sum of the bars' |log returns|",
        unit="0 to 1", lookback=21, source="Kaufman 1995", undefined=_STILL, compute=_efficiency,
    ),
)  # fmt: skip
