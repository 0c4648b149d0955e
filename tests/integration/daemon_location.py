"""The code location of the daemon test: the platform's own conditions and sensors on stand-ins."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.automation.freshness import MODEL_FRESHNESS
from finpulse_assets.orchestration.automation.retraining import drift_sensor
from finpulse_assets.orchestration.automation.schedule import (
    after_update_of,
    in_the_same_run,
    retrain_when_stale,
)
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.settings import load_settings

MODEL = dg.AssetKey(["models", "price_model"])


@dg.asset
def training_set() -> None: ...


@dg.asset(deps=[training_set], automation_condition=retrain_when_stale(MODEL, own=False))
def out_of_sample() -> None: ...


@dg.asset(
    key=MODEL,
    deps=[training_set, out_of_sample],
    freshness_policy=MODEL_FRESHNESS,
    automation_condition=retrain_when_stale(MODEL, own=True),
)
def price_model() -> None: ...


@dg.asset(deps=[price_model, training_set], automation_condition=in_the_same_run())
def promotion() -> None: ...


@dg.asset(
    deps=[promotion],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=after_update_of(promotion.key),
)
def signals() -> None: ...


CHAIN = dg.AssetSelection.assets(out_of_sample, price_model, promotion, signals)
retrain = dg.define_asset_job("retrain", CHAIN, executor_def=dg.in_process_executor)

defs = dg.Definitions(
    assets=[training_set, out_of_sample, price_model, promotion, signals],
    jobs=[retrain],
    sensors=[
        dg.AutomationConditionSensorDefinition(
            "retrain_when_stale",
            target=CHAIN,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=2,
        ),
        drift_sensor(retrain, seconds=2),
    ],
    # Without a DAGSTER_HOME it is only collected, for doctests.
    resources={
        "lake": Lake(Path(os.environ.get("DAGSTER_HOME", "")) / "lake"),
        "settings": load_settings(home=os.environ.get("DAGSTER_HOME", "")),
    },
    executor=dg.in_process_executor,
)
