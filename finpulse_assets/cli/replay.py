"""`finpulse replay`: give a recorded prediction again, from the bundle that gave it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, print_json, results
from finpulse_assets.errors import LedgerError, ModelError
from finpulse_assets.settings import load_settings


def replay(
    prediction_id: Annotated[str, typer.Argument(help="The prediction_id of an answer.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Give a recorded prediction again, and say whether it is the same bit for bit.

    The ledger holds what was asked and the bundle that answered: model, features and calendar.
    Exits with 1 where the bytes differ or something is missing.

    Example: `finpulse replay 066160e929c43d-1cd5aabc000000`
    """
    settings = load_settings(home=home)
    begin("replaying a prediction of", settings.root)
    from finpulse_assets.domain.serving.answering import Answering
    from finpulse_assets.domain.serving.ledger import replayed
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.gateways.serving.bundle import read_bundle
    from finpulse_assets.gateways.serving.ledger import bundle_in
    from finpulse_assets.gateways.serving.ledger_table import recorded_answer

    entry = recorded_answer(settings.ledger, Lake(settings.lake), prediction_id)
    bundle = bundle_in(settings.ledger, entry.bundle)
    try:
        again = replayed(entry, Answering(read_bundle(bundle)))
    except ModelError as error:
        raise LedgerError(
            f"the bundle {entry.bundle} that answered {prediction_id} is missing or was changed: "
            f"{error.message}",
            hint=f"restore {bundle} from a backup",
        ) from error
    then, now = entry.answer, json.loads(again)
    differing = [name for name in then if then[name] != now.get(name)]
    is_same = again == entry.content
    if as_json:
        print_json({"is_same": is_same, "differing": differing, "recorded": then, "replayed": now})
    else:
        asked = then["symbol"] or "a feature row"
        said = f"{asked}, answered {then['timestamp']}: {then['prediction']} {then['probability']}"
        verdict = "the same bit for bit" if is_same else f"differs in {', '.join(differing)}"
        results.print(f"{said}; replayed: {verdict}", highlight=False, soft_wrap=True)
    if not is_same:
        raise typer.Exit(1)
