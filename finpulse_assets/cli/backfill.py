"""`finpulse backfill`: run the months of days that were missed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, print_json, results
from finpulse_assets.cli.graph_run import run_graph, settings_for
from finpulse_assets.settings import Profile


def backfill(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day that was missed.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day that was missed.")
    ],
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on stdout.")
    ] = False,
) -> None:
    """Run the graph for the months of the days from --from to --to, both included.

    A month is run whole, and what it already holds stays: only rows that are new are added, and
    signals that were published live are never replaced. Examples: `finpulse backfill --from
    2024-03-01 --to 2024-04-30`
    """
    settings = settings_for(
        {
            "profile": profile.value if profile else None,
            "home": home.absolute() if home else None,
        }
    )
    finished = run_graph(settings, days=(first.date(), last.date()))
    if as_json:
        print_json(asdict(finished))
    else:
        results.print(
            f"filled {finished.months} months, {first:%Y-%m} to {last:%Y-%m}, "
            f"in {finished.seconds:.0f} s",
            highlight=False,
        )
