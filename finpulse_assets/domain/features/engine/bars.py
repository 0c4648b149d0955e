"""Bars: a block of whole runs of bars, and the series that features are made of.

Columns, derived series, windows over them, TA-Lib run by run.

A block holds many runs one after the other, or a part of a very long one. Windows run over the
whole block, which is one call where a run of a year would be many; what reaches back into an
earlier run is masked by the feature's warm-up. Recursive averages remember everything, so TA-Lib
gets each run alone and whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from threading import Lock

import numpy as np

from finpulse_assets.domain.features.engine.windows import Windows, covariance, lagged

Series = Callable[["Bars"], np.ndarray]
QUOTES = ("bid", "ask", "bid_size", "ask_size")


class Bars:
    """Finite positive prices and non-negative volumes of whole runs, float64 arrays of one length.

    Args:
        columns: open, high, low, close (adjusted, one unit), volume, dollars; and what else
            features read: bid, ask, bid_size, ask_size, event, and statistics across the tickers.
        starts: index of the first bar of each run, ascending; the first is 0, but for a part of a
            run, which has none.
        series: how each derived series is made of others, by name (`series.SERIES`).
        whole: (bars, offset) for a part of a long run: the run, and where in it the part begins.
    """

    def __init__(
        self,
        columns: Mapping[str, np.ndarray],
        starts: np.ndarray,
        *,
        series: Mapping[str, Series],
        whole: tuple[Bars, int] | None = None,
    ) -> None:
        self._series = dict(columns)
        self._derived = series
        self._whole = whole
        self._lock = Lock()
        self._windows: dict[str, Windows] = {}
        self._shared: dict[str, tuple[np.ndarray, ...]] = {}
        self.starts = starts
        self._bounds = [*starts.tolist(), len(self._series["close"])]

    def __len__(self) -> int:
        return self._bounds[-1]

    def _of_whole(self, values: np.ndarray) -> np.ndarray:
        offset = self._whole[1]
        return values[offset : offset + len(self)]

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column, or the derived series of that name; quotes that are absent are NaN."""
        if name not in self._series:
            absent = name in QUOTES
            self._series[name] = np.full(len(self), np.nan) if absent else self._derived[name](self)
        return self._series[name]

    def lag(self, name: str, bars: int = 1) -> np.ndarray:
        """Return the series `bars` bars ago, NaN before the run."""
        out = lagged(self[name], bars)
        for offset in range(bars) if bars <= 2 else ():
            inside = self.starts + offset
            out[inside[inside < len(out)]] = np.nan
        return out

    def windows(self, name: str) -> Windows:
        """Return the windows over a series."""
        if name not in self._windows:
            self._windows[name] = Windows(self[name])
        return self._windows[name]

    def covariance(self, one: str, other: str, bars: int) -> np.ndarray:
        product = f"{one} x {other}"
        if product not in self._series:
            self._series[product] = self[one] * self[other]
        return covariance(self.windows(product), self.windows(one), self.windows(other), bars)

    def change(self, name: str, bars: int) -> np.ndarray:
        """Return the relative change of a series over `bars` bars."""
        return self[name] / self.lag(name, bars) - 1

    def forget(self) -> None:
        """Drop the windows, which are most of the memory; columns and series stay."""
        self._windows.clear()
        self._shared.clear()

    def talib(self, function: str, *inputs: str, output: int = 0, **options: float) -> np.ndarray:
        """Return an output of a TA-Lib function, each run by itself.

        A function with several outputs is called once for all of them, and for a long run once
        for all of its parts.
        """
        if self._whole:
            whole = self._whole[0]
            with whole._lock:
                return self._of_whole(whole.talib(function, *inputs, output=output, **options))
        key = f"{function} {inputs} {options}"
        if key not in self._shared:
            self._shared[key] = self._call(function, inputs, options)
        return self._shared[key][output]

    def _call(
        self, function: str, inputs: tuple[str, ...], options: Mapping[str, float]
    ) -> tuple[np.ndarray, ...]:
        import talib

        call = getattr(talib, function)
        arrays = [np.ascontiguousarray(self[name]) for name in inputs]
        outputs: tuple[np.ndarray, ...] | None = None
        for start, stop in pairwise(self._bounds):
            parts = call(*(array[start:stop] for array in arrays), **options)
            parts = parts if isinstance(parts, tuple) else (parts,)
            if stop - start == len(self):
                return parts
            outputs = outputs or tuple(np.empty(len(self)) for _ in parts)
            for whole, part in zip(outputs, parts, strict=True):
                whole[start:stop] = part
        return outputs or (np.empty(0),)

    def bars_since(self, name: str) -> np.ndarray:
        """Return the bars since the series was last non-zero in its run, NaN before that."""
        at = np.arange(len(self))
        last = np.maximum.accumulate(np.where(self[name] != 0, at, -1))
        first = np.repeat(self.starts, np.diff(self._bounds)) if len(self.starts) else 0
        return np.where(last >= first, at - last, np.nan)

    def has_moved(self, name: str) -> np.ndarray:
        """Return whether the series has changed at all since its run began."""
        if self._whole:
            return self._of_whole(self._whole[0].has_moved(name))
        values, moved = self[name], np.empty(len(self), bool)
        for start, stop in pairwise(self._bounds):
            differs = values[start:stop] != values[start]
            first = int(differs.argmax()) if differs.any() else stop - start
            moved[start : start + first], moved[start + first : stop] = False, True
        return moved
