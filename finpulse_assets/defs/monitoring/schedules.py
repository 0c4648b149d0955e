"""The schedule after the close of XNYS.

https://docs.dagster.io/guides/automate/schedules
"""

from datetime import timedelta

import dagster as dg

from finpulse_assets.defs.jobs import EVERYTHING, MODEL_CHAIN, whole_graph
from finpulse_assets.orchestration.automation.schedule import after_close_schedule
from finpulse_assets.settings import load_settings


@dg.definitions
def schedules() -> dg.Definitions:
    """Return the schedule; its times of day hang on the settings, which are read here."""
    delay = timedelta(minutes=load_settings().decision_delay_minutes)
    daily = EVERYTHING - MODEL_CHAIN
    return dg.Definitions(schedules=[after_close_schedule(whole_graph, daily=daily, delay=delay)])
