"""`finpulse serve`: start the newest bento of the price predictor."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors
from finpulse_assets.cli.rollout import shown
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.bento_store import BentoStore
from finpulse_assets.gateways.serving.rollout import Rollout, read_rollout, rollout_of
from finpulse_assets.gateways.serving.service_environment import (
    FOLLOWED_BENTOS,
    KEYS,
    LEDGER_FOLDER,
    LEDGER_MODE,
    LOG,
    ONLINE_STORE,
    PROFILE,
    SERVED_HOME,
)
from finpulse_assets.gateways.serving.service_keys import read_keys
from finpulse_assets.gateways.serving.store_layout import bentos_of
from finpulse_assets.settings import load_settings

LOOPBACK = "127.0.0.1"
PORT = 3010  # 3000 is the Dagster UI's


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    host: Annotated[str, typer.Option(help="Address; 0.0.0.0 for every network.")] = LOOPBACK,
    home: Home = None,
) -> None:
    """Start the prediction service from the newest bento; stop it with Ctrl-C.

    The bento's seal is checked first. Examples: `finpulse serve` · `finpulse serve --port 3020`
    """
    settings = load_settings(home=home)
    begin("loading the newest bento of", settings.root)
    from finpulse_assets.gateways.serving.bundle import read_bundle

    store = BentoStore(settings.bentos)
    bento = store.newest()
    predictor = read_bundle(bento.bundle)
    check_port(host, port)
    if host != LOOPBACK and not read_keys(settings.service_keys):
        raise ServiceError(
            f"the service would listen on {host} without a key",
            hint="make one with finpulse key, or leave --host out",
        )
    standing = "proven" if predictor.is_proven else "unproven: it abstains"
    errors.print(
        f"{bento.tag} on http://{host}:{port}, champion {predictor.model_version} ({standing}), "
        f"{len(predictor.symbols)} symbols; ask with: finpulse predict {predictor.symbols[0]}",
        highlight=False,
        soft_wrap=True,
    )
    rollout = read_rollout(rollout_of(bentos_of(settings.bentos)))
    if rollout != Rollout():
        errors.print(f"roll-out: {shown(rollout)}", highlight=False, soft_wrap=True)
    status = predictor.judge(system_now())
    if status.is_stale:
        errors.print(
            f"its newest features are of {status.features_as_of:%Y-%m-%d}, "
            f"{status.sessions_behind} sessions behind: it abstains until finpulse run has built "
            "the next bento, which it then takes while it runs",
            highlight=False,
            soft_wrap=True,
        )
    command = [sys.executable, "-W", "ignore", "-m", "bentoml", "serve", bento.tag]
    command += ["--host", host, "--port", str(port)]
    # In place of this process, so that a signal reaches the service itself.
    environment = {
        **store.environment,
        SERVED_HOME: settings.home_id,
        FOLLOWED_BENTOS: str(bentos_of(settings.bentos).resolve()),
        LEDGER_FOLDER: str(settings.ledger.resolve()),
        KEYS: str(settings.service_keys.resolve()),
        LEDGER_MODE: settings.service_ledger,
        LOG: settings.service_log,
        PROFILE: settings.profile.value,
    }
    if settings.online_store is not None:
        environment[ONLINE_STORE] = settings.online_store.get_secret_value()
    os.execve(sys.executable, command, environment)  # noqa: S606


def check_port(host: str, port: int) -> None:
    """Fail now, in one sentence, where BentoML would print a traceback.

    Raises:
        ServiceError: the address cannot be listened on.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"{host}:{port} cannot be listened on: {error.strerror or error}",
                hint="choose another with --port, or stop what uses it",
            ) from error
