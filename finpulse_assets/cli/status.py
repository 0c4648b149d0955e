"""`finpulse status`: what is fresh, stale or missing, the last model, the champion's score."""

from __future__ import annotations

from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, print_json
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Profile, load_settings


def status(
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False,
) -> None:
    """Show what is fresh, stale or missing, and how good the champion is.

    Freshness is counted in sessions up to the as-of time, so a weekend makes nothing stale; files
    are due up to where they ended when a run last read them. Exit code 1 when prices, features or
    signals are stale or missing, a table cannot be read, or the automation is silent. Examples:
    `finpulse status` · `finpulse status --profile files --json`
    """
    settings = load_settings(profile=profile, home=home)
    begin("reading", settings.root)
    from finpulse_assets.cli import status_report

    found = status_report.status_of(settings, system_now())
    if as_json:
        print_json(found.as_json())
    else:
        status_report.print_status(found)
    if not found.is_sound:
        raise typer.Exit(1)
