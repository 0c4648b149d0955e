"""The evaluation of a candidate: a table of scores with intervals, and a verdict in one sentence.

The rule that separates skill from luck; the scores are those of `score_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.score_table import ALL, GAIN, RECENT, score_table
from finpulse_assets.domain.models.naive import ALWAYS_UP, MAJORITY
from finpulse_assets.domain.models.registry import BASELINES, WITHOUT_TEXT
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import EVALUATION

MIN_SESSIONS = 20
MIN_RESAMPLES = 100
# What the live record of a champion is held to as well.
NAIVE = (ALWAYS_UP, MAJORITY)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the walk-forward says about a candidate.

    `table` is schemas.EVALUATION of this candidate. Its `accuracy_gain` rows stand under the
    predictor that it is measured against: the candidate's accuracy minus that predictor's.
    """

    candidate: str
    candidate_id: str
    table: pl.DataFrame

    @property
    def predictors(self) -> tuple[str, ...]:
        """The candidate, then its baselines."""
        return (self.candidate, *BASELINES)

    @property
    def verdict(self) -> str:
        """Either "skill" or "no skill"."""
        return "no skill" if self.objections else "skill"

    @cached_property
    def best_baseline(self) -> str:
        """The baseline with the highest accuracy."""
        return max(BASELINES, key=lambda name: self.estimate("accuracy", name).value)

    @cached_property
    def reason(self) -> str:
        """The verdict as one sentence with its numbers."""
        own, best = self.estimate("accuracy"), self.best_baseline
        baseline = self.estimate("accuracy", best).value
        is_above = own.lower > baseline
        sentence = (
            f"accuracy {own} {'beats' if is_above else 'does not beat'} "
            f"the best baseline {best} {baseline:.3f}: gain {self.estimate(GAIN, best)}"
        )
        if is_above and self.objections:
            return f"{sentence}, but {' and '.join(self.objections)}"
        return sentence

    @cached_property
    def objections(self) -> tuple[str, ...]:
        """The conditions for skill that fail, empty where the candidate has skill."""
        own, ranking = self.estimate("accuracy"), self.estimate("auc")
        values = {name: self.estimate("accuracy", name).value for name in BASELINES}
        gains = {name: self.estimate(GAIN, name) for name in BASELINES}
        above = [f"{name} {value:.3f}" for name, value in values.items() if not own.lower > value]
        unsure = [f"{name} {it}" for name, it in gains.items() if not it.lower > 0]
        found = []
        if above:
            found.append(f"its lower end {own.lower:.3f} is not above {', '.join(above)}")
        if unsure:
            found.append(f"the gain is not surely above 0 over {', '.join(unsure)}")
        if not ranking.lower > 0.5:
            found.append(f"the AUC {ranking} is not surely above 0.5")
        best = min(NAIVE, key=lambda name: self.estimate(GAIN, name, RECENT).value)
        recent = self.estimate(GAIN, best, RECENT)
        if recent.contradicts(gains[best].value):
            found.append(
                f"its last {self.size(RECENT)} sessions gain {recent} over {best}, all together "
                f"{gains[best].value:.3f}"
            )
        return tuple(found)

    def estimate(self, metric: str, predictor: str | None = None, fold: str = ALL) -> Estimate:
        """Return one score, by default the candidate's own.

        The bounds are NaN where the table has none (single folds).
        """
        row = self.table.row(
            by_predicate=(pl.col("metric") == metric)
            & (pl.col("predictor") == (predictor or self.candidate))
            & (pl.col("fold") == fold),
            named=True,
        )
        return Estimate(*(_number(row[name]) for name in ("value", "lower", "upper")))

    def size(self, fold: str) -> int:
        """Return how many sessions of a fold were scored."""
        return self.table.filter(pl.col("fold") == fold)["session_count"][0]


def evaluations(table: pl.DataFrame) -> list[Evaluation]:
    """Return the evaluations that a table of schemas.EVALUATION holds, by candidate."""
    parts = table.partition_by("candidate", "candidate_id", maintain_order=True)
    return [Evaluation(part["candidate"][0], part["candidate_id"][0], part) for part in parts]


def evaluate(
    predictions: pl.DataFrame,
    candidate: str,
    *,
    resamples: int = 1_000,
    seed: int = 7,
    level: float = 0.95,
) -> Evaluation:
    """Score a candidate beside the baselines and decide whether it has skill.

    Skill needs all of: the lower end of the candidate's accuracy above every baseline's accuracy;
    the lower end of every paired gain over them above 0; the lower end of the AUC above 0.5; and
    last sessions that do not contradict the rest, by the rule that a champion may lose its proof
    by. The same model without text is one of the baselines.

    Args:
        predictions: schemas.OUT_OF_SAMPLE; its rows alone decide, and their candidate_id is the
            one that the evaluation is about.
        candidate: name of the candidate.
        resamples: bootstrap resamples, 100 or more.
        seed: of the resampling.
        level: confidence level of the intervals, above 0 and below 1.

    Raises:
        EvaluationError: an argument is out of range, a baseline is missing or misses rows, or
            there are fewer than 20 sessions.
    """
    predictors = (candidate, *BASELINES)
    candidate_id = _check(predictions, candidate, predictors, resamples, level)
    table = score_table(predictions, predictors, resamples=resamples, seed=seed, level=level)
    named = table.with_columns(candidate=pl.lit(candidate), candidate_id=pl.lit(candidate_id))
    return Evaluation(candidate, candidate_id, EVALUATION.enforce(named))


def text_gain(evaluation: Evaluation) -> Estimate:
    """Return the accuracy that the text features add to the same model without them."""
    return evaluation.estimate(GAIN, WITHOUT_TEXT)


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


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
