"""Statistics across the tickers of one moment.

Means, deviations, shares and ranks over rows of equal time.

Sums are taken row by row in the panel's order, so that a ticker that is absent at a moment, or is
listed only later, leaves every bit of that moment as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finpulse_assets.domain.features.feature import Statistic

_TABLE_CELLS = 1_000_000


class Moments:
    """The rows of a panel by moment.

    Args:
        moment: int32, shape (rows,), equal where the time is equal; 0 .. count - 1.
        sector: int32, shape (rows,), -1 where unknown.

    >>> Moments(np.array([0, 0, 1]), np.array([-1, -1, -1])).statistic(
    ...     "mean", np.array([1.0, 3.0, np.nan]))
    array([ 2.,  2., nan])
    """

    def __init__(self, moment: np.ndarray, sector: np.ndarray) -> None:
        self._moment = moment
        self._sector = sector
        self._by_moment = np.argsort(moment, kind="stable")
        self._count = int(moment.max()) + 1 if len(moment) else 0

    def statistic(self, name: Statistic, values: np.ndarray) -> np.ndarray:
        """Return the statistic of each row's moment; NaN values do not count."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return getattr(self, f"_{name}")(values)

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return _group_means(self._moment, values)[0][self._moment]

    def _deviation(self, values: np.ndarray) -> np.ndarray:
        means, counts = _group_means(self._moment, values)
        away = np.nan_to_num(values - means[self._moment])
        squares = np.bincount(self._moment, away * away)
        return np.sqrt(squares / (counts - 1))[self._moment]

    def _positive_share(self, values: np.ndarray) -> np.ndarray:
        known = np.bincount(self._moment, ~np.isnan(values))
        return (np.bincount(self._moment, values > 0) / known)[self._moment]

    def _sector_mean(self, values: np.ndarray) -> np.ndarray:
        """Of rows with a sector that has two members or more at the moment."""
        sectors = int(self._sector.max(initial=-1)) + 1
        if not sectors:
            return np.full(len(values), np.nan)
        group = self._moment.astype(np.int64) * (sectors + 1) + self._sector + 1
        means, members = _group_means(group, values)
        means[members < 2] = np.nan
        return np.where(self._sector >= 0, means[group], np.nan)

    def _rank(self, values: np.ndarray) -> np.ndarray:
        """(average rank - 1) / (count - 1): 0 the smallest, 1 the largest of the moment."""
        out = np.empty(len(values))
        for rows in self._tables():
            table = np.where(rows >= 0, values[rows], np.nan)
            out[rows[rows >= 0]] = _row_ranks(table)[rows >= 0]
        return out

    def _tables(self) -> Iterator[np.ndarray]:
        """Yield row numbers as tables, a moment a line, -1 where a line is shorter."""
        sizes = np.bincount(self._moment, minlength=self._count)
        ends = np.cumsum(sizes)
        first = 0
        while first < self._count:
            width = max(int(sizes[first:].max()), 1)
            last = min(first + max(_TABLE_CELLS // width, 1), self._count)
            slots = np.arange(width) < sizes[first:last, None]
            rows = np.full(slots.shape, -1, np.int64)
            rows[slots] = self._by_moment[ends[first] - sizes[first] : ends[last - 1]]
            yield rows
            first = last


def _group_means(group: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the known values of each group, and how many they are."""
    counts = np.bincount(group, ~np.isnan(values))
    return np.bincount(group, np.nan_to_num(values)) / counts, counts


def _row_ranks(table: np.ndarray) -> np.ndarray:
    """Return the ranks within each line, 0 to 1, ties by half; NaN has none and does not count."""
    order = np.argsort(table, axis=1)  # NaN last
    ordered = np.take_along_axis(table, order, axis=1)
    at = np.arange(table.shape[1])
    begins = np.ones(table.shape, bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(begins, at, 0), axis=1)
    ends = np.ones(table.shape, bool)
    ends[:, :-1] = begins[:, 1:]
    backwards = np.where(ends, at, table.shape[1])[:, ::-1]
    last = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    known = (~np.isnan(ordered)).sum(axis=1, keepdims=True)
    share = np.where(np.isnan(ordered), np.nan, (first + last) / 2 / (known - 1))
    out = np.empty_like(share)
    np.put_along_axis(out, order, share, axis=1)
    return out
