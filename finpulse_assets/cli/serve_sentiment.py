"""`finpulse serve-sentiment`: start the newest bento of the sentiment scorer."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors
from finpulse_assets.cli.serve import LOOPBACK, check_port
from finpulse_assets.gateways.serving.bento_store import BentoStore
from finpulse_assets.gateways.serving.store_layout import SENTIMENT
from finpulse_assets.settings import load_settings

PORT = 3011


def serve_sentiment(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    home: Home = None,
) -> None:
    """Start the sentiment scorer, which the prediction service asks for POST /sentiment.

    It has no keys, so it listens on this machine alone; stop it with Ctrl-C.

    Examples: `finpulse serve-sentiment` · `finpulse serve-sentiment --port 3021`
    """
    settings = load_settings(home=home)
    begin("loading the newest sentiment scorer of", settings.root)
    store = BentoStore(settings.bentos, SENTIMENT)
    bento = store.newest()
    check_port(LOOPBACK, port)
    errors.print(f"{bento.tag} on http://{LOOPBACK}:{port}", highlight=False, soft_wrap=True)
    command = [sys.executable, "-W", "ignore", "-m", "bentoml", "serve", bento.tag]
    command += ["--host", LOOPBACK, "--port", str(port)]
    # In place of this process, so that a signal reaches the service itself.
    os.execve(sys.executable, command, store.environment)  # noqa: S606
