"""How often the market rose after predictions like this one.

The reliability bins of out-of-sample predictions and the interval that they give a new probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.errors import EvaluationError

MIN_ROWS_PER_BIN = 50


@dataclass(frozen=True)
class ReliabilityBin:
    """One neighbourhood of predictions: its range, its mean and what was observed in it.

    `lower` and `upper` bound the up-rate; all fields but `row_count` are probabilities.
    """

    low: float
    high: float
    mean_probability: float
    up_rate: float
    lower: float
    upper: float
    row_count: int


@dataclass(frozen=True)
class Calibration:
    """Reliability bins in ascending order, with the confidence level of their intervals."""

    level: float
    bins: tuple[ReliabilityBin, ...]

    def interval(self, probability_up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of the up-rate observed after predictions like these.

        The interval is about what happened, so it need not contain the prediction: a model that
        said 0.60 where 0.52 came true gets the interval around 0.52. Predictions outside the
        range seen take the nearest bin.

        Args:
            probability_up: float64 probabilities, shape (rows,).

        Returns:
            lower and upper bounds, float64, shape (rows,).
        """
        edges, lower, upper = self._arrays
        at = np.searchsorted(edges, probability_up, side="right")
        return lower[at], upper[at]

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.array([bin_.low for bin_ in self.bins[1:]]),
            np.array([bin_.lower for bin_ in self.bins]),
            np.array([bin_.upper for bin_ in self.bins]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain JSON values."""
        return {"level": self.level, "bins": [asdict(bin_) for bin_ in self.bins]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` wrote."""
        return cls(content["level"], tuple(ReliabilityBin(**bin_) for bin_ in content["bins"]))


def calibrate(predictions: pl.DataFrame, *, bins: int = 10, level: float = 0.90) -> Calibration:
    """Bin out-of-sample predictions by their probability and bound the up-rate of each bin.

    Bins hold about equally many rows, at least 50. The interval is Wilson's, with the effective
    number of rows: tickers of one session rise and fall together, so a thousand rows of ten
    sessions say little more than ten rows. The between-session variance measures how much.

    Args:
        predictions: session_date (Date), probability_up (Float64), is_up (Boolean).
        bins: bins wanted; fewer where rows or distinct predictions are few.
        level: confidence level, above 0 and below 1.

    Raises:
        EvaluationError: there are no predictions.
    """
    if predictions.is_empty():
        raise EvaluationError(
            "there are no out-of-sample predictions to calibrate on",
            hint="run the walk-forward evaluation first",
        )
    probability = predictions["probability_up"].to_numpy()
    count = max(1, min(bins, predictions.height // MIN_ROWS_PER_BIN))
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, count + 1)[1:-1]))
    edges = edges[(edges > probability.min()) & (edges <= probability.max())]
    binned = predictions.with_columns(
        bin=pl.Series(np.searchsorted(edges, probability, side="right"))
    )
    z = NormalDist().inv_cdf(0.5 + level / 2)
    rows = binned.partition_by("bin", as_dict=True)
    return Calibration(level, tuple(_bin(rows[key], z) for key in sorted(rows)))


def _bin(rows: pl.DataFrame, z: float) -> ReliabilityBin:
    up_rate = float(rows["is_up"].mean())
    lower, upper = wilson(up_rate, effective_rows(rows), z=z)
    probability = rows["probability_up"]
    return ReliabilityBin(
        float(probability.min()),
        float(probability.max()),
        float(probability.mean()),
        up_rate,
        lower,
        upper,
        rows.height,
    )


def effective_rows(rows: pl.DataFrame) -> float:
    """Return how many independent rows the rows are worth, given that sessions move together.

    Args:
        rows: session_date (Date) and is_up (Boolean), at least one row.

    Returns:
        rows x (variance if rows were independent) / (variance between sessions), at most the
        number of rows. With a single outcome there is no variance to measure: then the number
        of sessions.
    """
    sessions = rows.group_by("session_date", maintain_order=True).agg(
        pl.len().alias("count"), pl.col("is_up").sum().alias("ups")
    )
    rate = sessions["ups"].sum() / rows.height
    if rate in (0.0, 1.0) or sessions.height == 1:
        return float(sessions.height)
    surprise = (sessions["ups"] - rate * sessions["count"]).to_numpy()
    between = float((surprise**2).sum()) * sessions.height / (sessions.height - 1)
    if not between:
        return float(rows.height)
    return min(rows.height, rate * (1 - rate) * rows.height**2 / between)


def wilson(rate: float, rows: float, *, z: float) -> tuple[float, float]:
    """Return Wilson's interval of a rate observed on `rows` independent rows.

    >>> tuple(round(bound, 3) for bound in wilson(0.5, 100, z=1.96))
    (0.404, 0.596)
    """
    centre = (rate + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z * sqrt(rate * (1 - rate) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    # A rate of 0 or 1 is its own bound; rounding may put the sum a hair inside of it.
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))
