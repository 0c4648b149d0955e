"""`finpulse rehearse`: the platform lives through a quarter in minutes, under your settings."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finpulse_assets.cli.console import begin, errors, print_json, results
from finpulse_assets.errors import SettingError
from finpulse_assets.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from finpulse_assets.orchestration.rehearsal.record import Statement

# A market that is small enough for minutes; a variable that is set wins.
SMALL = {
    "simulator_tickers": 5,
    "simulator_sessions": 220,
    "simulator_effect": 1.5,
    "folds": 2,
    "min_train_sessions": 60,
    "resamples": 200,
    "models_kept": 3,
    "sentiment_model": "tiny",
    "publish": False,
}


def rehearse(
    sessions: Annotated[int, typer.Option(help="How many sessions to live through.")] = 65,
    home: Annotated[
        Path | None, typer.Option(help="An empty folder to keep what the rehearsal writes.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on stdout.")
    ] = False,
) -> None:
    """Let the platform live through simulated sessions with faults, and judge what came of it.

    Your settings of training and evaluation, on a small simulated market and in a home of its own.
    Exits with 1 where a statement fails. Examples: `finpulse rehearse --sessions 12`
    """
    if home is not None and home.exists() and any(home.iterdir()):
        raise SettingError(f"{home} is not empty", hint="a rehearsal begins with an empty folder")
    with tempfile.TemporaryDirectory(prefix="finpulse-rehearsal-") as folder:
        statements, lines = run_rehearsal(home or Path(folder), sessions)
    if as_json:
        print_json({"sessions": lines, "statements": [asdict(one) for one in statements]})
    else:
        print_statements(statements)
    if not all(one.passed for one in statements):
        sys.exit(1)


def run_rehearsal(home: Path, sessions: int) -> tuple[list[Statement], list[str]]:
    """Return the statements, and a line a session; each line is printed as its session ends.

    Args:
        home: an empty folder.
        sessions: how many are rehearsed.
    """
    begin("loading FinPulse for a rehearsal in", home)
    from finpulse_assets.definitions import defs
    from finpulse_assets.orchestration.rehearsal.comparison import clean_run, tables_of
    from finpulse_assets.orchestration.rehearsal.driver import own_settings, rehearse
    from finpulse_assets.orchestration.rehearsal.plan import plan_rehearsal
    from finpulse_assets.orchestration.rehearsal.statements import statements_of

    settings = own_settings(_small(load_settings()), home)
    plan = plan_rehearsal(settings, sessions=sessions)
    _into_environment(settings)
    lines: list[str] = []

    def show(record: object) -> None:
        lines.append(record.line())
        errors.print(lines[-1], highlight=False, soft_wrap=True)

    rehearsal = rehearse(plan, defs, settings, on_session=show)
    errors.print("a clean run of the same history", highlight=False)
    clean = tables_of(clean_run(rehearsal, defs))
    return statements_of(rehearsal, tables_of(rehearsal.settings), clean), lines


def print_statements(statements: list[Statement]) -> None:
    """Print a statement a line, with its figures."""
    for one in statements:
        mark = "[green]✓[/green]" if one.passed else "[red]✗[/red]"
        results.print(f"{mark} {one.name}", highlight=False)
        results.print(f"    {one.figures}", highlight=False, markup=False, soft_wrap=True)
    failed = sum(not one.passed for one in statements)
    results.print(f"{len(statements) - failed} of {len(statements)} statements hold")


def _small(settings: Settings) -> Settings:
    chosen = {name: value for name, value in SMALL.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=chosen)


def _into_environment(settings: Settings) -> None:
    """Let the definitions, which read the settings as they load, find those of the rehearsal."""
    import os

    for name in ("profile", "home", "sources"):
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    for name in ("as_of", "start_date"):
        os.environ.pop(PREFIX + name.upper(), None)
