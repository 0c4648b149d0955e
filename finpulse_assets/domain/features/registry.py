"""The feature registry: every model feature once, as data.

The families put together in the order of the model's inputs. Table contracts, the dbt contracts,
the training columns and the feature page are made from this list; nothing lists features a second
time.
"""

from __future__ import annotations

from finpulse_assets.domain.features.families import (
    calendar_effects,
    holdings,
    liquidity,
    market,
    momentum,
    options,
    text,
    trend,
    volatility,
    volume,
)
from finpulse_assets.domain.features.feature import SESSION, Clock, Feature

MARKET_DATA = (
    *momentum.FEATURES,
    *trend.FEATURES,
    *volatility.FEATURES,
    *volume.FEATURES,
    *liquidity.FEATURES,
    *market.FEATURES,
    *calendar_effects.FEATURES,
)  # fmt: skip
TEXT = text.FEATURES
COMPANY = holdings.FEATURES + options.FEATURES
ALL = MARKET_DATA + TEXT + COMPANY


def bar_features(clock: Clock) -> tuple[Feature, ...]:
    """Return the features that are made of bars on a clock, in their fixed order."""
    return tuple(feature for feature in MARKET_DATA if clock.name in feature.clocks)


TECHNICAL = bar_features(SESSION)
FEATURES = TECHNICAL + TEXT + COMPANY


def feature_names(*, with_text: bool = True) -> list[str]:
    """Return the names of the model's inputs in their fixed order.

    >>> len(feature_names()) - len(feature_names(with_text=False)) == len(TEXT)
    True
    """
    return [feature.name for feature in FEATURES if with_text or not feature.is_text]
