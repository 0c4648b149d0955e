"""Dissimilarity: how far a row lies from what a model was trained on.

The index of a row is the share of its known inputs that lie outside the range in which the middle
99 % of the training rows lie; an input that training never knew counts as outside. A row of which
the index is above that of all but 0.5 % of the training rows is unlike them: there the model
guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

TAIL = 0.005  # of the training rows, at each end of an input
UNLIKE_SHARE = 0.005  # of the training rows themselves, past the limit


@dataclass(frozen=True)
class TrainingRange:
    """The range of each input among the training rows, and the index that is too far from it.

    Attributes:
        lows: lower ends, in the order of the model's features; None where no row knew the input.
        highs: upper ends.
        limit: the largest index that is still like training, 0 to 1.
    """

    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    limit: float

    def dissimilarity(self, matrix: np.ndarray) -> np.ndarray:
        """Return the index of each row, float64 of shape (rows,): 0 is like training, 1 far off.

        Args:
            matrix: shape (rows, features), values (not places), NaN where unknown.

        >>> known = TrainingRange((0.0, 0.0), (1.0, 9.0), limit=0.0)
        >>> known.dissimilarity(np.array([[0.5, 9.1], [0.5, np.nan]])).tolist()
        [0.5, 0.0]
        """
        low, high = self._ends
        known = np.isfinite(matrix)
        outside = known & ((matrix < low) | (matrix > high))
        return outside.sum(axis=1) / np.maximum(known.sum(axis=1), 1)

    def is_unlike(self, matrix: np.ndarray) -> np.ndarray:
        """Return for each row whether it is unlike the training rows, bool of shape (rows,)."""
        return self.dissimilarity(matrix) > self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the range as plain JSON values."""
        return {"lows": self.lows, "highs": self.highs, "limit": self.limit}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingRange:
        """Return the range that `to_dict` wrote."""
        return cls(tuple(content["lows"]), tuple(content["highs"]), float(content["limit"]))

    @cached_property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends; of an input that training never knew they hold no value between them."""
        low = np.array([np.inf if it is None else it for it in self.lows])
        high = np.array([-np.inf if it is None else it for it in self.highs])
        return low, high


def range_of(matrix: np.ndarray) -> TrainingRange:
    """Return the range of training rows.

    Args:
        matrix: shape (rows, features), values (not places), NaN where unknown.
    """
    ends: list[tuple[float | None, float | None]] = []
    for column in matrix.T:
        known = column[np.isfinite(column)]
        if not len(known):
            ends.append((None, None))
            continue
        low, high = np.quantile(known, [TAIL, 1 - TAIL])
        ends.append((float(low), float(high)))
    lows, highs = zip(*ends, strict=True) if ends else ((), ())
    found = TrainingRange(tuple(lows), tuple(highs), limit=1.0)
    own = found.dissimilarity(matrix)
    limit = np.quantile(own, 1 - UNLIKE_SHARE, method="higher") if len(own) else 1.0
    return TrainingRange(found.lows, found.highs, float(limit))
