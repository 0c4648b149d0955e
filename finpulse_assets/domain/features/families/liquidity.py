"""Liquidity: what trading costs, guessed from bars or read off quotes.

Microstructure features, each with its definition and computation. The last five need bid and ask,
which only minute bars may carry.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.feature import Feature

_feature = partial(Feature, family="liquidity", inputs=("high", "low", "close"), unit="fraction")
_quote = partial(
    _feature, inputs=("bid", "ask"), lookback=1, clocks=("minute",),
    undefined="the source has no quotes for the bar", sparse=True,
)  # fmt: skip


def _abdi_ranaldo(bars: Bars) -> np.ndarray:
    return np.sqrt(np.maximum(bars.windows("abdi_ranaldo_term").mean(20), 0))


def _roll(bars: Bars) -> np.ndarray:
    shared = bars.covariance("log_return", "previous_log_return", 20)
    return 2 * np.sqrt(np.maximum(-shared, 0))


def _impact(bars: Bars) -> np.ndarray:
    """Slope of returns on signed relative volume, through the origin."""
    return bars.windows("flow_times_return").sum(20) / bars.windows("squared_flow").sum(20)


def _middle(bars: Bars) -> np.ndarray:
    return (bars["bid"] + bars["ask"]) / 2


def _imbalance(bars: Bars) -> np.ndarray:
    return (bars["bid_size"] - bars["ask_size"]) / (bars["bid_size"] + bars["ask_size"])


FEATURES = (
    _feature(
        name="close_position", formula="(close - low) / (high - low)", unit="0 to 1", lookback=1,
        undefined="high = low", compute=lambda it: (it["close"] - it["low"]) / it["range"],
    ),
    _feature(
        name="open_position", formula="(open - low) / (high - low)", inputs=("open", "high", "low"),
        unit="0 to 1", lookback=1, undefined="high = low",
        compute=lambda it: (it["open"] - it["low"]) / it["range"],
    ),
    _feature(
        name="amihud_20d", formula="20-bar mean of |return| / million USD traded",
        inputs=("close", "volume"), unit="1 / USD mn", lookback=21, scale_free=False,
        source="Amihud 2002", undefined="a bar of the window had no trades",
        compute=lambda it: it.windows("illiquidity").mean(20),
    ),
    _feature(
        name="amihud_5d_to_60d", formula="illiquidity of 5 bars / that of 60, both as amihud_20d",
        inputs=("close", "volume"), unit="ratio", lookback=61, source="Amihud 2002",
        undefined="a bar of the window had no trades, or the price did not move",
        compute=lambda it: it.windows("illiquidity").mean(5) / it.windows("illiquidity").mean(60),
    ),
    _feature(
        name="corwin_schultz_20d", formula="20-bar mean of the spread implied by the ranges of one "
        "and of two bars, gaps taken out", lookback=21, source="Corwin and Schultz 2012",
        compute=lambda it: it.windows("corwin_schultz_term").mean(20),
    ),
    _feature(
        name="abdi_ranaldo_20d", formula="2 sqrt(20-bar mean of (close - mid-range)(close - next "
        "mid-range), in logs), at least 0", lookback=21, source="Abdi and Ranaldo 2017",
        compute=_abdi_ranaldo,
    ),
    _feature(
        name="roll_spread_20d", formula="2 sqrt(-autocovariance of log returns), 20 bars, at "
        "least 0", inputs=("close",), lookback=22, source="Roll 1984", compute=_roll,
    ),
    _feature(
        name="zero_return_share_20d", formula="share of 20 bars that closed unchanged",
        inputs=("close",), unit="0 to 1", lookback=21, source="Lesmond, Ogden and Trzcinka 1999",
        compute=lambda it: it.windows("unchanged").mean(20),
    ),
    _feature(
        name="price_impact_20d", formula="slope of log returns on signed volume / its 20-bar mean, "
        "20 bars", inputs=("close", "volume"), lookback=41, source="after Kyle 1985",
        undefined="nothing was traded in the window, or the price did not move", compute=_impact,
    ),
    _quote(
        name="quoted_spread", formula="(ask - bid) / mid",
        compute=lambda it: (it["ask"] - it["bid"]) / _middle(it),
    ),
    _quote(
        name="effective_spread", formula="2 |close - mid| / mid", inputs=("close", "bid", "ask"),
        compute=lambda it: 2 * np.abs(it["close"] - _middle(it)) / _middle(it),
    ),
    _quote(
        name="close_to_mid", formula="close / mid - 1", inputs=("close", "bid", "ask"),
        compute=lambda it: it["close"] / _middle(it) - 1,
    ),
    _quote(
        name="quote_imbalance", formula="(bid size - ask size) / (bid size + ask size)",
        inputs=("bid_size", "ask_size"), unit="-1 to 1", compute=_imbalance,
    ),
    _quote(
        name="depth_to_mean_20d", formula="bid size + ask size / their 20-bar mean",
        inputs=("bid_size", "ask_size"), unit="ratio", lookback=20,
        compute=lambda it: it["depth"] / it.windows("depth").mean(20),
    ),
)  # fmt: skip
