"""Fitting on places: the label, and what a score is worth in returns, whatever makes the score.

The size of a score in returns is measured on the last sessions of the training rows, by a fit on
those before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.taught import EXPOSURES, taught_places
from finpulse_assets.domain.models.training import WINSOR_SHARE, check_labels
from finpulse_assets.errors import EvaluationError

MEASURED_SHARE = 0.25  # of the training sessions, the last ones, measure the size of the score
# A score that the last sessions do not support still orders the tickers, at a size of no weight.
LEAST_CORRELATION = 0.01
ROBUST = 1.4826  # a normal distribution's standard deviation over its median absolute value
RETURNS = ("session_date", "return_next_session")

ScoreOf = Callable[[np.ndarray], np.ndarray]


def places_and_label(
    frame: pl.DataFrame, features: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs, shape (rows, features), and the place of each row's own move in its
    session, -0.5 to 0.5; see `taught`.

    Args:
        frame: a training frame whose features are places.
        features: names of the inputs.

    Raises:
        EvaluationError: fewer than 200 rows, a row without label, a single class, or no session
            with two tickers: a single one has no place.
        ModelError: the frame lacks a feature, or a feature is no number.
    """
    check_labels(frame)
    matrix = feature_matrix(frame, features)
    label = taught_places(frame.select(*RETURNS, *(it for it in EXPOSURES if it in features)))
    if not label.any():
        raise EvaluationError(
            "no session of the training frame has two tickers with different returns, so that "
            "nothing can be ranked",
            hint="add tickers, or take a candidate that does not rank (FINPULSE_CANDIDATES)",
        )
    return matrix, label


def stated(
    frame: pl.DataFrame,
    matrix: np.ndarray,
    label: np.ndarray,
    fit: Callable[[np.ndarray, np.ndarray], ScoreOf],
) -> dict[str, Any]:
    """Return the fields of a `place_model.PlaceModel` that do not depend on how a score is made.

    Args:
        frame: the training frame.
        matrix: its inputs, from `places_and_label`.
        label: the places of its returns, from `places_and_label`.
        fit: returns the score that is fitted on some of the rows.
    """
    returns = winsorised(frame["return_next_session"])
    return {
        "slope": _slope(frame, matrix, label, fit),
        "drift": float(returns.mean()),
        "spread": robust_deviation(returns),
        "trained_from": frame["session_date"].min(),
        "trained_to": frame["session_date"].max(),
        "row_count": frame.height,
        "up_rate": float(frame["is_up"].mean()),
    }


def winsorised(returns: pl.Series) -> np.ndarray:
    """Return the returns with their outer 1 % at each end pulled in, float64."""
    values = returns.to_numpy()
    return np.clip(values, *np.quantile(values, [WINSOR_SHARE, 1 - WINSOR_SHARE]))


def robust_deviation(returns: np.ndarray) -> float:
    """Return the standard deviation of a normal distribution with this median absolute value."""
    return float(ROBUST * np.median(np.abs(returns))) or 1.0


def _slope(
    frame: pl.DataFrame,
    matrix: np.ndarray,
    label: np.ndarray,
    fit: Callable[[np.ndarray, np.ndarray], ScoreOf],
) -> float:
    """Return the return that a unit of score is worth, on sessions that its fit did not see."""
    sessions = frame["session_date"].unique().sort()
    first = sessions[int(len(sessions) * (1 - MEASURED_SHARE))]
    later = (frame["session_date"] >= first).to_numpy()
    decided_at = frame.filter(pl.col("session_date") == first)["decision_at"].min()
    earlier = (frame["exit_at"] < decided_at).to_numpy()
    returns = pl.Series(winsorised(frame["return_next_session"]))
    excess = (
        frame.select("session_date")
        .with_columns(it=returns)
        .select(pl.col("it") - pl.col("it").mean().over("session_date"))["it"]
        .to_numpy()[later]
    )
    least = LEAST_CORRELATION * float(excess.std())
    if not label[earlier].any():
        return least
    score = fit(matrix[earlier], label[earlier])(matrix[later])
    power = float(score @ score)
    return max(least, float(score @ excess) / power if power else 0.0)
