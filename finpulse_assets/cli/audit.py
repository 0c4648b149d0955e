"""`finpulse audit` and `finpulse as-of`: what the features could know, and what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from finpulse_assets.cli.console import Home, begin, errors, print_json, results
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import load_settings


def audit(
    home: Home = None,
    profile: Annotated[str | None, typer.Option(help="demo, files or live.")] = None,
    tickers: Annotated[int, typer.Option(min=1, help="Tickers to check.")] = 24,
    moments: Annotated[int, typer.Option(min=1, help="Decisions at which the input is cut.")] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON report.")] = False,
) -> None:
    """Look for features that know the future. Exit code 1 when one is found.

    Examples: `finpulse audit` · `finpulse audit --profile files --tickers 100 --moments 20`
    """
    settings = load_settings(home=home, profile=profile)
    begin("building the features at several moments of", settings.root)
    from finpulse_assets.domain.features.registry import FEATURES
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.gateways.warehouse.reader import Warehouse
    from finpulse_assets.orchestration.audit.feature_audit import audit_features, audit_labels
    from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay
    from finpulse_assets.orchestration.training.training_plan import read_recipe

    replay, lake = FeatureReplay.of(settings), Lake(settings.lake)
    as_of = settings.as_of or system_now()
    findings = audit_features(lake, replay, as_of=as_of, tickers=tickers, moments=moments)
    labels = audit_labels(read_recipe(Warehouse(settings.warehouse), settings))
    if as_json:
        print_json(
            {
                "features": len(FEATURES),
                "findings": [vars(finding) for finding in findings],
                "placebo": {**vars(labels), "has_skill": labels.has_skill},
            }
        )
    else:
        shown = Table(box=None, pad_edge=False)
        for column in ("check", "what it does", "guilty columns"):
            shown.add_column(column)
        for check, what in _CHECKS.items():
            guilty = [finding.column for finding in findings if finding.check == check]
            shown.add_row(check, what.format(moments=moments), ", ".join(guilty) or "none")
        shown.add_row("placebo", str(labels), "the evaluation" if labels.has_skill else "none")
        results.print(shown)
        for finding in findings:
            results.print(f"[red]✗[/red] {finding}", highlight=False)
        if not findings and not labels.has_skill:
            results.print(f"{len(FEATURES)} features, none has seen the future", highlight=False)
    if findings or labels.has_skill:
        raise typer.Exit(1)


_CHECKS = {
    "cut": "input cut at {moments} decisions and built again: same bits before",
    "warm-up": "input started later: same values past the declared warm-up",
    "canary": "a planted copy of the future is found by the cut",
    "oracle": "no column all but equals the outcome",
}


def as_of(
    moment: Annotated[str, typer.Argument(help="UTC time, for example 2024-06-28T20:15.")],
    table: Annotated[str, typer.Argument(help="A feature or training table.")] = "fct_training_set",
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    home: Home = None,
    profile: Annotated[str | None, typer.Option(help="demo, files or live.")] = None,
) -> None:
    """Rebuild a feature or training table as it was known at a time.

    Examples: `finpulse as-of 2026-10-30T20:15` · `finpulse as-of 2026-10-30 fct_daily_features
    --out features.parquet`
    """
    settings = load_settings(home=home, profile=profile)
    at = _utc(moment)
    begin(f"building {table} as of {at:%Y-%m-%d %H:%M} UTC from", settings.root)
    from finpulse_assets.gateways.atomic import written_atomically
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay, table_as_of

    frame = table_as_of(Lake(settings.lake), FeatureReplay.of(settings), table, at)
    if out is not None:
        with written_atomically(out) as temporary:
            frame.write_parquet(temporary, compression="zstd")
        results.print(f"{out}  {frame.height:,} rows", highlight=False)
        return
    last = frame["session_date"].max() if frame.height else "–"
    errors.print(
        f"{table} as of {at:%Y-%m-%d %H:%M} UTC: {frame.height:,} rows, {frame.width} columns, "
        f"last session {last}; --out FILE.parquet writes it",
        highlight=False,
        soft_wrap=True,
    )


def _utc(text: str) -> datetime:
    """Return the time, UTC where it names no zone; a day alone means its end."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(
            f"{text!r} is no time", hint="write a UTC time like 2024-06-28T20:15"
        ) from None
    if len(text) == len("2024-06-28"):
        at = at.replace(hour=23, minute=59, second=59)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
