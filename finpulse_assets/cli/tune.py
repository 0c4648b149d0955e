"""`finpulse tune`: search for settings of the ranking's fit on the training set of a home."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from finpulse_assets.cli.console import Home, begin, errors, print_json, results, short
from finpulse_assets.settings import Profile, load_settings

if TYPE_CHECKING:
    from finpulse_assets.domain.evaluation.tuning import Trial, TunedPlan


def tune(
    trials: Annotated[int, typer.Option(min=2, max=10_000, help="Settings to try.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 7,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON report.")] = False,
) -> None:
    """Search for settings of the ranking, and write the best ones to a file.

    Each trial is fitted inside the folds (FINPULSE_TUNING_SPLIT); what falls behind is stopped. No
    fold sees the holdout. The file is that of FINPULSE_RANKING_PLAN, or ranking_plan.json in the
    home, which nothing reads until that setting names it. Each trial counts as a candidate that was
    tried, so a search makes every proof harder. FINPULSE_SCORING_ENGINE=ray searches on a cluster.

    Example: `finpulse tune --trials 50`
    """
    settings = load_settings(home=home, profile=profile)
    path = settings.ranking_plan or settings.root / "ranking_plan.json"
    begin("searching for settings on", settings.root)
    from finpulse_assets.gateways.models.plan_file import write_plan
    from finpulse_assets.gateways.warehouse.reader import Warehouse
    from finpulse_assets.orchestration.training.training_plan import read_recipe
    from finpulse_assets.orchestration.training.tuning import tune as search

    if not settings.holdout_sessions:
        errors.print(
            "there is no holdout (FINPULSE_HOLDOUT_SESSIONS): what the search sees is what the "
            "evaluation tests, and only the number of trials corrects for it",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    recipe = read_recipe(Warehouse(settings.warehouse), settings)
    done: list[Trial] = []

    def show(trial: Trial) -> None:
        done.append(trial)
        ended = "" if trial.is_complete else f"  stopped after fold {trial.folds}"
        errors.print(f"trial {len(done)}: rank IC {trial.rank_ic:+.4f}{ended}", highlight=False)

    found = search(recipe, trials=trials, seed=seed, on_trial=show)
    write_plan(path, found)
    if as_json:
        print_json({"plan": asdict(found), "path": path})
        return
    _print(found, sum(not trial.is_complete for trial in done))
    in_force = (
        "in force" if settings.ranking_plan else f"FINPULSE_RANKING_PLAN={path} puts it in force"
    )
    results.print(f"plan: {short(path)} ({in_force})", highlight=False, soft_wrap=True)


def _print(found: TunedPlan, stopped: int) -> None:
    from finpulse_assets.domain.evaluation.tuning import default_settings

    defaults = default_settings()
    shown = Table("setting", "default", "chosen", box=None, pad_edge=False)
    for name, value in found.chosen.items():
        shown.add_row(name, f"{defaults[name]:.4g}", f"{value:.4g}")
    results.print(shown)
    results.print(
        f"rank IC {found.rank_ic:.4f} on {found.first_session} to {found.last_session}, the "
        f"default {found.default_rank_ic:.4f}; {found.trials} tried, {stopped} stopped early; "
        f"probability of overfitting {found.overfitting:.2f}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
