"""`finpulse alerts`: what is open, and who sees to it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from finpulse_assets.cli.console import Home, begin, print_json, results
from finpulse_assets.domain.monitoring.alert import span
from finpulse_assets.domain.monitoring.escalation import Condition
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Profile, load_settings

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=60)
ProfileOption = Annotated[
    Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
]
app = typer.Typer()


@app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    profile: ProfileOption = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the alerts as JSON.")] = False,
) -> None:
    """List the open alerts: id, severity, since when, what, and until when somebody sees to it.

    Examples: `finpulse alerts` · `finpulse alerts --json` · `finpulse alerts ack 3f2a9c01 --for 2d`
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(profile=profile, home=home)
    begin("reading", settings.root)
    found = list(AlertStore(settings.alerts).load().open.values())
    if as_json:
        print_json({"alerts": [_as_json(one) for one in found]})
    else:
        _print(found)


@app.command("ack")
def ack(
    alert_id: Annotated[
        str, typer.Argument(help="The id of the alert, as finpulse alerts has it.")
    ],
    how_long: Annotated[
        str, typer.Option("--for", help="How long: 30m, 8h, 2d or 1w; 60 days at most.")
    ],
    profile: ProfileOption = None,
    home: Home = None,
) -> None:
    """Acknowledge an open alert: it is not notified again in that time, whatever it grows to.

    Its end is notified as ever; when the time is over and it still holds, it is notified at once.
    Example: `finpulse alerts ack 3f2a9c01 --for 2d`
    """
    length = _length(how_long)
    settings = load_settings(profile=profile, home=home)
    until = system_now() + length
    AlertStore(settings.alerts).acknowledge(alert_id, until)
    results.print(f"{alert_id} is acknowledged until {until:%Y-%m-%d %H:%M} UTC", highlight=False)


def _length(text: str) -> timedelta:
    """Return a length of time.

    Raises:
        SettingError: it is none, or longer than 60 days.

    >>> _length("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    length = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta.max
    if length > LONGEST:
        raise SettingError(
            f"--for {text} is no length of time up to {LONGEST.days} days",
            hint="write 30m, 8h, 2d or 1w",
        )
    return length


def _as_json(condition: Condition) -> dict[str, object]:
    alert = condition.alert
    return {
        "id": alert.alert_id, "kind": alert.kind, "subject": alert.subject,
        "severity": alert.severity, "since": alert.since, "what": alert.what,
        "command": alert.command, "notices": condition.notices,
        "acknowledged_until": condition.acknowledged_until,
    }  # fmt: skip


def _print(found: list[Condition]) -> None:
    if not found:
        results.print("no alert is open")
        return
    now = system_now()
    table = Table("id", "severity", "since", "acknowledged", "what", box=None)
    for one in found:
        left = one.acknowledged_until and one.acknowledged_until - now
        seen_to = f"{span(left)} more" if one.is_acknowledged(now) else "–"
        alert = one.alert
        said = Text(f"{alert.kind} {alert.subject}: {alert.what}")
        table.add_row(
            alert.alert_id, alert.severity, f"{alert.since:%Y-%m-%d %H:%M}", seen_to, said
        )
    results.print(table)
