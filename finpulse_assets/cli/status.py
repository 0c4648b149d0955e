"""`finpulse status`: what is fresh, stale or missing, the last model, the champion's score.

Belongs here: the command and the freshness of lake tables in sessions. Does not belong here:
freshness policies of the graph (defs).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Annotated

import polars as pl
import typer
from rich.table import Table as RichTable

from finpulse_assets.cli.console import print_json, results
from finpulse_assets.domain.calendar import build_sessions, last_completed_session
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.lake import Lake
from finpulse_assets.gateways.model_store import ModelStore
from finpulse_assets.schemas import (
    DAILY_SIGNALS,
    HEADLINES,
    PRICES,
    SESSION_DATE,
    TWEETS,
    Table,
)
from finpulse_assets.settings import Settings, load_settings

FRESH, STALE, MISSING, EMPTY = "fresh", "stale", "missing", "empty"
STYLES = {FRESH: "green", STALE: "yellow", MISSING: "red", EMPTY: "dim"}
# Texts may be absent on a day; the tables that a signal stands on may not.
REQUIRED = (PRICES.name, "features/technical", DAILY_SIGNALS.name)


@dataclass(frozen=True)
class TableStatus:
    """One table: how far its data reaches, and how many sessions that is behind."""

    table: str
    state: str
    rows: int
    last_session: date | None
    sessions_behind: int | None


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False,
) -> None:
    """Show what is fresh, stale or missing, and how good the champion is.

    Freshness is counted in sessions up to the as-of time, so a weekend makes nothing stale. Exit
    code 1 when prices, features or signals are stale or missing. Examples: `finpulse status` ·
    `FINPULSE_PROFILE=files finpulse status --json`
    """
    from finpulse_assets.orchestration.resources import build_sources, resolve_clock

    settings = load_settings()
    clock = resolve_clock(settings, build_sources(settings))
    delay = timedelta(minutes=settings.decision_delay_minutes)
    day = clock.as_of.date()
    sessions = build_sessions(max(clock.start_date, date(2010, 1, 1)), day, decision_delay=delay)
    last = last_completed_session(sessions, clock.as_of)["session_date"]
    tables = table_statuses(Lake(settings.lake), sessions, last)
    model = model_status(settings)
    if as_json:
        print_json(
            {
                "profile": settings.profile.value,
                "as_of": clock.as_of,
                "last_completed_session": last,
                "tables": [asdict(table) for table in tables],
                "model": model,
            }
        )
    else:
        _print(settings, clock.as_of, last, tables, model)
    bad = [t for t in tables if t.table in REQUIRED and t.state in (STALE, MISSING)]
    if bad or "error" in model:
        raise typer.Exit(1)


def table_statuses(lake: Lake, sessions: pl.DataFrame, last: date) -> list[TableStatus]:
    """Return the status of every table that follows the sessions, against the session `last`."""
    from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
    from finpulse_assets.schemas import TEXT_SENTIMENT

    tables = (PRICES, TWEETS, HEADLINES, TEXT_SENTIMENT, TECHNICAL_FEATURES, DAILY_SIGNALS)
    return [_table_status(lake, table, sessions, last) for table in tables]


def _table_status(lake: Lake, table: Table, sessions: pl.DataFrame, last: date) -> TableStatus:
    if not lake.partitions(table):
        return TableStatus(table.name, MISSING, 0, None, None)
    scan = lake.scan(table)
    if SESSION_DATE.name in table.by_name:
        reached = pl.col(SESSION_DATE.name).max()
    else:  # a text's session is at most one ahead of its day
        reached = pl.col(table.partition_column).max().dt.date()
    rows, newest = scan.select(pl.len(), reached.alias("newest")).collect().row(0)
    if newest is None:
        return TableStatus(table.name, EMPTY, rows, None, None)
    behind = sessions.filter(pl.col("session_date").is_between(newest, last, closed="right")).height
    return TableStatus(table.name, STALE if behind else FRESH, rows, newest, behind)


def model_status(settings: Settings) -> dict[str, object]:
    """Return the champion with its score against the best baseline, or why there is none."""
    try:
        promotion = ModelStore(settings.models / "price").promotion()
    except FinPulseError as error:
        return {"error": str(error)}
    if promotion is None:
        return {"error": "no model was promoted yet. Hint: run `finpulse run`"}
    return {
        "champion": promotion.champion.candidate_id,
        "is_proven": promotion.champion.is_proven,
        "accuracy": promotion.champion.accuracy,
        "accuracy_gain_over_best_baseline": promotion.champion.accuracy_gain,
        "last_candidate": promotion.candidate_id,
        "reasons": list(promotion.reasons),
    }


def _print(
    settings: Settings,
    as_of: object,
    last: date,
    tables: list[TableStatus],
    model: dict[str, object],
) -> None:
    results.print(
        f"profile {settings.profile.value}, as of {as_of:%Y-%m-%d %H:%M} UTC, "
        f"last completed session {last}",
        highlight=False,
    )
    shown = RichTable("table", "state", "rows", "reaches", "sessions behind", box=None)
    for table in tables:
        shown.add_row(
            table.table,
            f"[{STYLES[table.state]}]{table.state}[/]",
            f"{table.rows:,}",
            str(table.last_session or "–"),
            "–" if table.sessions_behind is None else str(table.sessions_behind),
        )
    results.print(shown)
    if "error" in model:
        results.print(f"model: {model['error']}", markup=False, highlight=False)
        return
    standing = "proven" if model["is_proven"] else "unproven"
    results.print(
        f"champion {model['champion']} ({standing}): accuracy {model['accuracy']:.3f}, "
        f"{model['accuracy_gain_over_best_baseline']:+.3f} against the best baseline",
        highlight=False,
    )
    for reason in model["reasons"]:
        results.print(f"  {reason}", markup=False, highlight=False, soft_wrap=True)
