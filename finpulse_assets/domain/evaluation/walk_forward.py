"""Out-of-sample predictions: each fold's model speaks only about sessions it never saw.

Running the training recipe fold by fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.training import TrainingPlan, fit_price_model
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import OUT_OF_SAMPLE


def walk_forward_predictions(
    frame: pl.DataFrame,
    plan: TrainingPlan,
    folds: Sequence[Fold],
    *,
    features_with_text: Sequence[str],
    features_without_text: Sequence[str],
    on_fold: Callable[[Fold, pl.DataFrame], None] | None = None,
) -> pl.DataFrame:
    """Fit and predict fold by fold, with and without the text features.

    Args:
        frame: the training frame: one labelled row per ticker and session.
        plan: how to fit; the same for every fold, nothing is tuned on the test sessions.
        folds: what to train and test on, from `splits.purged_walk_forward`.
        features_with_text: the candidate's inputs.
        features_without_text: the inputs of the same model without text.
        on_fold: called with each fold and its predictions, for progress.

    Returns:
        The rows of all test sessions, as schemas.OUT_OF_SAMPLE.

    Raises:
        EvaluationError: there are no folds, a fold has too few rows, or a training label ends
            after the fold's first decision.
        ModelError: the frame lacks a feature.
    """
    if not folds:
        raise EvaluationError("the walk-forward has 0 folds, it needs at least 1")
    tested = []
    for fold in folds:
        predictions = _predict_fold(frame, plan, fold, features_with_text, features_without_text)
        if on_fold is not None:
            on_fold(fold, predictions)
        tested.append(predictions)
    return OUT_OF_SAMPLE.enforce(pl.concat(tested))


def _predict_fold(
    frame: pl.DataFrame,
    plan: TrainingPlan,
    fold: Fold,
    features_with_text: Sequence[str],
    features_without_text: Sequence[str],
) -> pl.DataFrame:
    train = frame.filter(pl.col("session_date").is_in(fold.train_sessions))
    test = frame.filter(pl.col("session_date").is_in(fold.test_sessions))
    _refuse_leak(train, fold)
    candidate = fit_price_model(train, plan, features_with_text)
    probability_up, expected_return = candidate.predict(test)
    without_text, _ = fit_price_model(train, plan, features_without_text).predict(test)
    return test.select(
        "ticker",
        "session_date",
        pl.lit(fold.index, pl.Int32).alias("fold"),
        pl.Series("probability_up", probability_up),
        pl.Series("expected_return", expected_return),
        pl.Series("probability_up_without_text", without_text),
        "is_up",
        "return_next_session",
    )


def _refuse_leak(train: pl.DataFrame, fold: Fold) -> None:
    leaking = train.filter(pl.col("exit_at") >= fold.first_test_decision_at)
    if leaking.height:
        raise EvaluationError(
            f"{leaking.height} training rows of fold {fold.index} have labels that end at or after "
            f"its first test decision, {fold.first_test_decision_at}",
            hint="make the folds from splits.sessions_of(this frame)",
        )
