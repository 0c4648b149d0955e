"""The online features in the store that replicas of the service read.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.gateways.serving.online_store import online_store as store_at
from finpulse_assets.orchestration.catalog.metadata import PLATFORM, definition_metadata
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="serving",
    ins={"online": dg.AssetIn(["serving", "online_features"])},
    group_name="serving",
    kinds={"redis"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description="The online features where FINPULSE_ONLINE_STORE says, for replicas of the service "
    "that share no disk; nothing where it is unset. Made at every run, for a store may have lost "
    "what it held. One row per ticker, known at decision_at of its newest session.",
    metadata=definition_metadata(ONLINE_FEATURES),
)
def online_store(
    online: pl.LazyFrame, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    if settings.online_store is None:
        return dg.MaterializeResult(metadata={"store": "none", "dagster/row_count": 0})
    store = store_at(settings.online_store.get_secret_value(), settings.profile.value)
    features = online.collect()
    version = store.publish(features)
    return dg.MaterializeResult(
        metadata={
            "store": store.name,
            "version": version,
            "session_date": str(features["session_date"].max()),
            "dagster/row_count": features.height,
        }
    )
