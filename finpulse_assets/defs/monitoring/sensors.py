"""The sensors that retrain: when the model is stale, and when its inputs have drifted.

https://docs.dagster.io/guides/automate/sensors
"""

import dagster as dg

from finpulse_assets.defs.jobs import MODEL_CHAIN, retrain
from finpulse_assets.orchestration.automation.schedule import drift_sensor

retrain_when_stale = dg.AutomationConditionSensorDefinition(
    "retrain_when_stale",
    target=MODEL_CHAIN | dg.AssetSelection.assets(["serving", "price_bento"]),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Retrains an overdue model once its inputs are newer than it; the evaluation, the "
    "promotion, the signals and the service's Bento follow.",
)

retrain_on_drift = drift_sensor(retrain)
