"""`finpulse demo` and `finpulse run`: materialize the graph, then show what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, errors, print_json
from finpulse_assets.cli.graph_run import run_graph, settings_for
from finpulse_assets.settings import Profile

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
AsOf = Annotated[
    str | None,
    typer.Option(help="Run as of this UTC time, for example 2015-09-30 or 2015-09-30T21:00."),
]

Force = Annotated[
    bool, typer.Option("--force", help="Make again also what has not changed since the last run.")
]


def demo(
    effect: Annotated[
        float | None, typer.Option(help="Planted effect; 0 plants none, and none is found.")
    ] = None,
    as_of: AsOf = None,
    home: Home = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Materialize the whole graph on the simulated market and show the result.

    Examples: `finpulse demo` · `finpulse demo --effect 0 --home .no-effect`
    """
    overrides = {
        "profile": Profile.DEMO.value,
        "simulator_effect": effect,
        "as_of": as_of,
        "home": _absolute(home),
    }
    _run(overrides, as_json=as_json, force=force)


def run(
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="files: daily bars.")] = None,
    tweets: Annotated[Path | None, typer.Option(help="files: tweets.")] = None,
    headlines: Annotated[Path | None, typer.Option(help="files: headlines.")] = None,
    corporate_actions: Annotated[
        Path | None, typer.Option(help="files: splits and dividends of unadjusted bars.")
    ] = None,
    tickers: Annotated[
        Path | None, typer.Option(help="files: company and sector of each symbol.")
    ] = None,
    bars_1m: Annotated[
        Path | None, typer.Option("--bars-1m", help="files: one-minute bars.")
    ] = None,
    bars_timezone: Annotated[
        str | None,
        typer.Option(help="files: IANA zone of one-minute bars whose times name none."),
    ] = None,
    day_order: Annotated[
        str | None, typer.Option(help="files: mdy or dmy, the order of days such as 05/02/2024.")
    ] = None,
    as_of: AsOf = None,
    home: Home = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Materialize the whole graph on the sources of a profile and show the result.

    Examples: `finpulse run` · `finpulse run --profile files --prices prices.parquet --tweets
    tweets.parquet` · `finpulse run --profile live`
    """
    overrides = {
        "profile": profile.value if profile else None,
        "prices_path": _absolute(prices),
        "tweets_path": _absolute(tweets),
        "headlines_path": _absolute(headlines),
        "corporate_actions_path": _absolute(corporate_actions),
        "tickers_path": _absolute(tickers),
        "bars_1m_path": _absolute(bars_1m),
        "bars_timezone": bars_timezone,
        "day_order": day_order,
        "as_of": as_of,
        "home": _absolute(home),
    }
    _run(overrides, as_json=as_json, force=force)


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None


def _run(overrides: dict[str, object], *, as_json: bool, force: bool) -> None:
    settings = settings_for(overrides)
    finished = run_graph(settings, force=force)
    from finpulse_assets.cli import report

    outcome = report.outcome_of(settings, finished)
    if as_json:
        print_json(outcome.as_json())
    else:
        report.print_outcome(outcome)
    errors.print(f"done in {finished.seconds:.0f} s", highlight=False)
