"""`finpulse dashboard`: start the dashboard on the published snapshot."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors
from finpulse_assets.cli.serve import LOOPBACK, check_port
from finpulse_assets.cli.serve import PORT as SERVICE_PORT
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.serving.dashboard_environment import KEY, ROOT, RUNBOOKS, SERVICE
from finpulse_assets.settings import Settings, load_settings

PORT = 8501  # Streamlit's own
CHECKOUT = Path(__file__).parents[2]
APP = CHECKOUT / "apps" / "dashboard" / "app.py"


def dashboard(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    service: Annotated[
        str, typer.Option(help="The prediction service that the pages ask.")
    ] = f"http://{LOOPBACK}:{SERVICE_PORT}",
    home: Home = None,
) -> None:
    """Start the dashboard on http://127.0.0.1:8501; stop it with Ctrl-C.

    It reads the snapshot that runs publish, writes nothing, and is reached from this machine alone,
    for it asks nobody who they are. Examples: `finpulse dashboard` · `finpulse dashboard --port
    8600`
    """
    settings = load_settings(home=home)
    begin("showing", settings.root)
    if not APP.exists():
        raise ServiceError(
            f"the dashboard's pages are not at {APP}", hint="start it from a checkout of FinPulse"
        )
    if find_spec("streamlit") is None:
        raise ServiceError(
            "the package streamlit is not installed",
            hint="pip install -c constraints.txt -e '.[graph,dashboard]'",
        )
    check_port(LOOPBACK, port)
    errors.print(f"http://{LOOPBACK}:{port}", highlight=False)
    command = [sys.executable, "-W", "ignore", "-m", "streamlit", "run", str(APP)]
    command += ["--server.address", LOOPBACK, "--server.port", str(port)]
    environment = environment_of(settings, service)
    # Streamlit reads the folder's .streamlit/config.toml; in place of this process, so that a
    # signal reaches it.
    os.chdir(APP.parent)
    os.execve(sys.executable, command, environment)  # noqa: S606


def environment_of(settings: Settings, service: str) -> dict[str, str]:
    """Return the environment of the dashboard's process."""
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    key = {KEY: settings.service_key.get_secret_value()} if settings.service_key else {}
    return {
        **os.environ,
        **key,
        "PYTHONPATH": path,
        ROOT: str(settings.root),
        SERVICE: service,
        RUNBOOKS: settings.runbook_url,
    }
