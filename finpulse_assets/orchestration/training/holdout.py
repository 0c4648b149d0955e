"""The final holdout of a deployment: each candidate is judged on it once, and the read is kept."""

from __future__ import annotations

from datetime import datetime

from finpulse_assets.domain.evaluation.holdout import HoldoutRead, reads_so_far
from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.training.training_plan import Recipe


def read_once(
    recipe: Recipe, models: ModelStore, evaluation: Evaluation, *, read_at: datetime
) -> HoldoutRead:
    """Return what a candidate showed on the holdout: looked at now, or the one time before.

    Args:
        recipe: with a holdout.
        models: where the reads are kept.
        evaluation: of the candidate, by the walk-forward.
        read_at: UTC as-of time of the run.

    Raises:
        EvaluationError: there are too few sessions before the holdout, or in it.
    """
    days = recipe.holdout.test_sessions
    span = days[0], days[-1]

    def read(before: list[HoldoutRead]) -> HoldoutRead:
        reads = reads_so_far(before, span) + 1
        seen = recipe.judge_on_holdout(evaluation.candidate, reads)
        return HoldoutRead.of(seen, evaluation.candidate_id, span, reads=reads, read_at=read_at)

    return models.read_holdout(evaluation.candidate_id, read)
