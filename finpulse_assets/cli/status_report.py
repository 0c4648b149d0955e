"""What `finpulse status` says: each fact as the command's JSON holds it, and its lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from rich.table import Table as RichTable

from finpulse_assets.cli.console import results
from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.evaluation.holdout import reads_sentence
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
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.alerting import tables as watched
from finpulse_assets.orchestration.run.clock_file import data_due
from finpulse_assets.schemas import DAILY_SIGNALS, PRICES
from finpulse_assets.settings import Settings

STYLES = {FRESH: "green", STALE: "yellow", MISSING: "red", EMPTY: "dim", UNREADABLE: "red"}
# Texts may be absent on a day; the tables that a signal stands on may not.
REQUIRED = (PRICES.name, "features/technical", DAILY_SIGNALS.name)


@dataclass(frozen=True)
class HomeStatus:
    """What is known of a home: its data up to `as_of` (UTC), its champion and its automation.

    `last` is the last completed session; `unreadable` holds the sentence of each table that cannot
    be read.
    """

    profile: str
    as_of: datetime
    last: date
    tables: list[TableStatus]
    unreadable: dict[str, str]
    model: dict[str, object]
    automation: dict[str, object]

    @property
    def is_sound(self) -> bool:
        """Whether a signal may stand on this home."""
        bad = [t for t in self.tables if t.table in REQUIRED and t.state in (STALE, MISSING)]
        broken = self.unreadable or "error" in self.model or "error" in self.automation
        return not (bad or broken)

    def as_json(self) -> dict[str, object]:
        """Return the status as JSON-able values."""
        return {
            "profile": self.profile,
            "as_of": self.as_of,
            "last_completed_session": self.last,
            "tables": [asdict(table) for table in self.tables],
            "unreadable": self.unreadable,
            "model": self.model,
            "automation": self.automation,
        }


def status_of(settings: Settings, now: datetime) -> HomeStatus:
    """Return the status of a home at `now` (UTC); files that no run has read yet are due now.

    Raises:
        SettingError: the clock file cannot be read.
    """
    as_of = data_due(settings, now) or now
    last, tables, unreadable = table_statuses(settings, as_of)
    return HomeStatus(
        settings.profile.value,
        as_of,
        last,
        tables,
        unreadable,
        model_status(settings),
        automation_status(settings, now),
    )


def print_status(found: HomeStatus) -> None:
    """Print the tables, what cannot be read, the champion and the automation."""
    results.print(
        f"profile {found.profile}, as of {found.as_of:%Y-%m-%d %H:%M} UTC, "
        f"last completed session {found.last}",
        highlight=False,
    )
    _print_tables(found.tables)
    _print_model(found.model)
    for name, sentence in found.unreadable.items():
        results.print(f"{name}: {sentence}", style="red", markup=False, soft_wrap=True)
    _print_automation(found.automation)


def table_statuses(
    settings: Settings, as_of: datetime
) -> tuple[date, list[TableStatus], dict[str, str]]:
    """Return the last session that is due, how far each table reaches, and what cannot be read."""
    delay = timedelta(minutes=settings.decision_delay_minutes)
    lake = Lake(settings.lake)
    sessions = watched.sessions_until(lake, as_of, delay)
    last = last_completed_session(sessions, as_of)["session_date"]
    found, unreadable = watched.table_statuses(lake, watched.WATCHED, sessions, last)
    return last, found, unreadable


def model_status(settings: Settings) -> dict[str, object]:
    """Return the champion with its score against the best baseline, or why there is none."""
    try:
        models = ModelStore(settings.models / "price")
        promotion, reads = models.promotion(), len(models.holdout_reads())
    except FinPulseError as error:
        return {"error": str(error)}
    if promotion is None:
        return {"error": "no model was promoted yet. Hint: run `finpulse run`"}
    return {
        "champion": promotion.champion.candidate_id,
        "is_proven": promotion.champion.is_proven,
        "skills": list(promotion.champion.skills),
        "rank_ic": promotion.champion.rank_ic,
        "last_candidate": promotion.candidate_id,
        "reasons": list(promotion.reasons),
        "holdout_reads": reads,
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


def _print_tables(tables: list[TableStatus]) -> None:
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


def _print_model(model: dict[str, object]) -> None:
    if "error" in model:
        results.print(f"model: {model['error']}", markup=False, highlight=False)
        return
    skills = ", ".join(model["skills"])
    standing = f"proven: {skills}" if skills else "no skill is proven"
    ic = "unknown" if model["rank_ic"] is None else f"{model['rank_ic']:+.4f}"
    results.print(f"champion {model['champion']} ({standing}): rank IC {ic}", highlight=False)
    for reason in model["reasons"]:
        results.print(f"  {reason}", markup=False, highlight=False, soft_wrap=True)
    results.print(f"  {reads_sentence(model['holdout_reads'])}", markup=False, highlight=False)
