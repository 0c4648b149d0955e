"""Volatility: how widely the price swings, by estimators of different efficiency.

The features of the family, each with its definition and computation. Every sigma is per bar, not
annualised: a year of minutes and a year of sessions differ, and the model needs no factor.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.feature import Feature
from finpulse_assets.schemas import OHLC

_feature = partial(Feature, family="volatility", inputs=("close",), unit="fraction")
_bar = partial(_feature, inputs=OHLC)
_LAMBDA = 0.94
_STILL = "the price did not move in the window"


def _close_to_close(bars: int) -> Feature:
    return _feature(
        name=f"volatility_{bars}d", formula=f"deviation of {bars} log returns, per bar",
        lookback=bars + 1, compute=lambda it: it.windows("log_return").deviation(bars),
    )  # fmt: skip


def _parkinson(bars: Bars) -> np.ndarray:
    return np.sqrt(bars.windows("squared_log_range").mean(20) / (4 * np.log(2)))


def _garman_klass(bars: Bars) -> np.ndarray:
    return np.sqrt(np.maximum(bars.windows("garman_klass_term").mean(10), 0))


def _rogers_satchell(bars: Bars) -> np.ndarray:
    return np.sqrt(np.maximum(bars.windows("rogers_satchell_term").mean(50), 0))


def _yang_zhang(bars: Bars) -> np.ndarray:
    """Overnight variance + k x open-to-close variance + (1 - k) x Rogers-Satchell (eq. 7)."""
    k = 0.34 / (1.34 + 21 / 19)
    drift_free = bars.windows("rogers_satchell_term").mean(20)
    overnight = bars.windows("overnight_log_return").variance(20)
    intraday = bars.windows("intraday_log_return").variance(20)
    return np.sqrt(np.maximum(overnight + k * intraday + (1 - k) * drift_free, 0))


def _ewma(bars: Bars) -> np.ndarray:
    """RiskMetrics: TA-Lib's exponential mean has alpha 2 / (n + 1), here 1 - 0.94."""
    period = round(2 / (1 - _LAMBDA)) - 1
    return np.sqrt(bars.talib("EMA", "squared_log_return", timeperiod=period))


def _skewness(bars: Bars) -> np.ndarray:
    """Moments about zero: the mean return of a bar is small beside its deviation."""
    second = bars.windows("squared_log_return").mean(60)
    return bars.windows("cubed_log_return").mean(60) / second**1.5


def _kurtosis(bars: Bars) -> np.ndarray:
    second = bars.windows("squared_log_return").mean(60)
    return bars.windows("quartic_log_return").mean(60) / second**2


def _bands(bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the population deviation of 20 closes, as TA-Lib's BBANDS has them."""
    close = bars.windows("close")
    return close.mean(20), np.sqrt(close.variance(20) * 19 / 20)


def _position(bars: Bars) -> np.ndarray:
    middle, deviation = _bands(bars)
    return np.where(deviation > 0, (bars["close"] - middle) / (4 * deviation) + 0.5, np.nan)


def _width(bars: Bars) -> np.ndarray:
    middle, deviation = _bands(bars)
    return 4 * deviation / middle


def _jump_share(bars: Bars) -> np.ndarray:
    total = bars.windows("squared_log_return").sum(20)
    smooth = np.pi / 2 * bars.windows("bipower").sum(20)
    return np.maximum(1 - smooth / total, 0)


FEATURES = (
    _bar(
        name="atr_14_to_close", formula="Wilder's average true range, 14 bars, / close",
        inputs=("high", "low", "close"), lookback=15, warm_up=120, source="TA-Lib ATR",
        compute=lambda it: it.talib("ATR", "high", "low", "close", timeperiod=14) / it["close"],
    ),
    _feature(
        name="bollinger_20_position", formula="(close - lower band) / (upper - lower), bands 2 "
        "deviations around the 20-bar mean", unit="0 to 1 inside the bands", lookback=20,
        source="TA-Lib BBANDS", undefined=_STILL, compute=_position,
    ),
    _feature(
        name="bollinger_20_width", formula="(upper - lower band) / 20-bar mean", lookback=20,
        source="TA-Lib BBANDS", compute=_width,
    ),
    _close_to_close(5),
    _close_to_close(20),
    _close_to_close(50),
    _bar(
        name="parkinson_20d", formula="sqrt(mean of ln(high/low)^2 over 20 bars / (4 ln 2)), per "
        "bar", inputs=("high", "low"), lookback=20, source="Parkinson 1980", compute=_parkinson,
    ),
    _bar(
        name="garman_klass_10d", formula="sqrt(10-bar mean of ln(high/low)^2 / 2 - (2 ln 2 - 1) "
        "ln(close/open)^2), per bar", lookback=10, source="Garman and Klass 1980",
        compute=_garman_klass,
    ),
    _bar(
        name="rogers_satchell_50d", formula="sqrt(50-bar mean of ln(high/close) ln(high/open) + "
        "ln(low/close) ln(low/open)), per bar", lookback=50, source="Rogers and Satchell 1991",
        compute=_rogers_satchell,
    ),
    _bar(
        name="yang_zhang_20d", formula="sqrt(variance of gaps + k x variance of open-to-close + "
        "(1 - k) x Rogers-Satchell), 20 bars, per bar", lookback=21, source="Yang and Zhang 2000",
        compute=_yang_zhang,
    ),
    _feature(
        name="ewma_volatility", formula="sqrt of the exponential mean of squared log returns, "
        "lambda 0.94", lookback=33, warm_up=150, source="RiskMetrics 1996",
        compute=_ewma,
    ),
    _feature(
        name="volatility_5d_to_20d", formula="volatility_5d / volatility_20d", unit="ratio",
        lookback=21, undefined=_STILL, compute=lambda it: it.windows("log_return").deviation(5)
        / it.windows("log_return").deviation(20),
    ),
    _feature(
        name="volatility_20d_rank_120d", formula="share of the last 120 bars whose volatility_20d "
        "was smaller", unit="0 to 1", lookback=140,
        compute=lambda it: it.windows("volatility_20d").rank(120),
    ),
    _feature(
        name="volatility_of_volatility_20d", formula="deviation of volatility_20d over 20 bars / "
        "its mean", unit="ratio", lookback=40, undefined=_STILL,
        compute=lambda it: it.windows("volatility_20d").deviation(20)
        / it.windows("volatility_20d").mean(20),
    ),
    _feature(
        name="downside_share_20d", formula="share of the squared log returns of 20 bars that fell",
        unit="0 to 1", lookback=21, undefined=_STILL,
        compute=lambda it: it.windows("falling_square").sum(20)
        / it.windows("squared_log_return").sum(20),
    ),
    _feature(
        name="jump_share_20d", formula="1 - bipower variation / squared log returns, 20 bars, at "
        "least 0", unit="0 to 1", lookback=22, undefined=_STILL,
        source="Barndorff-Nielsen and Shephard 2004", compute=_jump_share,
    ),
    _feature(
        name="overnight_share_20d", formula="squared gaps / (squared gaps + squared open-to-close "
        "returns), 20 bars", inputs=("open", "close"), unit="0 to 1", lookback=21,
        undefined=_STILL,
        compute=lambda it: it.windows("squared_overnight_log_return").sum(20)
        / (it.windows("squared_overnight_log_return").sum(20)
           + it.windows("squared_intraday_log_return").sum(20)),
    ),
    _feature(
        name="skewness_60d", formula="mean cubed log return / (mean squared)^1.5, 60 bars",
        unit="skewness", lookback=61, undefined=_STILL, compute=_skewness,
    ),
    _feature(
        name="kurtosis_60d", formula="mean fourth power of log returns / (mean squared)^2, 60 bars",
        unit="kurtosis", lookback=61, undefined=_STILL, compute=_kurtosis,
    ),
    _bar(
        name="high_low_range", formula="(high - low) / close", inputs=("high", "low", "close"),
        lookback=1, compute=lambda it: it["range"] / it["close"],
    ),
    _bar(
        name="range_to_mean_20d", formula="true range / its 20-bar mean",
        inputs=("high", "low", "close"), unit="ratio", lookback=21, undefined=_STILL,
        compute=lambda it: it["true_range"] / it.windows("true_range").mean(20),
    ),
)  # fmt: skip
