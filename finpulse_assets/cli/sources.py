"""`finpulse sources` and `finpulse reparse`: what live sources hold and cost; reading anew."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from finpulse_assets.cli.console import Home, begin, print_json, results, short
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Profile, load_settings

if TYPE_CHECKING:
    from finpulse_assets.orchestration.ingest.source_state import SourceState

ProfileOption = Annotated[
    Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
]
app = typer.Typer()


@app.callback(invoke_without_command=True)
def sources(
    context: typer.Context,
    profile: ProfileOption = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the state as JSON.")] = False,
) -> None:
    """Show each source of the list: state, rows, last success, requests left and spend.

    No source is asked: what is shown is what the home holds. Examples: `finpulse sources --profile
    live` · `finpulse sources --json` · `finpulse sources record finnhub`
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(profile=profile, home=home)
    begin("reading", settings.root)
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.orchestration.ingest.source_state import source_states

    found = source_states(settings, Lake(settings.lake), system_now())
    if as_json:
        print_json({"sources": [asdict(state) for state in found]})
    else:
        _print(found)


@app.command("record")
def record(
    name: Annotated[str, typer.Argument(help="The source, such as finnhub.")],
    into: Annotated[
        Path, typer.Option(help="Folder of the recordings; one below it for each source.")
    ] = Path("tests/fixtures/vendors"),
) -> None:
    """Ask a vendor once, with your key, store its answer and say how its shape differs.

    One request is made for each kind of row; keys stand in nothing that is stored. Example:
    `finpulse sources record finnhub`
    """
    settings = load_settings(profile="live")
    begin("recording into", into)
    from finpulse_assets.gateways.sources.limits import Timer
    from finpulse_assets.orchestration.ingest.record import record as record_answers

    for one in record_answers(settings, name, into, Timer()):
        said = f"{name} {one.kind}: {one.size:,} bytes, {one.rows} rows, in {short(one.path)}"
        results.print(said, highlight=False, soft_wrap=True)
        if one.differences is None:
            results.print("  nothing was stored before", highlight=False)
        for line in one.differences or ():
            results.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def reparse(
    name: Annotated[str, typer.Argument(metavar="SOURCE", help="The source, such as finnhub.")],
    profile: ProfileOption = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Read the kept answers of a source again, with the parser of today and without a request.

    Its tables become what they would be had every run had this parser; a row that stays the same
    keeps its times. The next `finpulse run` makes what follows from them. Example:
    `finpulse reparse finnhub --profile live`
    """
    settings = load_settings(profile=profile, home=home)
    begin("reading", settings.root)
    from finpulse_assets.orchestration.ingest.reparse import reparse as read_again

    done = read_again(settings, name, system_now)
    if as_json:
        print_json({"source": name, "kinds": [asdict(one) for one in done]})
        return
    for one in done:
        results.print(
            f"{name} {one.kind}: {one.rows:,} rows, {one.added:,} are new, {one.removed:,} are "
            f"gone, {one.refused:,} refused",
            highlight=False,
            soft_wrap=True,
        )


def _print(states: list[SourceState]) -> None:
    columns = ("source", "state", "rows", "last success", "requests, 24 h", "left", "billed, 30 d")
    table = Table(*columns, box=None)
    for one in states:
        left = one.requests_left if one.requests_left is not None else one.rate_left
        billed = one.billed and f"{one.billed:,}, {one.billed_left:,} left"
        table.add_row(
            one.name,
            one.state,
            f"{one.rows:,}",
            f"{one.last_success:%Y-%m-%d %H:%M}" if one.last_success else "–",
            *("–" if it is None else str(it) for it in (one.requests, left, billed)),
        )
    results.print(table)
    for one in states:
        if one.problem:
            said = f"{one.name}: {one.problem}"
            results.print(said, markup=False, highlight=False, soft_wrap=True)
