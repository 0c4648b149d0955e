"""Checks of freshness, in sessions, on what a signal stands on, and of drift.

https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.domain.monitoring.drift import summary
from finpulse_assets.domain.monitoring.text_drift import sentence_of
from finpulse_assets.orchestration.automation.freshness import champion_is_fresh, is_fresh
from finpulse_assets.orchestration.catalog.metadata import table
from finpulse_assets.schemas import DAILY_SIGNALS, FEATURE_DRIFT, PRICES, TEXT_DRIFT, TWEETS

prices_are_fresh = is_fresh(PRICES)
tweets_are_fresh = is_fresh(TWEETS, allowed=1)  # nobody has to write about a stock every day
features_are_fresh = is_fresh(TECHNICAL_FEATURES)
signals_are_fresh = is_fresh(DAILY_SIGNALS)
champion_is_young = champion_is_fresh(DAILY_SIGNALS)


@dg.asset_check(
    asset=FEATURE_DRIFT.name.split("/"),
    description="Less than a fifth of the features and predictions of the last 20 sessions have "
    "moved clearly further from the champion's training window than any span within it.",
)
def features_have_not_drifted(feature_drift: pl.LazyFrame) -> dg.AssetCheckResult:
    last = pl.col("session_date") == pl.col("session_date").max()
    found = summary(feature_drift.filter(last).collect())
    return dg.AssetCheckResult(
        passed=not found.is_drifted,
        severity=dg.AssetCheckSeverity.WARN,
        description=found.sentence,
        metadata={"drifted_share": found.share, "most_moved": table(found.most_moved)},
    )


@dg.asset_check(
    asset=TEXT_DRIFT.name.split("/"),
    description="A classifier tells the texts of the last 20 sessions from those of the champion's "
    "training window no better than it tells any span of that window from the rest.",
)
def texts_have_not_drifted(text_drift: pl.LazyFrame) -> dg.AssetCheckResult:
    last = pl.col("session_date") == pl.col("session_date").max()
    found = text_drift.filter(last).collect()
    figures = found.select("auc", "auc_limit", "mmd", "mmd_p_value").row(0, named=True)
    return dg.AssetCheckResult(
        passed=not found["is_drifted"][0],
        severity=dg.AssetCheckSeverity.WARN,
        description=sentence_of(found),
        metadata={name: value for name, value in figures.items() if value is not None},
    )
