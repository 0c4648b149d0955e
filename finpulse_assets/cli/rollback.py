"""`finpulse rollback`: take the champion back, so that the one before it predicts again."""

from __future__ import annotations

from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, results
from finpulse_assets.settings import load_settings


def rollback(
    reason: Annotated[str, typer.Option(help="Why; it stands in the history of decisions.")],
    to: Annotated[
        str | None, typer.Option(help="Candidate id of a former champion; default: the last one.")
    ] = None,
    home: Home = None,
) -> None:
    """Take the champion back: the former champion predicts again, with the skills it had.

    The model that is taken back is not promoted again. Signals, the Bento and the alias in MLflow
    follow with the next run.

    Example: `finpulse rollback --reason "bets against every split"`
    """
    settings = load_settings(home=home)
    begin("taking back the champion of", settings.root)
    from finpulse_assets.gateways.clock import system_now
    from finpulse_assets.gateways.models.model_store import ModelStore

    models = ModelStore(settings.models / "price")
    decision = models.roll_back(reason=reason, decided_at=system_now(), to=to)
    skills = ", ".join(decision.champion.skills)
    standing = f"proven: {skills}" if skills else "no skill is proven"
    results.print(
        f"champion {decision.champion.candidate_id} ({standing}); {decision.taken_back} was taken "
        "back",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    results.print("Next: `finpulse run` makes its signals and its Bento.", highlight=False)
