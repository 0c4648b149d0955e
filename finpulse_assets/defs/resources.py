"""The resources and the executor of this deployment, from its settings.

Steps run in the run's own process: one of their own costs each 10 to 25 s of imports on two cores.

https://docs.dagster.io/guides/build/external-resources
"""

import dagster as dg

from finpulse_assets.orchestration.run.resources import build_resources
from finpulse_assets.settings import load_settings


@dg.definitions
def resources() -> dg.Definitions:
    return dg.Definitions(
        resources=build_resources(load_settings()), executor=dg.in_process_executor
    )
