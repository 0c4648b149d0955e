"""The snapshot asset: what analysts query while runs write.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from finpulse_assets.gateways.snapshot.writer import CATALOGUE
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.data_dictionary import dbt_entries, dbt_manifest
from finpulse_assets.orchestration.catalog.metadata import PLATFORM, entry_schema
from finpulse_assets.orchestration.catalog.snapshot_contents import (
    LAKE_CONTENTS,
    snapshot_tables,
)
from finpulse_assets.orchestration.catalog.snapshot_macros import as_of_macros
from finpulse_assets.orchestration.dbt.models import MARTS
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="serving",
    deps=[
        *(table.name.split("/") for table in LAKE_CONTENTS),
        *MARTS,
        promotion,
    ],
    pool="duckdb",
    op_tags=ONCE,
    group_name="serving",
    kinds={"duckdb"},
    owners=[PLATFORM],
    tags={"domain": "analytics"},
    description="The DuckDB file for analysts: marts, prices, texts, scores, signals, "
    "evaluation, drift, the history of promotions, the meaning of every column and as-of macros, "
    "published by rename while readers keep theirs. One file per content; nothing in it was known "
    "later than the run's as-of time.",
    metadata={"dagster/column_schema": entry_schema(CATALOGUE)},
)
def analytics_snapshot(
    lake: dg.ResourceParam[Lake],
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    clock: dg.ResourceParam[RunClock],
    settings: dg.ResourceParam[Settings],
    now: dg.ResourceParam[Now],
) -> dg.MaterializeResult:
    marts = dbt_entries(dbt_manifest(), folder="marts")
    store = SnapshotStore(settings.root)
    published = store.publish(
        snapshot_tables(lake, marts, models, as_of=clock.as_of),
        as_of_macros(),
        as_of=clock.as_of,
        warehouse=warehouse.path,
        kept=settings.snapshots_kept,
        now=now,
    )
    return dg.MaterializeResult(
        metadata={
            "snapshot_id": published.snapshot_id,
            "is_new": published.is_new,
            "path": dg.MetadataValue.path(str(store.current)),
            "version": dg.MetadataValue.path(str(published.path)),
            "size_mib": published.path.stat().st_size / 2**20,
            "dagster/row_count": sum(published.rows.values()),
            "rows": dg.MetadataValue.json(dict(published.rows)),
            "versions_kept": len(store.versions()),
            "versions_pruned": len(published.pruned),
        }
    )
