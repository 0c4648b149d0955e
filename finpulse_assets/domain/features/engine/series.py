"""The series that features are made of: what one bar, or a bar and its predecessor, says.

Each derived series once, by name; `Bars` makes one when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars, Series


def _positive_log_volume(bars: Bars) -> np.ndarray:
    return np.log(np.where(bars["volume"] > 0, bars["volume"], np.nan))


def _true_range(bars: Bars) -> np.ndarray:
    """The range from the previous close on; a run's first bar has only its own."""
    previous = bars.lag("close")
    return np.fmax(bars["high"], previous) - np.fmin(bars["low"], previous)


def _falling_square(bars: Bars) -> np.ndarray:
    return np.where(bars["log_return"] > 0, 0.0, bars["squared_log_return"])


def _fast_k(bars: Bars) -> np.ndarray:
    low = bars.windows("low").lowest(14)
    return 100 * (bars["close"] - low) / (bars.windows("high").highest(14) - low)


def _rogers_satchell(bars: Bars) -> np.ndarray:
    high, low = bars["log_high"], bars["log_low"]
    open_, close = bars["log_open"], bars["log_close"]
    return (high - close) * (high - open_) + (low - close) * (low - open_)


def _money_flow_volume(bars: Bars) -> np.ndarray:
    """Volume times the close's place in the range, -1 to 1; a bar without range counts nothing."""
    span, twice = bars["range"], 2 * bars["close"] - bars["high"] - bars["low"]
    return np.where(span > 0, twice / span, 0.0) * bars["volume"]


def _signed_dollars(bars: Bars) -> np.ndarray:
    """Dollars of a bar, negative where the typical price fell, 0 where it did not move."""
    typical = bars["typical_price"]
    step = typical - bars.lag("typical_price")
    # Equal but for the rounding of a sum of three is equal.
    step[np.abs(step) < 1e-13 * typical] = 0.0
    return np.sign(step) * bars["typical_dollars"]


def _corwin_schultz(bars: Bars) -> np.ndarray:
    """The two-bar spread 2 (e^a - 1) / (1 + e^a), 0 where negative (their equations 14 and 18).

    Two bars are joined after the later one is moved by the gap between them.
    """
    high, low, previous = bars["log_high"], bars["log_low"], bars.lag("log_close")
    gap = np.fmax(low - previous, 0) + np.fmin(high - previous, 0)
    joined = np.fmax(high - gap, bars.lag("log_high")) - np.fmin(low - gap, bars.lag("log_low"))
    beta = bars["squared_log_range"] + bars.lag("squared_log_range")
    scale = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / scale - np.sqrt(joined**2 / scale)
    return np.maximum(2 * np.tanh(alpha / 2), 0)


def _abdi_ranaldo(bars: Bars) -> np.ndarray:
    """4 (close - mid-range) (close - next mid-range), a bar late, when the next is known."""
    close = bars.lag("log_close")
    return 4 * (close - bars.lag("log_middle")) * (close - bars["log_middle"])


def _flow(bars: Bars) -> np.ndarray:
    return np.sign(bars["return"]) * bars["volume"] / bars.windows("volume").mean(20)


def _where_known(flags: Callable[[np.ndarray], np.ndarray]) -> Callable[[Bars], np.ndarray]:
    """Return 1 where the return has the property, 0 where not, NaN where there is no return."""
    return lambda bars: flags(bars["return"]) + 0 * bars["return"]


SERIES: dict[str, Series] = {
    "log_open": lambda bars: np.log(bars["open"]),
    "log_high": lambda bars: np.log(bars["high"]),
    "log_low": lambda bars: np.log(bars["low"]),
    "log_close": lambda bars: np.log(bars["close"]),
    "log_middle": lambda bars: (bars["log_high"] + bars["log_low"]) / 2,
    "log_volume": _positive_log_volume,
    "log_volume_change": lambda bars: bars["log_volume"] - bars.lag("log_volume"),
    "return": lambda bars: bars.change("close", 1),
    "return_1d": lambda bars: bars["return"],
    "return_20d": lambda bars: bars.change("close", 20),
    "up": _where_known(lambda returns: returns > 0),
    "unchanged": _where_known(lambda returns: returns == 0),
    "sign": _where_known(np.sign),
    "log_return": lambda bars: bars["log_close"] - bars.lag("log_close"),
    "previous_log_return": lambda bars: bars.lag("log_return"),
    "absolute_log_return": lambda bars: np.abs(bars["log_return"]),
    "squared_log_return": lambda bars: bars["log_return"] ** 2,
    "cubed_log_return": lambda bars: bars["log_return"] * bars["squared_log_return"],
    "quartic_log_return": lambda bars: bars["squared_log_return"] ** 2,
    "falling_square": _falling_square,
    "bipower": lambda bars: bars["absolute_log_return"] * np.abs(bars["previous_log_return"]),
    "overnight_log_return": lambda bars: bars["log_open"] - bars.lag("log_close"),
    "squared_overnight_log_return": lambda bars: bars["overnight_log_return"] ** 2,
    "intraday_log_return": lambda bars: bars["log_close"] - bars["log_open"],
    "squared_intraday_log_return": lambda bars: bars["intraday_log_return"] ** 2,
    "log_range": lambda bars: bars["log_high"] - bars["log_low"],
    "squared_log_range": lambda bars: bars["log_range"] ** 2,
    "range": lambda bars: bars["high"] - bars["low"],
    "true_range": _true_range,
    "fast_k_14": _fast_k,
    "slow_k_14": lambda bars: bars.windows("fast_k_14").mean(3),
    "volatility_20d": lambda bars: bars.windows("log_return").deviation(20),
    "garman_klass_term": lambda bars: (
        0.5 * bars["squared_log_range"] - (2 * np.log(2) - 1) * bars["squared_intraday_log_return"]
    ),
    "rogers_satchell_term": _rogers_satchell,
    "typical_price": lambda bars: (bars["high"] + bars["low"] + bars["close"]) / 3,
    "typical_dollars": lambda bars: bars["typical_price"] * bars["volume"],
    "signed_dollars": _signed_dollars,
    "moved_dollars": lambda bars: np.abs(bars["signed_dollars"]),
    "money_flow_volume": _money_flow_volume,
    "signed_volume": lambda bars: bars["sign"] * bars["volume"],
    "return_volume": lambda bars: bars["return"] * bars["volume"],
    "illiquidity": lambda bars: np.abs(bars["return"]) / (bars["dollars"] / 1e6),
    "corwin_schultz_term": _corwin_schultz,
    "abdi_ranaldo_term": _abdi_ranaldo,
    "flow": _flow,
    "squared_flow": lambda bars: bars["flow"] ** 2,
    "flow_times_return": lambda bars: bars["flow"] * bars["log_return"],
    "depth": lambda bars: bars["bid_size"] + bars["ask_size"],
}
