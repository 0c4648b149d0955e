"""Windows over one series: sums, extremes and moments of the last bars, by doubling.

A sum over 20 bars is the sum over 16 plus the sum over the 4 before them, each of which is two
halves. That is a handful of additions for every window, and, unlike a running sum that adds the new
bar and subtracts the old, each value depends on the bars of its window alone: no rounding error
grows with the length of the history, a NaN or an infinity is forgotten with its bar, and the same
window gives the same bits wherever the series begins.

The first w - 1 values of a window of w are no sums of w bars; whoever uses them masks them.
"""

from __future__ import annotations

import numpy as np


class Windows:
    """The windows of one float64 series of shape (bars,).

    >>> Windows(np.array([1.0, 2.0, 3.0, 4.0])).sum(3)[2:]
    array([6., 9.])
    """

    def __init__(self, values: np.ndarray) -> None:
        self._sums = {1: values}
        self._ramps = {1: np.zeros_like(values)}
        self._highs = {1: values}
        self._lows = {1: values}
        self._spreads = {1: np.zeros_like(values)}

    @property
    def values(self) -> np.ndarray:
        return self._sums[1]

    def sum(self, bars: int) -> np.ndarray:
        """Return the sum of the last `bars` values."""
        if bars not in self._sums:
            recent = _largest_power(bars)
            self._sums[bars] = _with_lagged(
                np.add, self.sum(recent), self.sum(bars - recent), recent
            )
        return self._sums[bars]

    def mean(self, bars: int) -> np.ndarray:
        return self.sum(bars) / bars

    def ramp(self, bars: int) -> np.ndarray:
        """Return the sum of j times the value j bars ago, j = 0 .. bars - 1."""
        if bars not in self._ramps:
            recent = _largest_power(bars)
            older = self.ramp(bars - recent) + recent * self.sum(bars - recent)
            self._ramps[bars] = _with_lagged(np.add, self.ramp(recent), older, recent)
        return self._ramps[bars]

    def variance(self, bars: int) -> np.ndarray:
        """Return the sample variance; 0 where it is no more than the mean's rounding error."""
        spread = self._spread(bars).copy()
        spread[spread < 1e-26 * self.sum(bars) ** 2] = 0.0
        return spread / (bars - 1)

    def _spread(self, bars: int) -> np.ndarray:
        """Return the sum of squared distances from the window's mean.

        Two parts of a window are joined by the distance of their means (Chan, Golub and LeVeque
        1979): the difference of two large sums, sum x^2 - (sum x)^2 / n, would lose the digits of a
        price that moves by a hundredth of a per cent.
        """
        if bars not in self._spreads:
            recent = _largest_power(bars)
            older = bars - recent
            apart = _with_lagged(
                np.subtract, self.sum(recent) / recent, self.sum(older) / older, recent
            )
            within = _with_lagged(np.add, self._spread(recent), self._spread(older), recent)
            apart *= apart
            apart *= recent * older / bars
            within += apart
            self._spreads[bars] = within
        return self._spreads[bars]

    def deviation(self, bars: int) -> np.ndarray:
        return np.sqrt(self.variance(bars))

    def highest(self, bars: int) -> np.ndarray:
        """Return the largest of the last `bars` values."""
        return _extreme(self._highs, np.maximum, bars)

    def lowest(self, bars: int) -> np.ndarray:
        """Return the smallest of the last `bars` values."""
        return _extreme(self._lows, np.minimum, bars)

    def rank(self, bars: int) -> np.ndarray:
        """Return the share of the `bars` - 1 values before that are smaller, ties by half: 0..1."""
        values = self.values
        twice = np.zeros(len(values), np.int16)
        for bar in range(1, min(bars, len(values))):
            earlier, later = values[:-bar], values[bar:]
            twice[bar:] += earlier < later
            twice[bar:] += earlier <= later
        share = twice / (2.0 * (bars - 1))
        # A comparison with NaN is false, not unknown: the sum knows where one is.
        share[np.isnan(self.sum(bars))] = np.nan
        return share


def covariance(product: Windows, one: Windows, other: Windows, bars: int) -> np.ndarray:
    """Return the sample covariance, `product` being the windows of the two series' product."""
    return (product.sum(bars) - one.sum(bars) * other.sum(bars) / bars) / (bars - 1)


def correlation(shared: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return covariance over the two deviations, NaN where one of them is 0."""
    both = one * other
    found = np.divide(shared, both, out=np.full(len(both), np.nan), where=both > 0)
    return np.clip(found, -1, 1)


def lagged(values: np.ndarray, bars: int) -> np.ndarray:
    """Return the value `bars` ago, NaN where there is none."""
    out = np.full(len(values), np.nan)
    out[bars:] = values[: max(len(values) - bars, 0)]
    return out


def _largest_power(bars: int) -> int:
    """Return the largest power of two below `bars`: the recent part of the window."""
    return 1 << ((bars - 1).bit_length() - 1)


def _with_lagged(
    operation: np.ufunc, recent: np.ndarray, older: np.ndarray, bars: int
) -> np.ndarray:
    """Return `operation` of each recent value and the older one `bars` before, in one pass."""
    out = np.empty_like(recent)
    out[:bars] = recent[:bars]
    operation(recent[bars:], older[: max(len(older) - bars, 0)], out=out[bars:])
    return out


def _extreme(known: dict[int, np.ndarray], better: np.ufunc, bars: int) -> np.ndarray:
    """Two overlapping halves cover a window of any length: a value seen twice does no harm."""
    if bars not in known:
        half = _largest_power(bars)
        part = _extreme(known, better, half)
        known[bars] = _with_lagged(better, part, part, bars - half)
    return known[bars]
