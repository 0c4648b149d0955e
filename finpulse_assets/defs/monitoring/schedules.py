"""The schedule after the close of XNYS.

https://docs.dagster.io/guides/automate/schedules
"""

from datetime import datetime, timedelta

import dagster as dg

from finpulse_assets.defs.jobs import MODEL_CHAIN, whole_graph
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.automation.schedule import after_close_schedule
from finpulse_assets.orchestration.run.resources import build_sources, resolve_clock
from finpulse_assets.settings import load_settings


def _data_until() -> datetime:
    settings = load_settings()
    return resolve_clock(settings, build_sources(settings)).as_of


def _has_champion() -> bool:
    return ModelStore(load_settings().models / "price").promotion() is not None


after_the_close = after_close_schedule(
    whole_graph,
    daily=dg.AssetSelection.all() - MODEL_CHAIN,
    delay=timedelta(minutes=load_settings().decision_delay_minutes),
    data_until=_data_until,
    has_champion=_has_champion,
)
