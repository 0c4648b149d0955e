"""The inputs of a model as numbers: the matrix of its features, and in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finpulse_assets.errors import ModelError

FURTHEST = 5.0  # standard deviations beyond which an input is pulled in


def feature_matrix(frame: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Return the features of shape (rows, features), NaN where unknown.

    Features that are all Float32 stay float32, others become float64.

    Raises:
        ModelError: the frame lacks a feature, or a feature is no number.
    """
    schema = frame.schema
    missing = [name for name in features if name not in schema]
    if missing:
        raise ModelError(
            f"the frame lacks {len(missing)} of the model's {len(features)} features: "
            f"{', '.join(missing)}",
            hint="build it from fct_daily_features, or train on the features it has",
        )
    dtypes = {schema[name] for name in features}
    for dtype in dtypes:
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
            wrong = next(name for name in features if schema[name] == dtype)
            raise ModelError(
                f"the feature {wrong} has the dtype {dtype}, it should be a number",
                hint="cast it, or leave it out of the features",
            )
    if not features:
        return np.empty((frame.height, 0))
    chosen = frame.select(features)
    # Casting costs more than a prediction of one row, so it is done only where it is needed.
    is_plain = dtypes in ({pl.Float64}, {pl.Float32})
    return (chosen if is_plain else chosen.cast(pl.Float64)).to_numpy()


def standardised(matrix: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return the inputs in standard deviations, pulled in at 5; unknown ones are 0."""
    with np.errstate(invalid="ignore"):
        inputs = np.clip((matrix - means) / deviations, -FURTHEST, FURTHEST)
    return np.nan_to_num(inputs, nan=0.0)


def moments(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column; of a column without spread 0 and 1."""
    if not matrix.shape[1]:
        return np.empty(0), np.empty(0)
    known = np.isfinite(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, matrix, 0.0).astype(np.float64)
    means = values.sum(axis=0) / count
    squares = np.where(known, (values - means) ** 2, 0.0).sum(axis=0) / count
    deviations = np.sqrt(squares)
    return means, np.where(deviations > 0, deviations, 1.0)
