"""The evaluation of a candidate: a table of scores with intervals, and which skill is proven.

The rule that separates skill from luck stands in `skill`; the scores are those of `score_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.score_table import ALL, RECENT, score_table
from finpulse_assets.domain.evaluation.skill import (
    AFTER_COSTS,
    METRIC,
    NAMES,
    TEXT,
    Skill,
    chance_of_error,
    cost_of_a_session,
    judged,
)
from finpulse_assets.domain.models.registry import CLAIMS, baselines_of
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import EVALUATION

MIN_SESSIONS = 20
MIN_RESAMPLES = 100
COST_BPS = 10.0  # of a trade's size; the default of FINPULSE_COST_BPS


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the walk-forward says about a candidate.

    `table` is schemas.EVALUATION of this candidate. Its rows of gains stand under the predictor
    that the candidate is measured against: the candidate's score minus that predictor's.
    """

    candidate: str
    candidate_id: str
    table: pl.DataFrame

    @property
    def baselines(self) -> tuple[str, ...]:
        """Whom the candidate is set beside."""
        return baselines_of(self.candidate)

    @property
    def predictors(self) -> tuple[str, ...]:
        """The candidate, then its baselines."""
        return (self.candidate, *self.baselines)

    @cached_property
    def skills(self) -> tuple[Skill, ...]:
        """What is known of each skill that the candidate claims."""
        found: dict[str, Skill] = {}
        claims = self._number("claims")
        for name in NAMES:
            if name not in CLAIMS.get(self.candidate, NAMES):
                continue
            cost = cost_of_a_session(self._number("cost_bps")) if name == AFTER_COSTS else 0.0
            under = self.baselines[-1] if name == TEXT else self.candidate  # its twin
            of = METRIC[name], under
            found[name] = judged(
                name,
                self.estimate(*of).minus(cost),
                self.estimate(*of, RECENT).minus(cost),
                sure=self._row(*of, ALL)["lower_corrected"] - cost,
                proven={it.name: it.is_proven for it in found.values()},
                claims=int(claims),
                recent_sessions=self.size(RECENT),
            )
        return tuple(found.values())

    @property
    def proven(self) -> tuple[str, ...]:
        """The names of the skills that are proven."""
        return tuple(it.name for it in self.skills if it.is_proven)

    @property
    def verdict(self) -> str:
        """The proven skills by name, or "no skill".

        A candidate that ranks and reads texts with use reads "skill: ranking, text".
        """
        return f"skill: {', '.join(self.proven)}" if self.proven else "no skill"

    @property
    def has_skill(self) -> bool:
        return bool(self.proven)

    @property
    def reason(self) -> str:
        """Every skill as a sentence with its numbers, in one line."""
        return "; ".join(it.reason for it in self.skills)

    @property
    def measured(self) -> dict[str, float]:
        """The metric of each skill, 0 is none; what is not claimed is left out."""
        return {it.name: it.estimate.value for it in self.skills if it.estimate.is_known}

    @cached_property
    def best_baseline(self) -> str:
        """The baseline with the highest accuracy."""
        return max(self.baselines, key=lambda name: self.estimate("accuracy", name).value)

    def estimate(self, metric: str, predictor: str | None = None, fold: str = ALL) -> Estimate:
        """Return one score, by default the candidate's own.

        The bounds are NaN where the table has none (single folds).
        """
        row = self._row(metric, predictor or self.candidate, fold)
        return Estimate(row["value"], row["lower"], row["upper"])

    def size(self, fold: str) -> int:
        """Return how many sessions of a fold were scored."""
        return self.table.filter(pl.col("fold") == fold)["session_count"][0]

    def _row(self, metric: str, predictor: str, fold: str) -> dict[str, float]:
        row = self.table.row(
            by_predicate=(pl.col("metric") == metric)
            & (pl.col("predictor") == predictor)
            & (pl.col("fold") == fold),
            named=True,
        )
        return {
            name: float("nan") if row[name] is None else row[name]
            for name in ("value", "lower", "upper", "lower_corrected")
        }

    def _number(self, name: str) -> float:
        return self.table[name][0]


def evaluations(table: pl.DataFrame) -> list[Evaluation]:
    """Return the evaluations that a table of schemas.EVALUATION holds, as CLAIMS orders them."""
    parts = table.partition_by("candidate", "candidate_id", maintain_order=True)
    found = [Evaluation(part["candidate"][0], part["candidate_id"][0], part) for part in parts]
    order = {name: place for place, name in enumerate(CLAIMS)}
    return sorted(found, key=lambda it: (order.get(it.candidate, len(order)), it.candidate))


def claims_of(candidates: Sequence[str]) -> int:
    """Return how many claims are tried where these candidates are evaluated together.

    >>> claims_of(["ranking", "market"])
    4
    """
    return sum(len(CLAIMS.get(name, NAMES)) for name in candidates)


def evaluate(
    predictions: pl.DataFrame,
    candidate: str,
    *,
    claims: int | None = None,
    trials: int = 1,
    cost_bps: float = COST_BPS,
    resamples: int = 1_000,
    seed: int = 7,
    level: float = 0.95,
) -> Evaluation:
    """Score a candidate beside the baselines; the skills that are proven follow from the scores.

    Args:
        predictions: schemas.OUT_OF_SAMPLE; its rows alone decide, and their candidate_id is the
            one that the evaluation is about.
        candidate: name of the candidate.
        claims: how many claims are tried at once, those of all candidates together (`claims_of`);
            by default those of this one.
        trials: how many candidates were tried, this one included; deflates the Sharpe ratios.
        cost_bps: what a trade costs, in basis points of its size.
        resamples: bootstrap resamples, 100 or more.
        seed: of the resampling.
        level: confidence level of the intervals, above 0 and below 1.

    Raises:
        EvaluationError: an argument is out of range, a baseline is missing or misses rows, or
            there are fewer than 20 sessions.
    """
    predictors = (candidate, *baselines_of(candidate))
    candidate_id = _check(predictions, candidate, predictors, resamples, level)
    claims = claims_of([candidate]) if claims is None else claims
    table = score_table(
        predictions,
        predictors,
        resamples=resamples,
        seed=seed,
        level=level,
        corrected=chance_of_error(claims),
        cost_bps=cost_bps,
        trials=trials,
    )
    named = table.with_columns(
        candidate=pl.lit(candidate),
        candidate_id=pl.lit(candidate_id),
        claims=pl.lit(claims, pl.Int32),
        cost_bps=pl.lit(float(cost_bps)),
    )
    return Evaluation(candidate, candidate_id, EVALUATION.enforce(named))


def _check(
    predictions: pl.DataFrame,
    candidate: str,
    predictors: tuple[str, ...],
    resamples: int,
    level: float,
) -> str:
    """Return the candidate's id after holding the arguments to what an evaluation needs."""
    if resamples < MIN_RESAMPLES:
        raise EvaluationError(f"resamples is {resamples}, it should be {MIN_RESAMPLES} or more")
    if not 0 < level < 1:
        raise EvaluationError(f"level is {level}, it should be above 0 and below 1")
    sizes = dict(predictions.group_by("candidate").len().iter_rows())
    for name in predictors:
        if not sizes.get(name) or sizes[name] != sizes[candidate]:
            raise EvaluationError(
                f"{name} has {sizes.get(name, 0)} out-of-sample predictions, the candidate "
                f"{candidate} has {sizes.get(candidate, 0)}",
                hint="materialize models/out_of_sample_predictions",
            )
    own = predictions.filter(pl.col("candidate") == candidate)
    sessions = own["session_date"].n_unique()
    if sessions < MIN_SESSIONS:
        raise EvaluationError(
            f"the out-of-sample predictions cover {sessions} sessions, an interval needs at least "
            f"{MIN_SESSIONS}",
            hint="add history, or lower min_train_sessions",
        )
    return own["candidate_id"][0]
