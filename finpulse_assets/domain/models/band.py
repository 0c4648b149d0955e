"""The band around an expected return, by split conformal prediction.

How far off the model was on sessions that it never saw, as quantiles of the signed error with the
correction for their number (https://arxiv.org/abs/2107.07511, section 1). Were rows
exchangeable, the band would hold the outcome as often as it says. Tickers of a session move
together and markets change, so the coverage is measured as well: with the quantiles of the first
half of the sessions, on the second half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np
import polars as pl

LEVEL = 0.90
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Band:
    """What is added to an expected return for the ends of its band.

    Attributes:
        level: share of outcomes that it should hold.
        lower: added for the lower end, a fraction.
        upper: added for the upper end, a fraction.
        coverage: share that it held on the later half of the sessions.
        row_count: errors that the ends were made of.
        quantiles: added for the quantiles 10, 50 and 90 % of the return, rising; a model of former
            code has none.
        shares: share of outcomes below each of them, measured as the coverage is.
    """

    level: float
    lower: float
    upper: float
    coverage: float
    row_count: int
    quantiles: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    def around(self, expected_return: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the band, float64 of the shape that is given.

        Times the price at which the session opens they are the band of its close.
        """
        return expected_return + self.lower, expected_return + self.upper

    def quantiles_around(self, expected_return: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return QUANTILES of the return, float64 of the shape that is given each, rising.

        Times the price at which the session opens they are those of its close. None are returned
        where the model has none.
        """
        return tuple(expected_return + it for it in self.quantiles)

    def to_dict(self) -> dict[str, Any]:
        """Return the band as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Band:
        """Return the band that `to_dict` wrote."""
        lists = {name: tuple(content.get(name, ())) for name in ("quantiles", "shares")}
        return cls(**{**content, **lists})


def band_of(predictions: pl.DataFrame, *, level: float = LEVEL) -> Band | None:
    """Return the band of out-of-sample predictions, None where they are too few for its ends.

    Args:
        predictions: session_date (Date), expected_return and return_next_session (Float64,
            fractions).
        level: share of outcomes that it should hold, above 0 and below 1.
    """
    days = predictions["session_date"].unique().sort()
    is_early = predictions["session_date"].is_in(days.head(len(days) // 2).implode()).to_numpy()
    error = (predictions["return_next_session"] - predictions["expected_return"]).to_numpy()
    first, ends = _ends(error[is_early], level), _ends(error, level)
    if first is None or ends is None:
        return None
    later = error[~is_early]
    held = (first[0] <= later) & (later <= first[1])
    return Band(
        level,
        *ends,
        coverage=float(held.mean()),
        row_count=len(error),
        quantiles=error_quantiles(error),
        shares=tuple(float((later < it).mean()) for it in error_quantiles(error[is_early])),
    )


def error_quantiles(error: np.ndarray) -> tuple[float, ...]:
    """Return QUANTILES of errors, an order statistic each, which rise with the level.

    >>> error_quantiles(np.arange(1.0, 20.0))
    (2.0, 10.0, 18.0)
    """
    ordered = np.sort(error)
    last = len(ordered) - 1
    at = (min(last, max(0, round((last + 2) * level - 1))) for level in QUANTILES)
    return tuple(float(ordered[it]) for it in at)


def _ends(error: np.ndarray, level: float) -> tuple[float, float] | None:
    """Return the corrected quantiles of the error, None where the sample does not reach them.

    >>> _ends(np.arange(1.0, 20.0), 0.9)
    (1.0, 19.0)
    >>> _ends(np.arange(1.0, 19.0), 0.9)
    """
    at = ceil((len(error) + 1) * (1 + level) / 2 - 1e-9)
    if at > len(error):
        return None
    ordered = np.sort(error)
    return float(ordered[len(error) - at]), float(ordered[at - 1])
