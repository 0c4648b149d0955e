"""The search for settings in this process, by Optuna: it draws, and stops what falls behind.

https://optuna.readthedocs.io/en/stable/tutorial/20_recipes/009_ask_and_tell.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl

from finpulse_assets.domain.evaluation.tuning import SPACE, Chosen, Range, Trial
from finpulse_assets.errors import ComputeError

# What a trial shows, fold by fold; see `tuning.measured`.
Measure = Callable[[Chosen], Iterator[pl.DataFrame]]
# A trial is stopped after a fold where its mean so far is below the median of the others at that
# fold; the first ones are never stopped, so that there is a median.
NEVER_STOPPED = 5


def optuna_trials(
    measure: Measure,
    *,
    trials: int,
    first: Chosen,
    seed: int = 7,
    space: Mapping[str, Range] = SPACE,
) -> Iterator[Trial]:
    """Yield each trial as soon as it is measured; equal arguments, equal trials.

    Args:
        measure: settings to the rank ICs of one fold after the other.
        trials: how many to try, 1 or more.
        first: settings of the first trial.
        seed: of the draws.
        space: the values that are tried.

    Raises:
        ComputeError: optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ComputeError(
            "a search needs the package optuna, which is not installed",
            hint="pip install -e '.[candidates]'",
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=NEVER_STOPPED, n_warmup_steps=0),
    )
    study.enqueue_trial(dict(first))
    drawn_from = {
        name: (
            optuna.distributions.IntDistribution(int(it.low), int(it.high), log=it.is_log)
            if it.is_integer
            else optuna.distributions.FloatDistribution(it.low, it.high, log=it.is_log)
        )
        for name, it in space.items()
    }
    for number in range(trials):
        asked = study.ask(drawn_from)
        parts: list[pl.DataFrame] = []
        is_stopped = False
        for part in measure(asked.params):
            parts.append(part)
            asked.report(mean_of(parts), step=len(parts))
            if number and asked.should_prune():
                is_stopped = True
                break
        made = Trial.of(asked.params, parts, is_complete=not is_stopped)
        if is_stopped:
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(asked, made.rank_ic)
        yield made


def mean_of(parts: Sequence[pl.DataFrame]) -> float:
    """Return the mean rank IC of the folds so far; 0, which is no skill, where none has one."""
    mean = pl.concat(parts)["rank_ic"].mean()
    return 0.0 if mean is None else float(mean)
