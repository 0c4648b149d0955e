"""Volume: how much is traded, against its own past and together with the price.

The features of the family, each with its definition and computation. A window with a bar without
trades has no log volume.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.engine.windows import correlation
from finpulse_assets.domain.features.feature import Feature

_feature = partial(Feature, family="volume", inputs=("volume",), unit="ratio")
_priced = partial(_feature, inputs=("high", "low", "close", "volume"))
_NONE = "nothing was traded in the window"
_GAPS = "a bar of the window had no trades"


def _mfi(bars: Bars) -> np.ndarray:
    """100 x rising / (rising + falling) dollars, both halves of (moved +- signed) dollars."""
    moved = bars.windows("moved_dollars").sum(14)
    return 50 + 50 * bars.windows("signed_dollars").sum(14) / moved


def _zscore(bars: Bars) -> np.ndarray:
    logs = bars.windows("log_volume")
    return (bars["log_volume"] - logs.mean(20)) / logs.deviation(20)


def _price_volume_correlation(bars: Bars) -> np.ndarray:
    shared = bars.covariance("log_return", "log_volume_change", 20)
    returns, volumes = bars.windows("log_return"), bars.windows("log_volume_change")
    return correlation(shared, returns.deviation(20), volumes.deviation(20))


def _close_to_vwap(bars: Bars) -> np.ndarray:
    volume = bars.windows("volume").sum(20)
    return bars["close"] * volume / bars.windows("typical_dollars").sum(20) - 1


FEATURES = (
    _feature(
        name="volume_to_mean_20d", formula="volume / mean volume of 20 bars", lookback=20,
        undefined=_NONE, compute=lambda it: it["volume"] / it.windows("volume").mean(20),
    ),
    _feature(
        name="volume_zscore_20d", formula="(ln volume - its 20-bar mean) / its deviation",
        unit="deviations", lookback=20, undefined=_GAPS, compute=_zscore,
    ),
    _feature(
        name="volume_5d_to_60d", formula="mean volume of 5 bars / mean volume of 60", lookback=60,
        undefined=_NONE,
        compute=lambda it: it.windows("volume").mean(5) / it.windows("volume").mean(60),
    ),
    _feature(
        name="volume_rank_120d", formula="share of the last 120 bars with less volume",
        unit="0 to 1", lookback=120, compute=lambda it: it.windows("volume").rank(120),
    ),
    _feature(
        name="volume_volatility_20d", formula="deviation of ln volume over 20 bars",
        unit="log units", lookback=20, undefined=_GAPS,
        compute=lambda it: it.windows("log_volume").deviation(20),
    ),
    _feature(
        name="obv_change_20d", formula="20-bar change of on-balance volume / 20-bar volume",
        inputs=("close", "volume"), unit="-1 to 1", lookback=21, source="TA-Lib OBV",
        undefined=_NONE, compute=lambda it: it.windows("signed_volume").sum(20)
        / it.windows("volume").sum(20),
    ),
    _priced(
        name="mfi_14", formula="money flow index, 14 bars", unit="0 to 100", lookback=15,
        source="TA-Lib MFI", undefined="no bar of the window moved and traded", compute=_mfi,
    ),
    _priced(
        name="money_flow_20d", formula="20-bar sum of volume x the close's place in the range, "
        "-1 to 1, / volume", unit="-1 to 1", lookback=20, source="Chaikin", undefined=_NONE,
        compute=lambda it: it.windows("money_flow_volume").sum(20) / it.windows("volume").sum(20),
    ),
    _priced(
        name="close_to_vwap_20d", formula="close / 20-bar volume-weighted typical price - 1",
        unit="fraction", lookback=20, undefined=_NONE, compute=_close_to_vwap,
    ),
    _feature(
        name="price_volume_correlation_20d", formula="correlation of log return and change of ln "
        "volume, 20 bars", inputs=("close", "volume"), unit="-1 to 1", lookback=21,
        undefined=f"{_GAPS}, or the price did not move", compute=_price_volume_correlation,
    ),
    _feature(
        name="volume_weighted_return_20d", formula="sum of return x volume / volume, 20 bars",
        inputs=("close", "volume"), unit="fraction", lookback=21, undefined=_NONE,
        compute=lambda it: it.windows("return_volume").sum(20) / it.windows("volume").sum(20),
    ),
)  # fmt: skip
