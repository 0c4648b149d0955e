"""The code location: everything under defs/, with the resources of the settings.

https://docs.dagster.io/guides/build/projects
"""

from pathlib import Path

import dagster as dg

from finpulse_assets.orchestration.run.dagster_internals import reuse_engines, write_runs_with
from finpulse_assets.orchestration.run.once import with_work_done_once
from finpulse_assets.orchestration.run.partitions import beginning_in, first_month
from finpulse_assets.orchestration.run.run_log import json_logger
from finpulse_assets.orchestration.run.step_failures import with_sentences
from finpulse_assets.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions; workspace.yaml, `dg` and the command line load them from here."""
    reuse_engines()
    settings = load_settings()
    if settings.log_format == "json":
        write_runs_with(json_logger)
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    steps = with_sentences(with_work_done_once(loaded))
    return beginning_in(first_month(settings), steps)
