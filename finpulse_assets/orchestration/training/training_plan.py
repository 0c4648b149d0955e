"""The training plan of a deployment: how settings and a run's tags shape training and evaluation.

Reading the training frame, cutting its folds, and fitting what was evaluated on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import polars as pl

from finpulse_assets.domain.evaluation.report import Evaluation, claims_of, evaluate
from finpulse_assets.domain.evaluation.sentiment_gain import judged_head
from finpulse_assets.domain.evaluation.splits import Fold, purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.tuning import TunedPlan
from finpulse_assets.domain.evaluation.walk_forward import (
    check_identity,
    in_scales,
    walk_forward_predictions,
)
from finpulse_assets.domain.features.registry import COMPANY
from finpulse_assets.domain.models.candidate import Candidate
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.registry import (
    DEFAULT_PLAN,
    MARKET,
    RANKING,
    Model,
    baselines_of,
    candidates,
)
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.texts.embeddings import NAMES as EMBEDDINGS
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.models.plan_file import read_plan
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.models import TRAINING_SET
from finpulse_assets.settings import Settings

TRAIN_FROM_TAG = "finpulse/train_from"
# The newest score of a text counts, whenever the text was first known (int_texts_scored).
SCORED_BY = """
select distinct model_fingerprint
from stg_text_sentiment
where text_hash in (select text_hash from stg_text_sentiment where first_known_at <= ?)
qualify first_known_at = max(first_known_at) over (partition by text_hash)
order by model_fingerprint
"""


@dataclass(frozen=True)
class Recipe:
    """A training frame with everything that decides the models made from it.

    `sentiment_fingerprint` is that of the sentiment model whose scores the frame holds: several are
    separated by commas, and it is empty where no text was scored.
    """

    frame: pl.DataFrame
    settings: Settings
    sentiment_fingerprint: str = ""

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        tuned = tuned_plan(self.settings)
        return candidates(
            self.settings.candidates.split(","),
            threads=self.settings.model_threads,
            embeddings=EMBEDDINGS if EMBEDDINGS[0] in self.frame else (),
            without=self.left_out,
            ranking=tuned.plan if tuned else DEFAULT_PLAN,
        )

    @cached_property
    def left_out(self) -> list[str]:
        """The features of holdings and option chains of which the frame has no value.

        Their sources are not on. An input that is always null teaches nothing, and would make
        another model of the same data.
        """
        names = [it.name for it in COMPANY if it.name in self.frame]
        return [name for name in names if self.frame[name].null_count() == self.frame.height]

    @property
    def challengers(self) -> list[Candidate]:
        """The candidates that may be promoted, an ensemble after its members."""
        return [candidate for candidate in self.candidates if not candidate.is_baseline]

    @cached_property
    def folds(self) -> list[Fold]:
        sessions = sessions_of(self.frame)
        return purged_walk_forward(
            sessions.head(sessions.height - self.settings.holdout_sessions),
            folds=self.settings.folds,
            min_train_sessions=self.settings.min_train_sessions,
            embargo_sessions=self.settings.embargo_sessions,
        )

    @cached_property
    def holdout(self) -> Fold | None:
        """The last sessions, which no fold tests, as a fold of their own; None where none are held.

        Raises:
            EvaluationError: there are too few sessions to train on before them.
        """
        if not self.settings.holdout_sessions:
            return None
        sessions = sessions_of(self.frame)
        (fold,) = purged_walk_forward(
            sessions,
            folds=1,
            min_train_sessions=self.settings.min_train_sessions,
            embargo_sessions=self.settings.embargo_sessions,
            test_sessions=self.settings.holdout_sessions,
        )
        return fold

    @cached_property
    def sentiment_head(self) -> SentimentHead | None:
        """The head that predicts the next session's sentiment, None where texts are too few."""
        return judged_head(self.frame, self.folds, resamples=self.settings.resamples)

    def judge_on_holdout(self, candidate: str, reads: int) -> Evaluation:
        """Evaluate a candidate on the holdout, fitted on what lies before it.

        Args:
            candidate: name of the challenger.
            reads: how often these sessions have been read, this time included; each read tries
                every claim once more.
        """
        named = {candidate, *baselines_of(candidate)}
        judged = [it for it in self.candidates if it.name in named]
        members = {name for it in judged if isinstance(it, Ensemble) for name in it.names}
        # What an ensemble's members weigh on the holdout follows from the sessions before it.
        before = self.folds if members else []
        rows = walk_forward_predictions(
            self.frame,
            [*before, replace(self.holdout, index=len(before) + 1)],
            [it for it in self.candidates if it.name in named | members],
            sentiment_fingerprint=self.sentiment_fingerprint,
        ).filter(pl.col("session_date").is_in(self.holdout.test_sessions))
        return evaluate(
            rows,
            candidate,
            claims=reads * claims_of(judged_of(self.settings)),
            trials=reads * trials_of(self.settings),
            cost_bps=self.settings.cost_bps,
            resamples=self.settings.resamples,
        )

    def fit_challengers(self, predictions: pl.DataFrame) -> Iterator[Model]:
        """Fit each challenger on every labelled row, calibrated on its predictions, with their id.

        Args:
            predictions: schemas.OUT_OF_SAMPLE.

        Raises:
            EvaluationError: the predictions are those of another recipe or training set.
        """
        scaled, fitted = in_scales(self.frame, self.challengers), {}
        for challenger in self.challengers:
            own = predictions.filter(pl.col("candidate") == challenger.name)
            candidate_id = check_identity(
                challenger,
                own,
                frame=self.frame,
                sentiment_fingerprint=self.sentiment_fingerprint,
            )
            fitted[challenger.name] = (
                self._fit(challenger, scaled, fitted, predictions)
                .trained_on(feature_matrix(self.frame, challenger.features))
                .calibrated(own)
                .with_sentiment_head(self.sentiment_head)
                .as_candidate(candidate_id, sentiment_fingerprint=self.sentiment_fingerprint)
            )
            yield fitted[challenger.name]

    def _fit(
        self,
        challenger: Candidate,
        scaled: Mapping[str, pl.DataFrame],
        fitted: Mapping[str, Model],
        predictions: pl.DataFrame,
    ) -> Model:
        if isinstance(challenger, Ensemble):
            return challenger.of(fitted, predictions, self.frame)
        return challenger.fit(scaled[challenger.scale])


def judged_of(settings: Settings) -> list[str]:
    """Return the names of those that are evaluated: the challengers, and the market head."""
    return [*settings.candidates.split(","), MARKET]


def tuned_plan(settings: Settings) -> TunedPlan | None:
    """Return the settings of the ranking that a search chose, None for the default ones.

    Raises:
        SettingError: the file cannot be read.
        ModelError: it is no tuned plan.
    """
    return read_plan(settings.ranking_plan) if settings.ranking_plan else None


def trials_of(settings: Settings) -> int:
    """Return how many candidates that may be promoted were tried, a search's trials included."""
    plan = tuned_plan(settings)
    return len(settings.candidates.split(",")) + (plan.trials - 1 if plan else 0)


def evaluate_all(predictions: pl.DataFrame, settings: Settings) -> list[Evaluation]:
    """Return the evaluation of each candidate that may be promoted, then that of the market head.

    Args:
        predictions: schemas.OUT_OF_SAMPLE.
        settings: of the deployment.
    """
    judged, plan = judged_of(settings), tuned_plan(settings)
    # The settings were searched for on sessions that are evaluated here.
    searched = (plan.trials - 1) * claims_of([RANKING]) if plan else 0
    return [
        evaluate(
            predictions,
            name,
            claims=claims_of(judged) + searched,
            trials=trials_of(settings),
            cost_bps=settings.cost_bps,
            resamples=settings.resamples,
        )
        for name in judged
    ]


def read_recipe(
    warehouse: Warehouse,
    settings: Settings,
    tags: Mapping[str, str] | None = None,
    *,
    embeddings: pl.DataFrame | None = None,
) -> Recipe:
    """Return the recipe for the training set as dbt built it last.

    Args:
        warehouse: where it lies.
        settings: of the deployment.
        embeddings: `TEXT_EMBEDDINGS`, for a candidate that reads them too.
        tags: of the run; TRAIN_FROM_TAG names the first session that is trained on.

    Raises:
        SettingError: the tag is no day.
    """
    first = _train_from(tags or {})
    frame = warehouse.query(
        f"select * from {TRAINING_SET} where session_date >= ? order by ticker, session_date",  # noqa: S608
        [first],
    )
    if embeddings is not None:
        frame = frame.join(
            embeddings, on=["ticker", "session_date"], how="left", maintain_order="left"
        )
    scored_by = warehouse.query(SCORED_BY, [frame["decision_at"].max()])
    return Recipe(frame, settings, ",".join(scored_by["model_fingerprint"]))


def _train_from(tags: Mapping[str, str]) -> date:
    given = tags.get(TRAIN_FROM_TAG)
    try:
        return date.fromisoformat(given) if given else date.min
    except ValueError as error:
        raise SettingError(
            f"the tag {TRAIN_FROM_TAG} is {given!r}", hint="it is a day such as 2015-09-30"
        ) from error
