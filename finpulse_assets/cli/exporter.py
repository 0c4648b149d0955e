"""`finpulse exporter`: the numbers that ops watch, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors
from finpulse_assets.cli.graph_run import open_instance
from finpulse_assets.domain.monitoring.measures import CONTENT_TYPE
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Profile, load_settings

LOOPBACK = "127.0.0.1"
PORT = 3020
PATH = "/metrics"
# What runs at the same time comes first.
NICENESS = 10
PATIENCE_SECONDS = 10


def exporter(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    host: Annotated[str, typer.Option(help="Address; 0.0.0.0 for every network.")] = LOOPBACK,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
) -> None:
    """Give freshness, runs, refused rows, drift, proofs, alerts and disk to Prometheus.

    It reads the home and the Dagster instance and writes nothing; collecting takes at most a tenth
    of the time, at low priority, and scrapes in between get the same numbers. Stop it with Ctrl-C.
    Examples: `finpulse exporter` · `curl -s http://127.0.0.1:3020/metrics`
    """
    settings = load_settings(profile=profile, home=home)
    begin("watching", settings.root)
    from finpulse_assets.orchestration.exporting.collect import Exporter

    os.nice(NICENESS)
    watched = Exporter(settings, open_instance(settings), system_now, say=_say)
    with server_of(watched.text, host, port) as server:
        errors.print(f"numbers on http://{host}:{server.server_port}{PATH}", highlight=False)
        server.serve_forever()


def server_of(text: Callable[[], str], host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that answers `GET /metrics` with `text()` and refuses everything else.

    Args:
        port: to listen on; 0 for one that is free.

    Raises:
        ServiceError: the address cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS  # a client that sends nothing holds no thread for longer

        def do_GET(self) -> None:
            is_known = self.path.split("?")[0] == PATH
            body = text().encode() if is_known else f"numbers are at {PATH}\n".encode()
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Type", CONTENT_TYPE if is_known else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each scrape."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise ServiceError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}",
            hint="choose another with --port, or stop what uses it",
        ) from error


def _say(problem: str) -> None:
    errors.print(problem, markup=False, highlight=False, soft_wrap=True)
