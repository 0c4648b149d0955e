"""Market: a ticker among the tickers of the same moment.

Statistics across tickers, and what a ticker does beyond them, each with its definition. Only
tickers whose bar was known at the decision count; a sector counts from two members on.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.engine.windows import correlation
from finpulse_assets.domain.features.feature import Feature, Statistic

_feature = partial(Feature, family="market", unit="fraction")
_ALONE = "no other ticker has the value"
_NO_SECTOR = "the source names no sector, or no other ticker of it has a bar"


def _across(name: str, statistic: Statistic, of: str, formula: str, **more: object) -> Feature:
    return _feature(name=name, formula=formula, inputs=(of,), across=(statistic, of), **more)


def _rank(of: str, lookback: int, word: str = "") -> Feature:
    name = f"{word or of}_rank"
    return _across(
        name, "rank", of, f"rank of {of} among the tickers, ties by half", unit="0 to 1",
        lookback=lookback, undefined=_ALONE,
    )  # fmt: skip


def _minus(one: str, other: str, lookback: int, name: str, undefined: str = "") -> Feature:
    return _feature(
        name=name, formula=f"{one} - {other}", inputs=(one, other), lookback=lookback,
        undefined=undefined, sparse=bool(undefined), compute=lambda it: it[one] - it[other],
    )  # fmt: skip


def _market_mean(bars: int) -> Feature:
    return _feature(
        name=f"market_return_{bars}d", formula=f"sum of market_return_1d over {bars} bars",
        inputs=("market_return_1d",), lookback=bars + 1,
        compute=lambda it: it.windows("market_return_1d").sum(bars),
    )  # fmt: skip


def _beta(bars: Bars) -> np.ndarray:
    market = bars.windows("market_return_1d").variance(60)
    return np.where(market > 0, bars.covariance("return_1d", "market_return_1d", 60) / market,
                    np.nan)  # fmt: skip


def _idiosyncratic_volatility(bars: Bars) -> np.ndarray:
    """The residual variance of the 60-bar regression on the market."""
    total = bars.windows("return_1d").variance(60)
    shared = bars.covariance("return_1d", "market_return_1d", 60)
    market = bars.windows("market_return_1d").variance(60)
    explained = np.where(market > 0, shared**2 / market, np.nan)
    return np.sqrt(np.maximum(total - explained, 0) * 59 / 58)


def _correlation(bars: Bars) -> np.ndarray:
    shared = bars.covariance("return_1d", "market_return_1d", 60)
    own, market = bars.windows("return_1d"), bars.windows("market_return_1d")
    return correlation(shared, own.deviation(60), market.deviation(60))


_BOTH = ("return_1d", "market_return_1d")
_STILL = "the market or the price did not move in the window"

FEATURES = (
    _across("market_return_1d", "mean", "return_1d", "mean return_1d of all tickers", lookback=2),
    _across("market_dispersion_1d", "deviation", "return_1d", "deviation of return_1d across the "
            "tickers", lookback=2, undefined=_ALONE),
    _across("market_breadth_1d", "positive_share", "return_1d", "share of the tickers with "
            "return_1d > 0", lookback=2, unit="0 to 1"),
    _across("sector_return_1d", "sector_mean", "return_1d", "mean return_1d of the ticker's sector",
            lookback=2, undefined=_NO_SECTOR, sparse=True),
    _across("sector_return_20d", "sector_mean", "return_20d", "mean return_20d of the ticker's "
            "sector", lookback=21, undefined=_NO_SECTOR, sparse=True),
    _across("market_volatility", "mean", "volatility_20d", "mean volatility_20d of all tickers",
            lookback=21),
    _rank("return_1d", 2),
    _rank("return_5d", 6),
    _rank("return_20d", 21),
    _rank("return_120d", 121),
    _rank("volatility_20d", 21),
    _rank("volume_to_mean_20d", 20, "volume"),
    _rank("amihud_20d", 21, "illiquidity"),
    _market_mean(5),
    _market_mean(20),
    _feature(
        name="market_volatility_20d", formula="deviation of market_return_1d over 20 bars",
        inputs=("market_return_1d",), lookback=21,
        compute=lambda it: it.windows("market_return_1d").deviation(20),
    ),
    _minus("return_1d", "market_return_1d", 2, "return_1d_minus_market"),
    _minus("return_1d", "sector_return_1d", 2, "return_1d_minus_sector", _NO_SECTOR),
    _minus("return_20d", "sector_return_20d", 21, "return_20d_minus_sector", _NO_SECTOR),
    _feature(
        name="beta_60d", formula="covariance with the market / variance of the market, 60 bars",
        inputs=_BOTH, unit="ratio", lookback=61, undefined="the market did not move",
        compute=_beta,
    ),
    _feature(
        name="market_correlation_60d", formula="correlation with the market, 60 bars",
        inputs=_BOTH, unit="-1 to 1", lookback=61, undefined=_STILL, compute=_correlation,
    ),
    _feature(
        name="idiosyncratic_return_1d", formula="return_1d - beta_60d x market_return_1d",
        inputs=_BOTH, lookback=61, undefined="the market did not move",
        compute=lambda it: it["return_1d"] - _beta(it) * it["market_return_1d"],
    ),
    _feature(
        name="idiosyncratic_volatility_60d", formula="deviation of what a 60-bar regression on the "
        "market leaves", inputs=_BOTH, lookback=61, undefined="the market did not move",
        source="Ang, Hodrick, Xing and Zhang 2006", compute=_idiosyncratic_volatility,
    ),
)  # fmt: skip
