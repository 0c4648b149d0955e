"""A panel: bars of every ticker in memory, and the features of it, a block of runs at a time.

The order of work (one pass for the statistics across tickers, one for everything else), blocks,
threads, and the mask of what is not known.

Memory is the panel's columns and a few blocks of output, however many tickers there are: frames are
handed on as they are made, in the panel's order. numpy and TA-Lib release the interpreter's lock,
so threads share the work of one process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl

from finpulse_assets.domain.features.engine.across import Moments
from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.engine.series import SERIES
from finpulse_assets.domain.features.feature import Clock, Feature
from finpulse_assets.domain.features.registry import bar_features
from finpulse_assets.schemas import OHLC

BLOCK_ROWS = 65_536  # a column of a block is half a MiB: a feature's windows stay in the cache
CONTEXT_ROWS = 256  # bars before a part of a run that its windows read; no look-back is longer
PRICES = (*OHLC, "volume", "dollars")


@dataclass(frozen=True)
class Panel:
    """Bars of many series, sorted by series and time, every array of one length.

    Attributes:
        keys: the key columns of each row, and bars_seen: its place in an unbroken run of bars.
        columns: open, high, low, close, volume and optional quotes, float64, adjusted; dollars
            traded, `event`.
        effects: what the calendar says, float64, one value a row of `sessions`.
        session: int32, the row of `effects` that a bar belongs to.
        moment: int32, equal for bars of one time; bars of one moment are compared across tickers.
        sector: int32, -1 where the source names none.
        is_kept: whether the row is handed on, and counts across tickers: it was known in time.
    """

    keys: pl.DataFrame
    columns: Mapping[str, np.ndarray]
    effects: Mapping[str, np.ndarray]
    session: np.ndarray
    moment: np.ndarray
    sector: np.ndarray
    is_kept: np.ndarray

    def __len__(self) -> int:
        return self.keys.height

    @cached_property
    def seen(self) -> np.ndarray:
        return self.keys["bars_seen"].to_numpy()

    @cached_property
    def run_starts(self) -> np.ndarray:
        return np.flatnonzero(self.seen == 1)


def feature_frames(
    panel: Panel, clock: Clock, *, names: Sequence[str] | None = None, threads: int = 2
) -> Iterator[pl.DataFrame]:
    """Yield the kept rows of the panel with their features, Float64, null where not known.

    Args:
        panel: bars, sorted.
        clock: which features there are, and what their columns are called.
        names: features wanted, as the registry names them; all of the clock by default.
        threads: blocks that are computed at a time.

    Raises:
        KeyError: a name is no feature of the clock.
    """
    known = {feature.name: feature for feature in bar_features(clock)}
    wanted = [known[name] for name in (known if names is None else names)]
    across_columns = _across_tickers(panel, wanted, known, threads)
    named = {feature.name for feature in wanted}
    effects = {name: values for name, values in panel.effects.items() if name in named}
    panel = replace(panel, effects=effects)
    tasks = ((block, wanted, clock) for block in _blocks(panel, across_columns))
    yield from _in_order(_block_frame, tasks, threads)


@dataclass(frozen=True)
class _Block:
    """Rows `span` of a panel; `bars` begin `context` rows before them."""

    panel: Panel
    span: slice
    bars: Bars
    context: int

    @cached_property
    def seen(self) -> np.ndarray:
        return self.panel.seen[self.span]

    @cached_property
    def least_seen(self) -> int:
        return int(self.seen.min())

    def known(self, feature: Feature) -> tuple[np.ndarray, bool]:
        """Return the feature's values, NaN before its warm-up and where they are no number.

        The second value tells whether none is NaN; the array may then be one that `bars` keep, and
        is not to be written to.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            values = feature.compute(self.bars) if feature.compute else self.bars[feature.name]
        values = values[self.context :]
        is_known = np.isfinite(values)
        if self.least_seen < feature.warm_up:
            is_known &= self.seen >= feature.warm_up
        is_complete = bool(is_known.all())
        return values if is_complete else np.where(is_known, values, np.nan), is_complete


def _across_tickers(
    panel: Panel, wanted: Iterable[Feature], known: Mapping[str, Feature], threads: int
) -> dict[str, np.ndarray]:
    """Return each statistic across tickers that a wanted feature is, or is made of, row by row."""
    needed = {name for feature in wanted for name in (feature.name, *feature.inputs)}
    by_base: dict[str, list[Feature]] = {}
    for name, feature in known.items():
        if name in needed and feature.across:
            by_base.setdefault(feature.across[1], []).append(feature)
    if not by_base:
        return {}
    moments = Moments(panel.moment, panel.sector)

    def statistics(base: str) -> dict[str, np.ndarray]:
        values = _whole_column(panel, known[base])
        values[~panel.is_kept] = np.nan
        return {it.name: moments.statistic(it.across[0], values) for it in by_base[base]}

    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(statistics, by_base)
        return {name: column for columns in found for name, column in columns.items()}


def _whole_column(panel: Panel, feature: Feature) -> np.ndarray:
    out = np.empty(len(panel))
    for block in _blocks(panel, {}):
        out[block.span], _ = block.known(feature)
    return out


def _blocks(panel: Panel, more: Mapping[str, np.ndarray]) -> Iterator[_Block]:
    """Yield blocks of whole runs, of about BLOCK_ROWS rows, and the parts of runs much longer."""
    starts = panel.run_starts
    begin = 0
    for start, stop in pairwise([*starts.tolist(), len(panel)]):
        is_long = stop - start > 2 * BLOCK_ROWS
        if begin < start and (is_long or stop - begin > BLOCK_ROWS):
            yield _whole_runs(panel, slice(begin, start), more)
            begin = start
        if is_long:
            yield from _parts(panel, start, stop, more)
            begin = stop
    if begin < len(panel):
        yield _whole_runs(panel, slice(begin, len(panel)), more)


def _whole_runs(panel: Panel, span: slice, more: Mapping[str, np.ndarray]) -> _Block:
    first, last = np.searchsorted(panel.run_starts, [span.start, span.stop])
    inside = panel.run_starts[first:last] - span.start
    return _Block(panel, span, Bars(_columns(panel, span, more), inside, series=SERIES), 0)


def _parts(panel: Panel, start: int, stop: int, more: Mapping[str, np.ndarray]) -> Iterator[_Block]:
    """Yield a long run in parts that share what TA-Lib makes of the whole of it."""
    whole = Bars(_columns(panel, slice(start, stop), {}), np.array([0]), series=SERIES)
    for begin in range(start, stop, BLOCK_ROWS):
        span = slice(begin, min(begin + BLOCK_ROWS, stop))
        context = min(CONTEXT_ROWS, begin - start)
        seen = slice(begin - context, span.stop)
        firsts = np.array([0] if begin == start else [], np.int64)
        bars = Bars(
            _columns(panel, seen, more), firsts, series=SERIES, whole=(whole, seen.start - start)
        )
        yield _Block(panel, span, bars, context)


def _columns(panel: Panel, span: slice, more: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = panel.session[span]
    return {
        **{name: values[span] for name, values in panel.columns.items()},
        **{name: values[session] for name, values in panel.effects.items()},
        **{name: values[span] for name, values in more.items()},
    }


def _block_frame(block: _Block, wanted: Sequence[Feature], clock: Clock) -> pl.DataFrame:
    """Return the kept rows of a block. Arrow takes numpy's memory as it is, polars copies it."""
    import pyarrow as pa

    columns, family = {}, None
    for feature in wanted:
        if feature.family != family:
            block.bars.forget()
            family = feature.family
        values, is_complete = block.known(feature)
        columns[clock.column(feature.name)] = pa.array(values, from_pandas=not is_complete)
    made = pl.from_arrow(pa.table(columns), rechunk=False)
    frame = block.panel.keys[block.span].hstack(made)
    kept = block.panel.is_kept[block.span]
    return frame if kept.all() else frame.filter(pl.Series(kept))


def _in_order(work: object, tasks: Iterable[tuple], threads: int) -> Iterator[pl.DataFrame]:
    """Yield the results of `work` in the order of `tasks`, at most `threads` + 1 held at a time."""
    if threads == 1:
        yield from (work(*task) for task in tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[pl.DataFrame]] = deque()
        for task in tasks:
            running.append(pool.submit(work, *task))
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
