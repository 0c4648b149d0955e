"""One-minute bars from data sets on disk: Parquet, CSV or NDJSON, sorted or not.

The minute source of the `files` profile.

The files are read once, in a stream, into a temporary Parquet file; the months are then cut out of
that. So a year of bars costs one pass over its text, and the memory of a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.files.formats import OpenTable, open_tables, reading
from finpulse_assets.gateways.sources.files.minute_shapes import MINUTE_SHAPES, in_our_spelling
from finpulse_assets.gateways.sources.files.shapes import deliver, recognise
from finpulse_assets.gateways.sources.minute_source import MonthOfBars, by_month, minute_window

# Small enough that a month of a sorted file is found by the row groups' statistics.
_ROW_GROUP = 50_000


class FileMinuteSource:
    """Minute bars from files.

    Args:
        bars: a file, a folder or a glob. In a file without a column of tickers all bars are of one
            ticker, the file's name in upper case: `aapl.csv` is AAPL.
        now: the present time (UTC); a bar that is still to come is a bad row.
    """

    name = "files"

    def __init__(self, bars: Path, *, now: Now = system_now) -> None:
        self._bars = bars
        self._now = now

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        """Yield the bars of the window; see `MinuteSource.bars_1m`."""
        window = minute_window(start, end, now=self._now)
        with TemporaryDirectory(prefix="finpulse-bars-") as folder:
            staged = []
            for table in open_tables(self._bars):
                staged.append(Path(folder) / f"{len(staged)}.parquet")
                with reading(table.path):
                    _delivered(table, window).sink_parquet(
                        staged[-1], compression="lz4", row_group_size=_ROW_GROUP, engine="streaming"
                    )
            bars = pl.concat([pl.scan_parquet(file) for file in staged])
            yield from by_month(bars, start, end, now=self._now)


def _delivered(table: OpenTable, window: pl.Expr) -> pl.LazyFrame:
    table = in_our_spelling(table)
    shape = recognise(list(table.columns), MINUTE_SHAPES, path=table.path, what="minute bars")
    rows = deliver(table, shape, where=window)
    if "ticker" in table.columns:
        return rows
    return rows.with_columns(ticker=pl.lit(table.path.stem.upper().replace(".", "-")))
