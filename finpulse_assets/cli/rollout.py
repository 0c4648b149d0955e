"""`finpulse rollout`: which versions the service answers with, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors, results
from finpulse_assets.errors import FinPulseError, ServiceError
from finpulse_assets.gateways.serving.bento_store import Bento, BentoStore
from finpulse_assets.gateways.serving.rollout import (
    NEWEST,
    Rollout,
    read_rollout,
    rollout_of,
    write_rollout,
)
from finpulse_assets.gateways.serving.store_layout import bentos_of
from finpulse_assets.settings import load_settings

VERSION = "A version, its first letters, or `newest`."


def rollout(
    live: Annotated[str | None, typer.Option(help=f"Who answers. {VERSION}")] = None,
    canary: Annotated[str | None, typer.Option(help=f"Who answers a share. {VERSION}")] = None,
    share: Annotated[float | None, typer.Option(help="The canary's share, 0 to 1.")] = None,
    shadow: Annotated[
        str | None, typer.Option(help=f"Who is scored and never answers. {VERSION}")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="What was in force before.")] = False,
    home: Home = None,
) -> None:
    """Say which versions of the model answer, or list them.

    Each call states the whole roll-out: what it does not name ends. Running services follow within
    a second and lose no request. A version is a bento's model; it reads the newest features.

    Examples: `finpulse rollout` · `finpulse rollout --live 3f2a --canary newest --share 0.1` ·
    `finpulse rollout --live 3f2a --shadow newest` · `finpulse rollout --back`
    """
    settings = load_settings(home=home)
    store = BentoStore(settings.bentos)
    path = rollout_of(bentos_of(settings.bentos))
    present = read_rollout(path)
    wanted = [live, canary, share, shadow]
    if back and wanted != [None] * 4:
        raise ServiceError("--back names nothing else", hint="finpulse rollout --back")
    if not back and wanted == [None] * 4:
        _list(store, present)
        return
    begin("checking the versions of", settings.root)
    chosen = (
        present.back()
        if back
        else Rollout(
            live=_version(store, live or NEWEST),
            canary=canary and _version(store, canary),
            share=share or 0.0,
            shadow=shadow and _version(store, shadow),
        ).after(present)
    )
    for version in {chosen.live, chosen.canary, chosen.shadow} - {None, NEWEST}:
        _check(store, version)
    write_rollout(path, chosen)
    errors.print(f"in force: {shown(chosen)}; the way back: finpulse rollout --back",
                 highlight=False, soft_wrap=True)  # fmt: skip


def shown(rollout: Rollout) -> str:
    """Return a roll-out in words.

    >>> shown(Rollout("3f2a", "newest", 0.1))
    '3f2a is live, newest answers 10 %'
    """
    parts = [f"{rollout.live} is live"]
    if rollout.canary:
        parts.append(f"{rollout.canary} answers {rollout.share * 100:g} %")
    if rollout.shadow:
        parts.append(f"{rollout.shadow} is scored and does not answer")
    return ", ".join(parts)


def _version(store: BentoStore, asked: str) -> str:
    """Return the version that was asked for by its first letters.

    Raises:
        ServiceError: there is none, or there are several.
    """
    if asked == NEWEST:
        return NEWEST
    names = [it.folder.name for it in store.versions()]
    found = [name for name in names if name.startswith(asked)]
    if len(found) != 1:
        raise ServiceError(
            f"{len(found) or 'no'} versions begin with {asked!r}",
            hint=f"there are {', '.join(names) or 'none: finpulse run builds them'}",
        )
    return found[0]


def _check(store: BentoStore, version: str) -> None:
    """Hold a version's bundle to its seal, before a service is told to serve it."""
    from finpulse_assets.gateways.serving.bundle import read_bundle

    found = next((it for it in store.versions() if it.folder.name == version), None)
    if found is None:
        raise ServiceError(
            f"the version {version} is no longer in the store", hint="finpulse rollout lists them"
        )
    read_bundle(found.bundle)


def _list(store: BentoStore, present: Rollout) -> None:
    results.print(f"in force: {shown(present)}", highlight=False, soft_wrap=True)
    if present.before is not None:
        results.print(f"before: {shown(present.before)}", highlight=False, soft_wrap=True)
    for bento in store.versions():
        results.print(f"{bento.folder.name}  {_described(bento)}", highlight=False, soft_wrap=True)


def _described(bento: Bento) -> str:
    from finpulse_assets.gateways.serving.bundle import read_bundle

    try:
        predictor = read_bundle(bento.bundle)
    except FinPulseError as error:
        return f"cannot be served: {error}"
    standing = "proven" if predictor.is_proven else "unproven"
    newest = predictor.online["session_date"].max()
    return (
        f"model {predictor.model_version} ({standing}), trained to {predictor.model.trained_to}, "
        f"features of {newest}"
    )
