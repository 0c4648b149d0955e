"""`finpulse report`: what is said of a ticker, why, and how good that is, in plain words."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors, print_json, short
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Profile, load_settings


def report(
    ticker: Annotated[str, typer.Argument(help="The ticker, as the tables have it.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="Look back on this UTC time, or the end of this day; unset: now."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the files; default: reports/analyst in the home.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the facts alone, as JSON.")
    ] = False,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
) -> None:
    """Write the report on a ticker: signal, reasons, texts, evaluation, what is not proven.

    Every number in it is among the facts of the tables, also where a language model writes
    (FINPULSE_REPORT_MODEL). With --as-of it says what was known then, and ends with what came.
    Markdown is printed; Markdown, HTML, facts and plots are kept. Examples: `finpulse report IMBK`
    · `finpulse report IMBK --as-of 2026-10-30`
    """
    settings = load_settings(profile=profile, home=home, as_of=as_of)
    now = system_now()
    if as_of and settings.as_of > now + timedelta(days=1):
        raise SettingError(f"--as-of {as_of} lies ahead", hint="give a time of the past")
    begin("reading", settings.root)
    from finpulse_assets.gateways.reports.analyst_folder import FOLDER
    from finpulse_assets.orchestration.reporting.report import keep, make_report

    made = make_report(settings, ticker, now=now, as_of=settings.as_of if as_of else None)
    if as_json:
        print_json(made.facts.as_json())
        return
    sys.stdout.write(made.written.text)
    if made.written.because:
        errors.print(made.written.because, markup=False, highlight=False, soft_wrap=True)
    page = keep(made, out or settings.root / FOLDER)
    errors.print(f"kept as {short(page)}", highlight=False, soft_wrap=True)
