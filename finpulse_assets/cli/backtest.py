"""`finpulse backtest`: what the schedule would have traded on the data of a home."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from finpulse_assets.cli.console import Home, begin, errors, print_json, results, short
from finpulse_assets.settings import Profile, load_settings

if TYPE_CHECKING:
    from finpulse_assets.domain.evaluation.promotion import Promotion


def backtest(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: the first that can "
                     "be."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; default: the last with an "
                     "outcome."),
    ] = None,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON report.")] = False,
) -> None:  # fmt: skip
    """Replay the schedule on the data of the home, and write a tear sheet.

    Models are fitted and judged again on their dates (FINPULSE_BACKTEST_RETRAINING), each on what
    had come by then; a retraining takes as long as that of a run. Nothing that the home holds
    changes but models/backtest. Examples: `finpulse backtest` · `finpulse backtest --from
    2015-01-02 --to 2015-09-29`
    """
    settings = load_settings(home=home, profile=profile)
    begin("replaying the schedule on", settings.root)
    from finpulse_assets.gateways.lake.lake import WHOLE, Lake
    from finpulse_assets.gateways.warehouse.reader import Warehouse
    from finpulse_assets.orchestration.training.backtest import read_rows, replay, span_of
    from finpulse_assets.orchestration.training.backtest_report import report_of
    from finpulse_assets.schemas import BACKTEST

    rows, scored_by = read_rows(Warehouse(settings.warehouse))
    span = span_of(rows, settings, first=first and first.date(), last=last and last.date())
    retrainings = span.sessions["begins_period"].sum()
    errors.print(
        f"{span.sessions.height} sessions, {span.first} to {span.last}, {retrainings} retrainings",
        highlight=False,
    )
    found = replay(
        rows, span, settings, sentiment_fingerprint=scored_by, on_decision=_print_decision
    )
    report = report_of(found, settings)
    Lake(settings.lake).replace(BACKTEST, found.table, [WHOLE])
    path = report.write(settings.root)
    if as_json:
        print_json(
            {
                "summary": asdict(report.summary),
                "decisions": [asdict(it) for it in found.decisions],
                "sessions": found.table.to_dicts(),
                "tear_sheet": path,
            }
        )
        return
    results.print("fractions of one side, intervals of 95 %", highlight=False)
    shown = Table(show_header=False, box=None, pad_edge=False)
    for line in report.summary.lines():
        shown.add_row(*line)
    results.print(shown)
    results.print(f"tear sheet: {short(path)}", highlight=False, soft_wrap=True)


def _print_decision(day: date, decision: Promotion) -> None:
    skills = ", ".join(decision.champion.skills) or "none"
    errors.print(
        f"{day}  {decision.reasons[-1]} (proven: {skills})", highlight=False, soft_wrap=True
    )
