"""The same search on the machines of a Ray cluster, by Ray Tune: many trials at a time.

https://docs.ray.io/en/latest/tune/index.html

The space, the first trial and what a trial is measured by are those of `search`. Trials are drawn
before any has ended, so they do not learn from each other; what falls behind is stopped by the same
rule. The frame travels through Ray's object store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from finpulse_assets.domain.evaluation.tuning import SPACE, Chosen, Range, Trial
from finpulse_assets.errors import ComputeError
from finpulse_assets.gateways.compute.ray_engine import LOOPBACK_ONLY, QUIET, connect
from finpulse_assets.gateways.compute.search import NEVER_STOPPED, Measure, mean_of

RANK_IC, PARTS = "rank_ic", "parts"
SHOWN = {"session_date": pl.Date, RANK_IC: pl.Float64}


def ray_trials(
    measure: Measure,
    *,
    trials: int,
    first: Chosen,
    address: str | None = None,
    at_once: int = 2,
    seed: int = 7,
    space: Mapping[str, Range] = SPACE,
) -> Iterator[Trial]:
    """Yield the trials once all have ended, the first one first.

    Args:
        measure: settings to the rank ICs of one fold after the other; it travels to the machines.
        trials: how many to try, 1 or more.
        first: settings of the first trial.
        address: of the cluster, as "host:6379"; None starts a Ray of this machine, on loopback.
        at_once: trials at a time, one CPU each.
        seed: of the draws.
        space: the values that are tried.

    Raises:
        ComputeError: ray is not installed, nothing answers at the address, or a trial failed.
    """
    os.environ.update(QUIET | (LOOPBACK_ONLY if address is None else {}))
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    try:
        import ray
        from ray import tune
        from ray.tune.schedulers import MedianStoppingRule
        from ray.tune.search.basic_variant import BasicVariantGenerator
    except ImportError as error:
        raise ComputeError(
            "a search on Ray needs the package ray, which is not installed",
            hint="pip install -e '.[ray]', or set FINPULSE_SCORING_ENGINE to local",
        ) from error
    connect(ray, address, cpus=at_once)

    def run(config: Chosen) -> None:
        parts: list[pl.DataFrame] = []
        for part in measure(config):
            parts.append(part)
            tune.report(
                {RANK_IC: mean_of(parts), PARTS: [it.to_dict(as_series=False) for it in parts]}
            )

    drawn_from = {name: _domain(tune, it) for name, it in space.items()}
    with TemporaryDirectory(prefix="finpulse-tune-") as folder:
        try:
            found = tune.Tuner(
                tune.with_resources(run, {"cpu": 1}),
                param_space=drawn_from,
                tune_config=tune.TuneConfig(
                    metric=RANK_IC,
                    mode="max",
                    num_samples=trials,
                    max_concurrent_trials=at_once,
                    search_alg=BasicVariantGenerator(
                        points_to_evaluate=[dict(first)], random_state=seed
                    ),
                    scheduler=MedianStoppingRule(
                        time_attr="training_iteration",
                        grace_period=1,
                        min_samples_required=NEVER_STOPPED,
                    ),
                ),
                run_config=tune.RunConfig(storage_path=str(Path(folder)), verbose=0),
            ).fit()
        finally:
            ray.shutdown()
    if found.errors:
        raise ComputeError(
            f"{len(found.errors)} of {trials} trials failed on Ray: "
            f"{str(found.errors[0]).strip().splitlines()[-1]}"
        )
    shown = [[pl.DataFrame(it, schema=SHOWN) for it in one.metrics[PARTS]] for one in found]
    most = max(map(len, shown))
    for one, parts in zip(found, shown, strict=True):
        yield Trial.of(one.config, parts, is_complete=len(parts) == most)


def _domain(tune: Any, of: Range) -> Any:
    """Return a range as Ray Tune writes it: its upper end of integers is left out."""
    if of.is_integer:
        return (tune.lograndint if of.is_log else tune.randint)(int(of.low), int(of.high) + 1)
    return (tune.loguniform if of.is_log else tune.uniform)(of.low, of.high)
