"""The outcomes: what came of the signals that were published before their session opened.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.domain.predictions.outcomes import matured
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.dbt.models import LABELS, PREDICTED_HORIZON
from finpulse_assets.schemas import DAILY_SIGNALS, OUTCOMES


# No edge leads here from daily_signals: only signals of earlier runs can have matured, and today's
# follow from these outcomes (a champion may lose its proof), which would close a circle.
@dg.asset(
    key_prefix="predictions",
    deps=[LABELS],
    pool="duckdb",
    group_name="outcomes",
    kinds={"polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        OUTCOMES, "The live signals of earlier runs beside what their target session did."
    ),
    metadata=definition_metadata(OUTCOMES),
)
def outcomes(lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]):
    history = lake.read_or_empty(DAILY_SIGNALS).collect()
    labels = warehouse.query(
        f'select *, "return" as return_next_session from {LABELS} '  # noqa: S608
        "where horizon = ? and session_date >= ?",
        [PREDICTED_HORIZON, history["session_date"].min()],
    )
    found = matured(history, labels)
    waiting = history.height - found.height
    return dg.MaterializeResult(
        value=found, metadata={"matured": found.height, "waiting_or_late": waiting}
    )
