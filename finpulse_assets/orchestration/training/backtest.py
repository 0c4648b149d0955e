"""The backtest: the schedule replayed on one home, without a request to any source.

After the decision of each session, in the order of the platform: the champion's proof is held to
the predictions of it that have matured; on the dates of retraining the candidates are fitted and
judged on the labels that ended before; the champion in force predicts.

The features are those of the warehouse, which holds for each session what was known at its
decision. As they are today are the sentiment model that scored the texts, and the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import polars as pl

from finpulse_assets.domain.evaluation.backtest import UNKNOWN, traded
from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.portfolio import OVERFITTING
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion, decide
from finpulse_assets.domain.evaluation.proof import proof_lost
from finpulse_assets.domain.evaluation.report import MIN_SESSIONS
from finpulse_assets.domain.evaluation.splits import sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.registry import CHALLENGERS, Model
from finpulse_assets.domain.monitoring.live_quality import (
    judged_outcomes,
    measure_quality,
    merge_quality,
    record_of,
)
from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.orchestration.training.training_plan import (
    SCORED_BY,
    Recipe,
    evaluate_all,
    trials_of,
)
from finpulse_assets.schemas import BACKTEST, LIVE_QUALITY
from finpulse_assets.settings import Settings

PERIODS = {"week": "1w", "month": "1mo", "quarter": "1q"}
ROWS = f"""
select features.*, outcomes.exit_at, outcomes.return_next_session, outcomes.is_up
from {DAILY_FEATURES} as features
left join {TRAINING_SET} as outcomes using (ticker, session_date)
order by ticker, session_date
"""  # noqa: S608


@dataclass(frozen=True)
class Span:
    """What can be replayed: the decisions from `first` to `last`, one retraining a period.

    Attributes:
        sessions: session_date, decision_at, exit_at and begins_period, sorted.
    """

    sessions: pl.DataFrame

    @property
    def first(self) -> date:
        return self.sessions["session_date"][0]

    @property
    def last(self) -> date:
        return self.sessions["session_date"][-1]


@dataclass(frozen=True)
class Backtest:
    """A replay: the table, every decision in its order, and how much was luck of the choice.

    Attributes:
        table: schemas.BACKTEST.
        decisions: in their order.
        trials: how many candidates were tried.
        overfitting: probability of overfitting, as the last retraining measured it.
    """

    table: pl.DataFrame
    decisions: tuple[Promotion, ...]
    trials: int
    overfitting: Estimate


def read_rows(warehouse: Warehouse) -> tuple[pl.DataFrame, str]:
    """Return every row of features, with its outcome where there is one, and who scored the texts.

    Raises:
        WarehouseError: the marts were not built yet.
    """
    rows = warehouse.query(ROWS)
    scored_by = warehouse.query(SCORED_BY, [rows["decision_at"].max()])
    return rows, ",".join(scored_by["model_fingerprint"])


def span_of(
    rows: pl.DataFrame, settings: Settings, *, first: date | None = None, last: date | None = None
) -> Span:
    """Return the sessions to replay, by default all that can be.

    Args:
        rows: from `read_rows`.
        settings: of the deployment.
        first: first day; before it the outcomes that a first model needs must have come.
        last: last day; its outcome must have come.

    Raises:
        EvaluationError: a day lies beyond the data, or there are too few sessions.
    """
    labelled = rows.filter(pl.col("exit_at").is_not_null())
    sessions = sessions_of(labelled)
    needed = (
        settings.min_train_sessions + settings.embargo_sessions + max(settings.folds, MIN_SESSIONS)
    )
    ready = sessions.filter(
        pl.Series([_matured(sessions, at) >= needed for at in sessions["decision_at"]])
        if sessions.height
        else pl.lit(False)
    )
    if ready.is_empty():
        raise EvaluationError(
            f"{sessions.height} sessions have an outcome, a backtest needs more than {needed} "
            f"({settings.min_train_sessions} to train first, {settings.embargo_sessions} of "
            f"embargo, {max(settings.folds, MIN_SESSIONS)} to judge a model on)",
            hint="add history, or lower FINPULSE_MIN_TRAIN_SESSIONS",
        )
    earliest, newest = ready["session_date"][0], ready["session_date"][-1]
    for name, day in (("--from", first), ("--to", last)):
        if day is not None and not earliest <= day <= newest:
            raise EvaluationError(
                f"{name} is {day}, a backtest of this home can be from {earliest} (a first model "
                f"needs the outcomes of {needed} sessions) to {newest} (the last session with an "
                "outcome)"
            )
    inside = ready.filter(pl.col("session_date").is_between(first or earliest, last or newest))
    if inside.is_empty():
        raise EvaluationError(f"no session lies between {first} and {last}")
    period = pl.col("session_date").dt.truncate(PERIODS[settings.backtest_retraining])
    return Span(inside.with_columns(begins_period=period.is_first_distinct()))


def _matured(sessions: pl.DataFrame, at: datetime) -> int:
    return sessions.filter(pl.col("exit_at") < at).height


def replay(
    rows: pl.DataFrame,
    span: Span,
    settings: Settings,
    *,
    sentiment_fingerprint: str,
    on_decision: Callable[[date, Promotion], None] = lambda _day, _decision: None,
) -> Backtest:
    """Replay the sessions of a span.

    Args:
        rows: from `read_rows`.
        span: from `span_of`.
        settings: of the deployment.
        sentiment_fingerprint: of the model whose scores the rows hold.
        on_decision: called with the session and each decision, for progress.
    """
    past = _Past(rows, settings, sentiment_fingerprint, on_decision)
    made = [past.live_through(period) for period in _periods(span)]
    table = BACKTEST.enforce(pl.concat(made))
    return Backtest(table, tuple(past.decisions), trials_of(settings), past.overfitting)


def _periods(span: Span) -> Iterator[pl.DataFrame]:
    numbered = span.sessions.with_columns(period=pl.col("begins_period").cum_sum())
    yield from numbered.partition_by("period", maintain_order=True)


@dataclass
class _Past:
    """What the platform would hold at a moment of the replay."""

    rows: pl.DataFrame
    settings: Settings
    sentiment_fingerprint: str
    on_decision: Callable[[date, Promotion], None]
    decisions: list[Promotion] = field(default_factory=list)
    quality: pl.DataFrame = field(default_factory=LIVE_QUALITY.empty)
    predicted: list[pl.DataFrame] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    overfitting: Estimate = UNKNOWN

    @cached_property
    def calendar(self) -> pl.DataFrame:
        return sessions_of(self.rows)

    @property
    def champion(self) -> Champion | None:
        return self.decisions[-1].champion if self.decisions else None

    def live_through(self, period: pl.DataFrame) -> pl.DataFrame:
        """Return schemas.BACKTEST of the sessions of a period, which begins with a retraining."""
        stands = []
        for day, at in period.select("session_date", "decision_at").iter_rows():
            self._review_proof(day, at)
            if not stands:
                self._retrain(day, at)
                said = self._predict(period)
            stands.append(self.champion.skills)
        champion = self.champion.candidate_id
        return (
            traded(said, cost_bps=self.settings.cost_bps)
            .join(period, on="session_date", how="left", maintain_order="left")
            .with_columns(
                champion_id=pl.lit(champion),
                skills=pl.Series([", ".join(it) for it in stands], dtype=pl.String),
                is_proven=pl.Series([bool(it) for it in stands]),
                is_retrained=pl.col("begins_period") | (pl.int_range(pl.len()) == 0),
            )
            .select(BACKTEST.column_names)
        )

    def _retrain(self, day: date, at: datetime) -> None:
        """Fit, evaluate and promote on the labels that ended before `at`."""
        known = self.rows.filter(pl.col("exit_at") < at)
        recipe = Recipe(known, self.settings, self.sentiment_fingerprint)
        tested = walk_forward_predictions(
            known,
            recipe.folds,
            recipe.candidates,
            sentiment_fingerprint=self.sentiment_fingerprint,
        )
        fitted = {model.candidate_id: model for model in recipe.fit_challengers(tested)}
        for result in evaluate_all(tested, self.settings):
            if result.candidate not in CHALLENGERS:
                continue
            self.overfitting = result.estimate(OVERFITTING)
            self._decided(
                day,
                decide(
                    result,
                    self.champion,
                    decided_at=at,
                    sentiment_fingerprint=self.sentiment_fingerprint,
                ),
            )
        self.models = {
            name: model
            for name, model in (self.models | fitted).items()
            if name == self.champion.candidate_id
        }

    def _predict(self, period: pl.DataFrame) -> pl.DataFrame:
        """Return what the champion says of the sessions of a period, and keep it."""
        days = period.select("session_date")
        rows = self.rows.join(days, on="session_date", how="semi", maintain_order="left")
        probability_up, expected_return = self.models[self.champion.candidate_id].predict(rows)
        said = rows.select(
            "ticker", "session_date", "decision_at", "exit_at", "is_up", "return_next_session"
        ).with_columns(
            pl.Series("probability_up", probability_up),
            pl.Series("expected_return", expected_return),
            model_version=pl.lit(self.champion.candidate_id),
        )
        self.predicted.append(said)
        return said

    def _review_proof(self, day: date, at: datetime) -> None:
        """Take a skill of the champion that its matured predictions contradict by `at`."""
        if self.champion is None or not self.champion.is_proven:
            return
        matured = (
            pl.concat(self.predicted)
            .filter(pl.col("exit_at") < at)
            .with_columns(
                is_current=pl.lit(True),
                predicted_at=pl.col("decision_at"),
                predicts_up=pl.col("probability_up") >= 0.5,
            )
        )
        champion, cost_bps = self.champion, self.settings.cost_bps
        quality = measure_quality(
            judged_outcomes(matured, champion),
            up_rate=self.models[champion.candidate_id].up_rate,
            model_version=champion.candidate_id,
            resamples=self.settings.resamples,
        )
        sessions = self.calendar.filter(pl.col("decision_at") <= at)
        history = self.quality.filter(pl.col("session_date") >= champion.proven_since.date())
        record = record_of(quality, history, champion, sessions, cost_bps=cost_bps)
        self.quality = merge_quality(self.quality, quality)
        # The scores are all of one sentiment model: none of them ends a proof.
        if lost := proof_lost(champion, record, scored_by="", decided_at=at):
            self._decided(day, lost)

    def _decided(self, day: date, decision: Promotion) -> None:
        self.decisions.append(decision)
        self.on_decision(day, decision)
