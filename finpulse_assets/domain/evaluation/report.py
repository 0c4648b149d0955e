"""The evaluation of a candidate: a table of scores with intervals, and a verdict in one sentence.

Scoring all predictors on the same rows and resamples, and the rule that separates skill from luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation import metrics
from finpulse_assets.domain.evaluation.bootstrap import auc_draws, draw_counts, interval
from finpulse_assets.domain.models.registry import BASELINES, WITHOUT_TEXT
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import EVALUATION

MIN_SESSIONS = 20
MIN_RESAMPLES = 100
ALL = "all"
GAIN = "accuracy_gain"
Values = dict[str, dict[str, float]]
Draws = dict[str, np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A metric out of sample with its interval, printed as "0.561 [0.541, 0.580]"."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"


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
    the lower end of every paired gain over them above 0; the lower end of the AUC above 0.5. The
    same model without text is one of the baselines.

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
    sums = metrics.session_sums(predictions.filter(pl.col("candidate").is_in(predictors)))
    dates = sums["session_date"].unique().sort()
    counts = draw_counts(len(dates), resamples=resamples, seed=seed)
    scores = {}
    for predictor in predictors:
        own = pl.col("candidate") == predictor
        scores[predictor] = _score(sums.filter(own), predictions.filter(own), dates, counts)
    _add_gains(scores, candidate)
    table = (
        pl.DataFrame([row for name in predictors for row in _rows(name, *scores[name], level)])
        .with_columns(
            pl.col("value").fill_nan(None),
            candidate=pl.lit(candidate),
            candidate_id=pl.lit(candidate_id),
        )
        .join(_sizes(predictions.filter(pl.col("candidate") == candidate)), on="fold")
    )
    return Evaluation(candidate, candidate_id, EVALUATION.enforce(table))


def text_gain(evaluation: Evaluation) -> Estimate:
    """Return the accuracy that the text features add to the same model without them."""
    return evaluation.estimate(GAIN, WITHOUT_TEXT)


def _score(
    sums: pl.DataFrame, rows: pl.DataFrame, dates: pl.Series, counts: np.ndarray
) -> tuple[Values, Draws]:
    return _values(sums, rows), _draws(sums, rows, dates, counts)


def _add_gains(scores: dict[str, tuple[Values, Draws]], candidate: str) -> None:
    """Add the candidate's lead over each other predictor, on the same rows and resamples."""
    own_values, own_draws = scores[candidate]
    for predictor, (values, draws) in scores.items():
        if predictor == candidate:
            continue
        for fold, by_metric in values.items():
            by_metric[GAIN] = own_values[fold]["accuracy"] - by_metric["accuracy"]
        draws[GAIN] = own_draws["accuracy"] - draws["accuracy"]


def _values(sums: pl.DataFrame, rows: pl.DataFrame) -> Values:
    """Return fold -> metric -> value, "all" included."""
    folds = {str(fold): pl.col("fold") == fold for fold in sums["fold"].unique().sort()}
    values = {}
    for fold, own in ({ALL: pl.lit(True)} | folds).items():
        total = sums.filter(own).select(pl.all().exclude("candidate", "session_date", "fold").sum())
        numbers = {name: np.array(total[name][0]) for name in total.columns}
        values[fold] = {name: float(of(numbers)) for name, of in metrics.METRICS.items()}
        part = rows.filter(own)
        values[fold]["auc"] = metrics.auc(part["score"].to_numpy(), part["is_up"].to_numpy())
    return values


def _draws(sums: pl.DataFrame, rows: pl.DataFrame, dates: pl.Series, counts: np.ndarray) -> Draws:
    """Return metric -> its value in every resample."""
    names = [name for name in sums.columns if name not in ("candidate", "session_date", "fold")]
    drawn = counts.astype(np.float64) @ sums.select(names).to_numpy()
    columns = {name: drawn[:, at] for at, name in enumerate(names)}
    draws = {name: of(columns) for name, of in metrics.METRICS.items()}
    session = dates.search_sorted(rows["session_date"]).to_numpy().astype(np.int64)
    draws["auc"] = auc_draws(rows["score"].to_numpy(), rows["is_up"].to_numpy(), session, counts)
    return draws


def _rows(predictor: str, values: Values, draws: Draws, level: float) -> list[dict[str, object]]:
    table = []
    for fold, by_metric in values.items():
        for metric, value in by_metric.items():
            bounds = interval(draws[metric], level=level) if fold == ALL else (None, None)
            row = {"predictor": predictor, "fold": fold, "metric": metric, "value": value}
            table.append(row | {"lower": bounds[0], "upper": bounds[1]})
    return table


def _sizes(own: pl.DataFrame) -> pl.DataFrame:
    size = (pl.len().alias("row_count"), pl.col("session_date").n_unique().alias("session_count"))
    by_fold = own.group_by(pl.col("fold").cast(pl.String)).agg(*size)
    return pl.concat([by_fold, own.select(pl.lit(ALL).alias("fold"), *size)])


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
