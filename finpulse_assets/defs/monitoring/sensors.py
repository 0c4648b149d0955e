"""The sensors that retrain: when the model is old, its inputs have drifted, or its proof is lost.

https://docs.dagster.io/guides/automate/sensors
"""

import dagster as dg

from finpulse_assets.defs.jobs import RETRAINED, retrain
from finpulse_assets.orchestration.automation.retraining import drift_sensor, proof_sensor

retrain_when_stale = dg.AutomationConditionSensorDefinition(
    "retrain_when_stale",
    target=RETRAINED,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    # Dagster puts assets with months and those without into runs of their own.
    description="Retrains an overdue model once its inputs are newer than it: the evaluation and "
    "the promotion in the same run, the signals and the service's Bento in a run each after it.",
)

retrain_on_drift = drift_sensor(retrain)
retrain_on_lost_proof = proof_sensor(retrain)
