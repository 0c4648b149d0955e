"""Out-of-sample predictions: each fold's models predict only sessions they never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from finpulse_assets.domain.evaluation.fits import Fits, KeptFits
from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.candidate import FORECAST_COLUMNS, LOOKBACK, Candidate, Trainable
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.identity import candidate_id, content_hash
from finpulse_assets.domain.models.places import places
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import OUT_OF_SAMPLE

HORIZON_SESSIONS = 1
TIMES = ("decision_at", "exit_at")
KEPT = ("ticker", "session_date", "is_up", "return_next_session")


def walk_forward_predictions(
    frame: pl.DataFrame,
    folds: Sequence[Fold],
    candidates: Sequence[Candidate],
    *,
    sentiment_fingerprint: str = "",
    kept: KeptFits | None = None,
    on_fold: Callable[[Fold, pl.DataFrame], None] | None = None,
) -> pl.DataFrame:
    """Fit and predict every candidate fold by fold.

    Args:
        frame: the training frame: one labelled row per ticker and session.
        folds: what to train and test on, from `splits.purged_walk_forward`.
        candidates: whom to fit; nothing is tuned on the test sessions.
        sentiment_fingerprint: of the model whose scores the frame holds.
        kept: fits of before, which are not done again, and to which new ones are added.
        on_fold: called with each fold and its predictions, for progress.

    Returns:
        The rows of all test sessions, as schemas.OUT_OF_SAMPLE: each candidate's under its
        candidate_id.

    Raises:
        EvaluationError: there are no folds, a fold has too few rows, two rows share ticker and
            session, or a training label ends after the fold's first decision.
        ModelError: the frame lacks a feature.
    """
    if not folds:
        raise EvaluationError("the walk-forward has 0 folds, it needs at least 1")
    _refuse_twice(frame)
    trained = [it for it in candidates if not isinstance(it, Ensemble)]
    scaled, keys = in_scales(frame, candidates), frame.select(*KEPT, *TIMES)
    tested, fits = [], Fits(frame, kept)
    for fold in folds:
        predictions = _predict_fold(keys, scaled, fold, trained, fits)
        if on_fold is not None:
            on_fold(fold, predictions)
        tested.append(predictions)
    rows, frame_hash = pl.concat(tested), content_hash(frame)
    rows = pl.concat(
        [rows, *(it.rows(rows, keys) for it in candidates if isinstance(it, Ensemble))]
    )
    identified = []
    for candidate in candidates:
        own = rows.filter(pl.col("candidate") == candidate.name)
        of_rows = _in_order(own)
        name = candidate_id(
            candidate,
            frame_hash=frame_hash,
            sentiment_fingerprint=sentiment_fingerprint,
            rows=of_rows,
        )
        identified.append(own.with_columns(candidate_id=pl.lit(name)))
    return OUT_OF_SAMPLE.enforce(pl.concat(identified))


def check_identity(
    candidate: Candidate,
    rows: pl.DataFrame,
    *,
    frame: pl.DataFrame,
    sentiment_fingerprint: str,
) -> str:
    """Return the candidate_id of `rows`, if they were predicted by this recipe on this frame.

    Args:
        candidate: the recipe.
        rows: `schemas.OUT_OF_SAMPLE` of this candidate alone.
        frame: the training frame as it is now.
        sentiment_fingerprint: of the model whose scores it holds.

    Raises:
        EvaluationError: there are none, or another recipe or another training set made them.
    """
    if rows.is_empty():
        raise EvaluationError(
            f"there are no out-of-sample predictions of the candidate {candidate.name}",
            hint="materialize models/out_of_sample_predictions",
        )
    found = candidate_id(
        candidate,
        frame_hash=content_hash(frame),
        sentiment_fingerprint=sentiment_fingerprint,
        rows=_in_order(rows),
    )
    held = rows["candidate_id"][0]
    if found != held:
        raise EvaluationError(
            f"the out-of-sample predictions of {candidate.name} are those of the candidate {held}, "
            f"the training set as it is now makes {found}",
            hint="another run has changed one of them meanwhile: materialize "
            "models/out_of_sample_predictions and what follows again",
        )
    return held


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as the lake gives them back, so that the id can be found again."""
    unnamed = rows.with_columns(candidate_id=pl.lit(""))
    return OUT_OF_SAMPLE.enforce(unnamed)


def in_scales(frame: pl.DataFrame, candidates: Sequence[Candidate]) -> dict[str, pl.DataFrame]:
    """Return the training frame in each scale that a candidate reads.

    Places need nothing but their own session, so they are taken once for all folds.
    """
    of_places = ("places", "sequences")
    ranked = {name for it in candidates if it.scale in of_places for name in it.features}
    scaled = {"values": frame} if any(it.scale == "values" for it in candidates) else {}
    return scaled | (dict.fromkeys(of_places, places(frame, sorted(ranked))) if ranked else {})


def _predict_fold(
    keys: pl.DataFrame,
    scaled: dict[str, pl.DataFrame],
    fold: Fold,
    candidates: Sequence[Trainable],
    fits: Fits,
) -> pl.DataFrame:
    is_train = pl.col("session_date").is_in(fold.train_sessions)
    is_test = pl.col("session_date").is_in(fold.test_sessions)
    _refuse_leak(keys.filter(is_train), fold)
    trains = {scale: frame.filter(is_train) for scale, frame in scaled.items()}
    days = keys["session_date"].unique().sort()
    before = days.filter(days < fold.test_sessions[0]).tail(LOOKBACK - 1)
    is_read = is_test | pl.col("session_date").is_in(before.implode())
    tests = {
        scale: frame.filter(is_read if scale == "sequences" else is_test)
        for scale, frame in scaled.items()
    }
    shown = keys.filter(is_test).select(
        *KEPT,
        horizon_sessions=pl.lit(HORIZON_SESSIONS, pl.Int32),
        fold=pl.lit(fold.index, pl.Int32),
    )
    predicted = []
    for candidate in candidates:
        fitted = fits.of(candidate, fold, trains[candidate.scale])
        read = tests[candidate.scale]
        forecast = fitted.forecast(read).select(FORECAST_COLUMNS)
        forecast = forecast.filter(read.select(is_test).to_series())
        predicted.append(shown.hstack(forecast).with_columns(candidate=pl.lit(candidate.name)))
    return pl.concat(predicted)


def _refuse_twice(frame: pl.DataFrame) -> None:
    twice = frame.filter(pl.struct("ticker", "session_date").is_duplicated())
    if twice.height:
        ticker, day = twice.select("ticker", "session_date").row(0)
        raise EvaluationError(
            f"{twice.height} rows of the training frame share ticker and session, for example "
            f"those of {ticker} on {day}",
            hint="build it anew with dbt, which tests its key",
        )


def _refuse_leak(train: pl.DataFrame, fold: Fold) -> None:
    leaking = train.filter(pl.col("exit_at") >= fold.first_test_decision_at)
    if leaking.height:
        raise EvaluationError(
            f"{leaking.height} training rows of fold {fold.index} have labels that end at or after "
            f"its first test decision, {fold.first_test_decision_at}",
            hint="make the folds from splits.sessions_of(this frame)",
        )
