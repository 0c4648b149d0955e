"""The ledger of the prediction service as a table.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving.ledger_table import take_ended, take_outcomes
from finpulse_assets.orchestration.catalog.metadata import (
    PLATFORM,
    definition_metadata,
    description,
)
from finpulse_assets.schemas import LEDGER, REPORTED_OUTCOMES
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="predictions",
    group_name="serving",
    kinds={"parquet"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description=description(
        LEDGER,
        "Every answer that the prediction service gave and has recorded, from the segments that "
        "its processes have ended; `finpulse replay` gives one again.",
    ),
    metadata=definition_metadata(LEDGER),
)
def ledger(
    settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake], now: dg.ResourceParam[Now]
) -> dg.MaterializeResult:
    taken = take_ended(settings.ledger, lake, now())
    return dg.MaterializeResult(
        metadata={"segments": taken.segments, "dagster/row_count": taken.answers}
    )


@dg.asset(
    key_prefix="predictions",
    deps=[ledger],
    group_name="serving",
    kinds={"parquet"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description=description(
        REPORTED_OUTCOMES,
        "What callers of POST /outcomes have reported; the platform's own outcomes, from prices, "
        "stand in predictions/outcomes.",
    ),
    metadata=definition_metadata(REPORTED_OUTCOMES),
)
def reported_outcomes(
    settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"dagster/row_count": take_outcomes(settings.ledger, lake)}
    )
