"""A run of some groups of the graph in a process of its own: what a run of all of it would do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.integration.fork_server import KillPoint
from tests.integration.graph_cli import SERVER, SMALL, environment

DATA = ("sources", "market_data", "news", "sentiment", "features")
WAREHOUSE = ("staging", "intermediate", "marts")
MODELS = ("outcomes", "models", "signals")


def run_groups(
    home: Path,
    *groups: str,
    settings: Mapping[str, str] = SMALL,
    kill_at: KillPoint | None = None,
) -> subprocess.CompletedProcess[str]:
    """Make the assets of some groups, from the others as the home has them.

    A run of fewer steps costs less; each notes what it made as in a run of the whole graph.
    """
    return SERVER.run(
        groups, main=f"{__name__}:main", environment=environment(home, settings), kill_at=kill_at
    )


def main() -> None:
    """Run the groups that are named as arguments; say why a step failed, and exit with 1."""
    import dagster as dg

    from finpulse_assets.cli.graph_run import JOB_WITHOUT_SERVING, failure_of, open_instance
    from finpulse_assets.definitions import defs
    from finpulse_assets.orchestration.automation.schedule import span_tags
    from finpulse_assets.orchestration.run.resources import begin_run, build_sources
    from finpulse_assets.settings import load_settings

    settings = load_settings()
    job = defs().resolve_job_def(JOB_WITHOUT_SERVING)
    months = begin_run(settings, build_sources(settings)).months
    keys = dg.AssetSelection.groups(*sys.argv[1:]).resolve(job.asset_layer.asset_graph)
    result = job.execute_in_process(
        instance=open_instance(settings),
        asset_selection=[key for key in keys if key in job.asset_layer.selected_asset_keys],
        tags=span_tags(months[0], months[-1]),
        raise_on_error=False,
    )
    if not result.success:
        sys.stderr.write(f"\n{failure_of(result)}")
        sys.exit(1)
