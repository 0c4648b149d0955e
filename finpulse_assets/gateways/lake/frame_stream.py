"""A table too large for memory: frames that are written one after the other into one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.errors import SchemaError
from finpulse_assets.gateways.atomic import written_atomically


@dataclass(frozen=True)
class FrameStream:
    """Frames of one table, in the order of its key; each is made when the one before is written."""

    frames: Iterator[pl.DataFrame]


def write_stream(path: Path, table: Table, stream: FrameStream) -> bool:
    """Write the frames as row groups of `path`, atomically; return whether the file changed.

    Numbers are written plain, with LZ4: features are noise in their last digits, on which a
    dictionary or a slower codec spends time for a few per cent. A file that would get the same
    bytes again is left alone. Frames are checked, not mended: sorting them would cost more than
    making them.

    Raises:
        SchemaError: a frame has other columns than the table, or its keys do not ascend.
        LakeError: the disk refuses the file.
    """
    import pyarrow.parquet as pq

    schema, keys = table.empty().to_arrow().schema, list(table.key)
    options = {"compression": "lz4", "use_dictionary": ["ticker"], "write_statistics": keys}
    before = _identity(path)
    last = table.empty().select(keys)
    with (
        written_atomically(path, is_derived=True) as temporary,
        pq.ParquetWriter(temporary, schema, **options) as writer,
    ):
        for frame in stream.frames:
            last = _checked(table, frame, last)
            writer.write_table(frame.to_arrow().cast(schema))
    return _identity(path) != before


def _checked(table: Table, frame: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """Return the key of the frame's last row; `last` is that of the frame before."""
    if frame.schema != table.polars_schema:
        differ = set(frame.schema.items()) ^ set(table.polars_schema.items())
        named = ", ".join(sorted({name for name, _ in differ})) or "the order of the columns"
        raise SchemaError(f"{table.name} was given a frame outside its contract: {named}")
    keys = pl.concat([last, frame.select(table.key)])
    stops = keys.with_row_index("row").filter(~_follows(list(table.key)))
    if stops.height:
        at = stops["row"][0]
        raise SchemaError(
            f"{table.name} goes from {keys.row(at - 1)} to {keys.row(at)}, its key "
            f"({', '.join(table.key)}) should ascend"
        )
    return keys.tail(1)


def _follows(keys: list[str]) -> pl.Expr:
    """Return whether a row's key is greater than that of the row before; true for the first."""
    later: pl.Expr = pl.lit(False)
    for name in reversed(keys):
        here, before = pl.col(name), pl.col(name).shift()
        later = (here > before) | ((here == before) & later)
    return later.fill_null(True)


def _identity(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None
