"""The sensor of the alerts.

https://docs.dagster.io/guides/automate/sensors
"""

import dagster as dg

from finpulse_assets.gateways.alerts.apprise import AlertSender, ping
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.alerting.collect import Collector
from finpulse_assets.orchestration.alerting.tick import evaluate
from finpulse_assets.settings import Settings


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notifies FINPULSE_ALERT_URLS when a run, a blocking check or a source fails, data "
    "is stale or overdue, features drift, or a model is promoted, refused or loses its proof: when "
    "it begins, again while it lasts or grows, and when it ends. Writes the heartbeat that "
    "finpulse status reads.",
)
def alerts(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    models: dg.ResourceParam[ModelStore],
    now: dg.ResourceParam[Now],
    alert_sender: dg.ResourceParam[AlertSender],
) -> dg.SkipReason:
    collector = Collector(context.instance, context.repository_def, settings, lake, models)
    tick = evaluate(AlertStore(settings.alerts), collector, alert_sender, now=now)
    if tick is None:
        return dg.SkipReason("another evaluator is at work")
    for message in tick.messages:
        context.log.warning(f"{message.title}: {message.alert.what}")
    for problem in (*collector.problems, *tick.problems):
        context.log.warning(problem)
    if settings.heartbeat_url and not ping(settings.heartbeat_url.get_secret_value()):
        context.log.warning("FINPULSE_HEARTBEAT_URL did not answer well")
    return dg.SkipReason(str(tick))
