"""The sentiment head: a ridge regression of a ticker's mean sentiment in the next session.

It is no skill in returns and named none: it says whether tomorrow's mood can be told from today's
texts better than by today's mood (persistence) and by the mean of the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.features.registry import TEXT
from finpulse_assets.domain.models.inputs import feature_matrix, moments, standardised
from finpulse_assets.domain.models.one_thread import on_one_blas_thread

TARGET = "sentiment_mean"
NEXT = "next_sentiment"
FEATURES = tuple(feature.name for feature in TEXT)
PENALTY = 0.1  # of a row, on the squared coefficients
LEAST_ROWS = 200
LISTS = ("means", "deviations", "coefficients")


@dataclass(frozen=True)
class SentimentHead:
    """A fitted head with what was measured of it out of sample.

    Attributes:
        means: of the training rows, one for each of FEATURES; an unknown input counts as the mean.
        deviations: of the training rows, by which inputs are divided.
        coefficients: one for each of FEATURES.
        intercept: mean of the target in the training rows, -1 to 1.
        gain: share of persistence's squared error that it takes away; 0 is none.
        gain_lower: lower end of its 95 % interval.
        gain_upper: upper end.
        gain_over_mean: the same share of the error of the training rows' mean.
        gain_over_mean_lower: lower end of its 95 % interval.
        row_count: predictions that were measured.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    gain: float = 0.0
    gain_lower: float = 0.0
    gain_upper: float = 0.0
    gain_over_mean: float = 0.0
    gain_over_mean_lower: float = 0.0
    row_count: int = 0

    @property
    def is_proven(self) -> bool:
        """Whether it is surely better than persistence and than the mean."""
        return self.gain_lower > 0 and self.gain_over_mean_lower > 0

    @property
    def reason(self) -> str:
        """What was measured, as a sentence."""
        return (
            f"next session's sentiment is {'' if self.is_proven else 'not '}proven: it takes "
            f"{self.gain:.1%} [{self.gain_lower:.1%}, {self.gain_upper:.1%}] off the squared error "
            f"of persistence, {self.gain_over_mean:.1%} (at least "
            f"{self.gain_over_mean_lower:.1%}) off that of the mean, {self.row_count:,} predictions"
        )

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the expected mean sentiment of the next session, float64 (rows,), -1 to 1.

        Raises:
            ModelError: the frame lacks one of FEATURES, or one is no number.
        """
        matrix = feature_matrix(frame, FEATURES)
        inputs = standardised(matrix, np.array(self.means), np.array(self.deviations))
        return np.clip(self.intercept + (inputs * np.array(self.coefficients)).sum(axis=1), -1, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the head as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SentimentHead:
        """Return the head that `to_dict` wrote."""
        return cls(**{**content, **{name: tuple(content[name]) for name in LISTS}})


def with_next_sentiment(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `next_sentiment` and `next_decision_at`, when it is known.

    Both are null where the ticker has no row, or no text, in the next session of the frame.

    Args:
        frame: ticker, session_date, decision_at (UTC) and sentiment_mean, a row a ticker and
            session.
    """
    days = frame["session_date"].unique().sort()
    following = pl.DataFrame({"session_date": days, "next_date": days.shift(-1)})
    known = frame.select(
        "ticker",
        next_date="session_date",
        next_decision_at="decision_at",
        **{NEXT: pl.col(TARGET).cast(pl.Float64).fill_nan(None)},
    )
    return frame.join(following, on="session_date", how="left", maintain_order="left").join(
        known, on=["ticker", "next_date"], how="left", maintain_order="left"
    )


@on_one_blas_thread
def fit_head(frame: pl.DataFrame) -> SentimentHead | None:
    """Return the head fitted on rows, None where fewer than 200 know what came.

    Args:
        frame: from `with_next_sentiment`, with FEATURES.

    Raises:
        ModelError: the frame lacks a feature, or a feature is no number.
    """
    rows = frame.filter(pl.col(NEXT).is_not_null())
    if rows.height < LEAST_ROWS:
        return None
    matrix = feature_matrix(rows, FEATURES)
    means, deviations = moments(matrix)
    inputs, target = standardised(matrix, means, deviations), rows[NEXT].to_numpy()
    squares = inputs.T @ inputs + PENALTY * len(inputs) * np.eye(len(FEATURES))
    slope = np.linalg.solve(squares, inputs.T @ (target - target.mean()))
    # Inputs have the mean 0 but for what was pulled in, so the intercept is the target's mean.
    return SentimentHead(
        *(tuple(it.tolist()) for it in (means, deviations, slope)), float(target.mean())
    )
