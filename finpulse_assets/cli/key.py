"""`finpulse key`: make, renew, list and remove the keys of the service."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, errors, results
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.serving.service_keys import (
    PER_MINUTE,
    SCOPES,
    add_key,
    read_keys,
    remove_key,
)
from finpulse_assets.settings import load_settings

USUAL = "predict,read"


def key(
    name: Annotated[str | None, typer.Argument(help="Whose key; unset: list the keys.")] = None,
    scopes: Annotated[
        str, typer.Option(help=f"By comma, of {', '.join(SCOPES)}.")
    ] = "predict,read",
    per_minute: Annotated[int, typer.Option(help="Requests a minute.", min=1)] = PER_MINUTE,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the key.")] = False,
    home: Home = None,
) -> None:
    """Make a key of the service, or renew it; it is printed once, and only its hash is kept.

    A running service takes the change within a second. Without any key the service answers callers
    on its own machine alone.

    Examples: `finpulse key desk` · `finpulse key prometheus --scopes metrics` · `finpulse key desk
    --remove`
    """
    path = load_settings(home=home).service_keys
    if name is None:
        if remove:
            raise SettingError(
                "--remove needs the name of a key", hint="finpulse key NAME --remove"
            )
        for held in read_keys(path):
            line = f"{held.name}: {', '.join(held.scopes)}, {held.per_minute} a minute"
            results.print(line, highlight=False)
        return
    if remove:
        remove_key(path, name)
        errors.print(f"the key {name} is removed", highlight=False)
        return
    secret = add_key(path, name, [it.strip() for it in scopes.split(",")], per_minute)
    errors.print(f"the key of {name}; it is not shown again:", highlight=False)
    sys.stdout.write(secret + "\n")
