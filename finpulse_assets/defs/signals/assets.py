"""The signal asset: what the champion says about the next session.

Belongs here: the asset definition. Does not belong here: how a signal is made (domain.signals).
https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.defs.warehouse.assets import warehouse as warehouse_assets
from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.signals import live_signals, merge_signals, past_signals
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake import Lake
from finpulse_assets.gateways.model_store import ModelStore
from finpulse_assets.gateways.warehouse import Warehouse
from finpulse_assets.orchestration.catalog import RESEARCH, definition_metadata, description
from finpulse_assets.orchestration.partitions import MONTHS, RunClock
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
    session_date = last_completed_session(calendar, clock.as_of)["session_date"]
    speaker = {
        "is_proven": decision.champion.is_proven,
        "model_version": decision.champion.candidate_id,
    }
    live = live_signals(
        models.load(decision.champion.candidate_id),
        warehouse.query(f"select * from {FEATURES} where session_date = ?", [session_date]),  # noqa: S608
        calendar,
        session_date=session_date,
        **speaker,
    )
    past = past_signals(predictions.collect(), calendar, **speaker)
    signals = merge_signals(past, live, lake.read_or_empty(DAILY_SIGNALS).collect())
    months = pl.col("session_date").dt.strftime("%Y-%m-01")
    return dg.MaterializeResult(
        value=signals.filter(months.is_in(context.partition_keys)),
        metadata={
            "session_date": str(session_date),
            "live_signals": live.height,
            "mean_probability_up": float(live["probability_up"].mean()),
            **speaker,
        },
    )
