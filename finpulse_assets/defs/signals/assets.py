"""The signal asset: what the champion predicts for the next session.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.predictions.signals import new_version, signals_of
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
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.schemas import DAILY_SIGNALS

# A retraining on Saturday may follow a run that failed on Friday, so features may end before.
NEWEST = (
    f"select * from {DAILY_FEATURES} where session_date = "  # noqa: S608
    f"(select max(session_date) from {DAILY_FEATURES} where session_date <= ?)"
)


@dg.asset(
    key_prefix="predictions",
    ins={"sessions": dg.AssetIn(["raw", "sessions"])},
    deps=[
        promotion,
        dg.AssetKey(["monitoring", "live_quality"]),
        DAILY_FEATURES,
    ],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="duckdb",
    op_tags=ONCE,
    group_name="signals",
    kinds={"lightgbm", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        DAILY_SIGNALS,
        "The champion's signal for the next session, and whether the champion was proven.",
    ),
    metadata=definition_metadata(DAILY_SIGNALS),
    freshness_policy=DATA_FRESHNESS,
    automation_condition=after_update_of(promotion.key),
    check_specs=[
        dg.AssetCheckSpec(
            "of_the_last_session",
            asset=["predictions", "daily_signals"],
            description="The newest signals are of the last completed session. Where they are not, "
            "its features are missing: look at the prices of that session.",
        )
    ],
)
def daily_signals(
    sessions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[RunClock],
):
    decision = models.in_force()
    calendar, champion = sessions.collect(), decision.champion
    due = last_completed_session(calendar, clock.as_of)["session_date"]
    features = warehouse.query(NEWEST, [due])
    computed = signals_of(
        models.load(champion.candidate_id),
        features,
        calendar,
        session_date=features["session_date"].max() or due,
        predicted_at=clock.as_of,
        skills=champion.skills,
        model_version=champion.candidate_id,
    )
    day = computed["session_date"][0]
    held = lake.read_or_empty(DAILY_SIGNALS).filter(session_date=day).collect()
    added = new_version(computed, held)
    return dg.MaterializeResult(
        value=added,
        metadata={
            "session_date": str(day),
            "origin": computed["origin"][0],
            "signals": computed.height,
            "signals_added": added.height,
            "versions_held": held["predicted_at"].n_unique(),
            "mean_probability_up": float(computed["probability_up"].mean()),
            "is_proven": champion.is_proven,
            "skills": ", ".join(champion.skills) or "none",
            "model_version": champion.candidate_id,
            "holdout_reads": len(models.holdout_reads()),
        },
        check_results=[
            dg.AssetCheckResult(
                passed=day == due,
                check_name="of_the_last_session",
                description=f"the newest signals are of {day}, the last completed session is {due}",
            )
        ],
    )
