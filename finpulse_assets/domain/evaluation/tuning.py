"""The search for settings of the ranking's fit: its space, how a trial is measured, what is kept.

A trial is measured by the rank IC on the tested sessions of each fold, fitted inside the fold. The
final holdout is no part of the folds. Each trial is a further candidate that was tried, so their
number is kept with the settings and counts wherever luck is corrected for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.overfitting import RUNS, overfitting_probability
from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.errors import ModelError

Chosen = Mapping[str, float]  # setting -> value


@dataclass(frozen=True)
class Range:
    """The values of a setting that are tried, both ends included.

    `is_log` draws them evenly by their logarithm.
    """

    low: float
    high: float
    is_log: bool = True
    is_integer: bool = False


# One space, whoever searches it.
SPACE: Mapping[str, Range] = {
    "num_leaves": Range(3, 16, is_integer=True),
    "rounds": Range(50, 400, is_integer=True),
    "learning_rate": Range(0.01, 0.1),
    "min_data_in_leaf": Range(100, 2_000, is_integer=True),
    "feature_fraction": Range(0.1, 0.8),
    "bagging_fraction": Range(0.3, 1.0, is_log=False),
    "lambda_l2": Range(1.0, 200.0),
    "ridge_penalty": Range(0.1, 10.0),
}
RIDGE = "ridge_penalty"


def default_settings() -> dict[str, float]:
    """Return the settings that are in force without a search; they are the first trial."""
    plan = RankingPlan()
    trees = asdict(plan.trees)
    return {name: plan.ridge_penalty if name == RIDGE else trees[name] for name in SPACE}


def plan_of(chosen: Chosen) -> RankingPlan:
    """Return the plan with these settings.

    Raises:
        ModelError: a setting is unknown or missing, or no value for it.
    """
    if set(chosen) != set(SPACE):
        wrong = ", ".join(sorted(set(chosen) ^ set(SPACE)))
        raise ModelError(
            f"the settings of the ranking differ from those that are searched: {wrong}"
        )
    values = {
        name: round(value) if SPACE[name].is_integer else float(value)
        for name, value in chosen.items()
    }
    plan = RankingPlan(ridge_penalty=values.pop(RIDGE))
    bagging = {"bagging_freq": int(values["bagging_fraction"] < 1)}
    return replace(plan, trees=replace(plan.trees, **values, **bagging))


def measured(
    placed: pl.DataFrame, folds: Sequence[Fold], candidate: Ranking
) -> Iterator[pl.DataFrame]:
    """Yield the rank IC of each tested session, fold by fold, so that a search can stop early.

    Args:
        placed: the training frame with the candidate's features as places.
        folds: from `splits.purged_walk_forward` or `combinatorial.combinatorial_purged`.
        candidate: with the plan to try.

    Returns:
        session_date and rank_ic (Float64), the sessions in which it is defined.
    """
    day = pl.col("session_date")
    for fold in folds:
        fitted = candidate.fit(placed.filter(day.is_in(fold.train_sessions)))
        tested = placed.filter(day.is_in(fold.test_sessions))
        scored = tested.select("session_date", "return_next_session").hstack(
            fitted.forecast(tested).select("score")
        )
        ranked = (pl.col(name).rank() for name in ("score", "return_next_session"))
        by_session = scored.group_by("session_date").agg(rank_ic=pl.corr(*ranked))
        yield by_session.filter(pl.col("rank_ic").is_finite()).sort("session_date")


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes:
        chosen: the settings.
        rank_ic: mean over the tested sessions, of the folds that were tested.
        folds: how many were tested; fewer than all where the search stopped early.
        by_session: session_date and rank_ic; empty where the search stopped early.
    """

    chosen: Chosen
    rank_ic: float
    folds: int
    by_session: pl.DataFrame

    @classmethod
    def of(cls, chosen: Chosen, parts: Sequence[pl.DataFrame], *, is_complete: bool) -> Trial:
        """Return the trial that has these `measured` folds; NaN where no session has a rank IC."""
        rows = pl.concat(parts)
        mean = rows["rank_ic"].mean()
        by_session = rows.group_by("session_date").agg(pl.col("rank_ic").mean())
        return cls(
            dict(chosen),
            float("nan") if mean is None else float(mean),
            len(parts),
            by_session.sort("session_date") if is_complete else by_session.clear(),
        )

    @property
    def is_complete(self) -> bool:
        return self.by_session.height > 0


@dataclass(frozen=True)
class TunedPlan:
    """The settings that a search chose, with what has to be known to judge the choice.

    Attributes:
        chosen: the settings.
        rank_ic: of the chosen settings on the sessions searched on, flattered by the choice.
        default_rank_ic: of the default settings on the same sessions.
        trials: how many settings were tried, those of earlier searches and the default included.
        overfitting: probability of overfitting of the choice, NaN where it cannot be told.
        split: walk_forward or combinatorial.
        first_session: of the tested ones.
        last_session: of the tested ones.
    """

    chosen: Chosen
    rank_ic: float
    default_rank_ic: float
    trials: int
    overfitting: float
    split: str
    first_session: date
    last_session: date

    @property
    def plan(self) -> RankingPlan:
        return plan_of(self.chosen)

    def to_json(self) -> str:
        """Return the plan as JSON with sorted keys."""
        content = asdict(self)
        if np.isnan(self.overfitting):
            content["overfitting"] = None
        return json.dumps(content, indent=2, sort_keys=True, default=date.isoformat) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TunedPlan:
        """Return the plan that `to_json` wrote.

        Raises:
            ModelError: the text is none, or its settings cannot be used.
        """
        try:
            content = json.loads(text)
            for name in ("first_session", "last_session"):
                content[name] = date.fromisoformat(content[name])
            if content["overfitting"] is None:
                content["overfitting"] = float("nan")
            tuned = cls(**content)
            _ = tuned.plan
            if tuned.trials < 1:
                raise ValueError(f"trials is {tuned.trials}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"this is no plan that `finpulse tune` wrote: {error!r}") from error
        return tuned


def best_of(trials: Sequence[Trial], *, split: str, tried_before: int = 0) -> TunedPlan:
    """Return the best complete trial; the first trial is that of the default settings.

    Args:
        trials: at least one complete; the first has to be.
        split: what the folds are: walk_forward or combinatorial.
        tried_before: how many were tried in earlier searches.

    Raises:
        ModelError: no session has a rank IC.
    """
    complete = [trial for trial in trials if trial.is_complete and np.isfinite(trial.rank_ic)]
    if not complete or complete[0] is not trials[0]:
        raise ModelError(
            "no tested session has a rank IC, so that no settings can be compared",
            hint="add tickers or sessions",
        )
    best = max(complete, key=lambda trial: trial.rank_ic)
    sessions = best.by_session["session_date"]
    joined = pl.concat(
        [trial.by_session.with_columns(at=pl.lit(at)) for at, trial in enumerate(complete)]
    ).pivot("at", index="session_date", values="rank_ic").sort("session_date")  # fmt: skip
    return TunedPlan(
        chosen=best.chosen,
        rank_ic=best.rank_ic,
        default_rank_ic=trials[0].rank_ic,
        trials=len(trials) + tried_before,
        overfitting=(
            overfitting_probability(joined.drop("session_date").to_numpy())
            if joined.height >= RUNS
            else float("nan")
        ),
        split=split,
        first_session=sessions[0],
        last_session=sessions[-1],
    )
