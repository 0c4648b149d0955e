"""The signal asset: what the champion says about the next session.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.defs.warehouse.assets import warehouse as warehouse_assets
from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.predictions.signals import (
    as_spoken,
    live_signals,
    merge_signals,
    past_signals,
)
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.automation.schedule import after_update_of
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.clock import MONTHS, RunClock
from finpulse_assets.schemas import DAILY_SIGNALS

FEATURES = "fct_daily_features"


@dg.asset(
    key_prefix="predictions",
    ins={
        "predictions": dg.AssetIn(["models", "out_of_sample_predictions"]),
        "sessions": dg.AssetIn(["raw", "sessions"]),
    },
    deps=[promotion, get_asset_key_for_model([warehouse_assets], FEATURES)],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="duckdb",
    group_name="signals",
    kinds={"lightgbm", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        DAILY_SIGNALS,
        "The champion's signal for the next session; for past sessions what the recipe would "
        "have said.",
    ),
    metadata=definition_metadata(DAILY_SIGNALS),
    freshness_policy=DATA_FRESHNESS,
    automation_condition=after_update_of(promotion.key),
)
def daily_signals(
    context: dg.AssetExecutionContext,
    predictions: pl.LazyFrame,
    sessions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[RunClock],
):
    decision = models.promotion()
    if decision is None:
        raise ModelError("no model was promoted yet", hint="materialize models/promotion")
    calendar = sessions.collect()
    session = last_completed_session(calendar, clock.as_of)
    session_date = session["session_date"]
    champion = decision.champion
    now = live_signals(
        models.load(champion.candidate_id),
        warehouse.query(f"select * from {FEATURES} where session_date = ?", [session_date]),  # noqa: S608
        calendar,
        session_date=session_date,
        is_proven=champion.is_proven,
        model_version=champion.candidate_id,
    )
    held = lake.read_or_empty(DAILY_SIGNALS).collect()
    opens = dict(calendar.select("session_date", "open_at").iter_rows())
    live = as_spoken(now, held, as_of=clock.as_of, entry_at=opens[session["next_session_date"]])
    past = past_signals(
        predictions.collect(),
        calendar,
        is_proven=decision.is_proven,
        model_version=decision.candidate_id,
    )
    signals = merge_signals(past, live, held)
    months = pl.col("session_date").dt.strftime("%Y-%m-01")
    return dg.MaterializeResult(
        value=signals.filter(months.is_in(context.partition_keys)),
        metadata={
            "session_date": str(session_date),
            "origin": live["origin"][0],
            "signals": live.height,
            "mean_probability_up": float(live["probability_up"].mean()),
            "is_proven": champion.is_proven,
            "model_version": champion.candidate_id,
        },
    )
