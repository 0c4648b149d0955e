"""`finpulse status`: what is fresh, stale or missing, the last model, the champion's score."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table as RichTable

from finpulse_assets.cli.console import Home, print_json, results
from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions, last_completed_session
from finpulse_assets.domain.monitoring.alert_state import heartbeat_problem, undelivered
from finpulse_assets.domain.monitoring.freshness import (
    EMPTY,
    FRESH,
    MISSING,
    STALE,
    UNREADABLE,
    TableStatus,
)
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import DAILY_SIGNALS, PRICES
from finpulse_assets.settings import Profile, Settings, load_settings

STYLES = {FRESH: "green", STALE: "yellow", MISSING: "red", EMPTY: "dim", UNREADABLE: "red"}
# Texts may be absent on a day; the tables that a signal stands on may not.
REQUIRED = (PRICES.name, "features/technical", DAILY_SIGNALS.name)


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
    settings, now = load_settings(profile=profile, home=home), system_now()
    as_of = due_until(settings, now)
    last, tables, unreadable = table_statuses(settings, as_of)
    model = model_status(settings)
    automation = automation_status(settings, now)
    if as_json:
        print_json(
            {
                "profile": settings.profile.value,
                "as_of": as_of,
                "last_completed_session": last,
                "tables": [asdict(table) for table in tables],
                "unreadable": unreadable,
                "model": model,
                "automation": automation,
            }
        )
    else:
        _print(settings, as_of, last, tables, model)
        for name, sentence in unreadable.items():
            results.print(f"{name}: {sentence}", style="red", markup=False, soft_wrap=True)
        _print_automation(automation)
    bad = [t for t in tables if t.table in REQUIRED and t.state in (STALE, MISSING)]
    if bad or unreadable or "error" in model or "error" in automation:
        raise typer.Exit(1)


def due_until(settings: Settings, now: datetime) -> datetime:
    """Return up to when data is due (UTC): of files that no run has read yet, now."""
    from finpulse_assets.orchestration.run.clock_file import data_due

    return data_due(settings, now) or now


def table_statuses(
    settings: Settings, as_of: datetime
) -> tuple[date, list[TableStatus], dict[str, str]]:
    """Return the last session that is due, how far each table reaches, and what cannot be read."""
    from finpulse_assets.orchestration.alerting.collect import WATCHED
    from finpulse_assets.orchestration.alerting.facts import table_statuses as statuses_of

    delay = timedelta(minutes=settings.decision_delay_minutes)
    sessions = build_sessions(FIRST_DAY, as_of.date(), decision_delay=delay)
    last = last_completed_session(sessions, as_of)["session_date"]
    found, unreadable = statuses_of(Lake(settings.lake), WATCHED, sessions, last)
    return last, found, unreadable


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


def automation_status(settings: Settings, now: datetime) -> dict[str, object]:
    """Return when the alerts' sensor was last at work, what is open, and why it is in error.

    Empty where the automation never ran below this home.
    """
    store = AlertStore(settings.alerts)
    try:
        seen = store.heartbeat()
        if seen is None:
            return {}
        state = store.load()
    except FinPulseError as error:
        return {"open_alerts": [], "undelivered": 0, "error": str(error)}
    found: dict[str, object] = {
        "last_seen": seen,
        "open_alerts": [
            {
                "alert": key,
                "severity": c.alert.severity,
                "since": c.alert.since,
                "what": c.alert.what,
            }
            for key, c in state.open.items()
        ],
        "undelivered": undelivered(state),
    }
    if problem := heartbeat_problem(seen, now):
        found["error"] = (
            f"{problem}. Hint: start it (dagster dev, or dagster-daemon run), or delete "
            f"{store.heartbeat_path} if it is meant to be off "
            f"({settings.runbook_url.rstrip('/')}/automation_silent.md)"
        )
    return found


def _print_automation(automation: dict[str, object]) -> None:
    if not automation:
        return
    sentence = automation.get("error") or (
        f"last seen at {automation['last_seen']:%Y-%m-%d %H:%M} UTC, "
        f"{len(automation['open_alerts'])} alerts open, {automation['undelivered']} undelivered"
    )
    results.print(f"automation: {sentence}", markup=False, highlight=False, soft_wrap=True)
    for alert in automation["open_alerts"]:
        results.print(
            f"  {alert['alert']} ({alert['severity']}, since {alert['since']:%Y-%m-%d %H:%M} UTC): "
            f"{alert['what']}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


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
            "–" if table.state == UNREADABLE else f"{table.rows:,}",
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
