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

from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions
from finpulse_assets.domain.ingestion.bars_1m import share_in_sessions
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.files.file_rows import Files
from finpulse_assets.gateways.sources.files.minute_shapes import MINUTE_SHAPES, in_our_spelling
from finpulse_assets.gateways.sources.files.shapes import Shape, deliver
from finpulse_assets.gateways.sources.files.tables import OpenTable, reading
from finpulse_assets.gateways.sources.files.times import Notation, is_zoneless
from finpulse_assets.gateways.sources.minute_source import MonthOfBars, by_month, minute_window
from finpulse_assets.gateways.sources.protocols import Outside
from finpulse_assets.schemas import UTC, Kind

# Small enough that a month of a sorted file is found by the row groups' statistics.
_ROW_GROUP = 50_000
# Bars of another zone than UTC have at most six sevenths of a session's minutes in common with it.
_LEAST_IN_SESSIONS = 0.9
_LOOKED_AT = 100
_HINT = (
    "set FINPULSE_BARS_TIMEZONE (--bars-timezone) to the IANA name of their zone, such as "
    "America/New_York, or UTC"
)


class FileMinuteSource:
    """Minute bars from files.

    Args:
        bars: a file, a folder or a glob. In a file without a column of tickers all bars are of one
            ticker, that in the file's name: `aapl.csv` is AAPL.
        notation: how the files write what can be read in two ways. Times without a zone are in its
            zone; where it has none, in UTC if they are those of the exchange's sessions.
        now: the present time (UTC); a bar that is still to come is a bad row.
    """

    name = "files"

    def __init__(
        self, bars: Path, *, notation: Notation | None = None, now: Now = system_now
    ) -> None:
        self._files = Files(
            bars, MINUTE_SHAPES, "minute bars", notation or Notation(), in_our_spelling
        )
        self._now = now

    def bars_1m(self, start: datetime, end: datetime) -> Iterator[MonthOfBars]:
        """Yield the bars of the window; see `MinuteSource.bars_1m`.

        Raises:
            SourceError: times of a file name no zone, none is stated, and as UTC they are not those
                of the exchange's sessions.
        """
        window = minute_window(start, end, now=self._now)
        with TemporaryDirectory(prefix="finpulse-bars-") as folder:
            staged = []
            for table, shape in self._files.opened():
                staged.append(Path(folder) / f"{len(staged)}.parquet")
                with reading(table.path):
                    bars = deliver(table, shape, where=window, notation=self._files.notation)
                    zoneless = self._time_of_no_zone(table, shape)
                    bars.sink_parquet(
                        staged[-1], compression="lz4", row_group_size=_ROW_GROUP, engine="streaming"
                    )
                if zoneless is not None:
                    past = pl.scan_parquet(staged[-1]).filter(self._is_past())
                    _check_hours(table.path, past, zoneless)
            bars = pl.concat([pl.scan_parquet(file) for file in staged])
            yield from by_month(bars, start, end, now=self._now)

    def ignored_columns(self, _: Kind) -> dict[str, list[str]]:
        """Return the columns that nothing reads; see `ReadsFiles`."""
        return self._files.ignored_columns()

    def outside(self, _: Kind, start: datetime, end: datetime) -> Outside:
        """Return what lies outside the window; see `ReadsFiles`."""
        day = pl.col("bar_at").dt.date()
        window = minute_window(start, end, now=self._now)
        return self._files.outside(window, day, self._is_past())

    def _is_past(self) -> pl.Expr:
        return pl.col("bar_at") <= pl.lit(self._now(), UTC)

    def _time_of_no_zone(self, table: OpenTable, shape: Shape) -> str | None:
        """Return a time of the file that names no zone, None where its zone is known.

        Raises:
            SourceError: there is one, and files of this shape are in a zone that has to be stated.
        """
        if shape.notation(self._files.notation).zone:
            return None
        column = shape.columns_in(table.columns)["bar_at"]
        dtype = table.columns[column]
        if dtype == pl.Datetime and dtype.time_zone:
            return None
        first = table.frame.select(pl.col(column).drop_nulls().head(_LOOKED_AT).cast(pl.String))
        written = first.filter(is_zoneless(pl.col(column))).collect(engine="streaming")[column]
        if written.is_empty():
            return None
        if shape.asks_zone:
            raise SourceError(
                f"the times in {table.path} name no zone (first '{written[0]}'), and {shape.name} "
                "are in that of the broker",
                hint=_HINT,
            )
        return written[0]


def _check_hours(path: Path, bars: pl.LazyFrame, zoneless: str) -> None:
    ends = bars.select(first=pl.min("bar_at").dt.date(), last=pl.max("bar_at").dt.date())
    first, last = ends.collect(engine="streaming").row(0)
    if first is None:
        return
    share = share_in_sessions(bars, build_sessions(max(first, FIRST_DAY), max(last, FIRST_DAY)))
    if share < _LEAST_IN_SESSIONS:
        raise SourceError(
            f"the times in {path} name no zone (first '{zoneless}'), and as UTC only {share:.0%} "
            f"of them lie in a session of the exchange, at least {_LEAST_IN_SESSIONS:.0%} should",
            hint=_HINT,
        )
