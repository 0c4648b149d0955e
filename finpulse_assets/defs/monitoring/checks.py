"""Checks of freshness, in sessions, on what a signal stands on.

https://docs.dagster.io/guides/test/asset-checks
"""

from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.orchestration.automation.freshness import champion_is_fresh, is_fresh
from finpulse_assets.schemas import DAILY_SIGNALS, PRICES, TWEETS

prices_are_fresh = is_fresh(PRICES)
tweets_are_fresh = is_fresh(TWEETS, allowed=1)  # nobody has to write about a stock every day
features_are_fresh = is_fresh(TECHNICAL_FEATURES)
signals_are_fresh = is_fresh(DAILY_SIGNALS)
champion_is_young = champion_is_fresh(DAILY_SIGNALS)
