"""A data file as an open, lazy table, and the sentence for one that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError

ROW_PROBLEM = "_row_problem"

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class OpenTable:
    """A file as a lazy frame whose last column, ROW_PROBLEM, says what is wrong with a row.

    `columns` are the file's own; `is_decoded` tells that bytes were made text on the way, a byte
    that is no UTF-8 having become the replacement character. `has_decimal_commas` tells that a
    comma in a number may be the decimal one.
    """

    path: Path
    frame: pl.LazyFrame
    is_decoded: bool
    has_decimal_commas: bool = False

    @property
    def columns(self) -> dict[str, pl.DataType]:
        schema = self.frame.collect_schema()
        return {name: dtype for name, dtype in schema.items() if name != ROW_PROBLEM}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what polars and the system say about an unreadable `path` into a SourceError."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" `'\"")
        raise SourceError(
            f"{path} cannot be read: {reason}",
            hint="it is truncated, corrupt or of another format; fetch it again",
        ) from error


def refuse_utf16(path: Path) -> None:
    """Refuse a text file in another encoding than UTF-8.

    Raises:
        SourceError: it is UTF-16.
    """
    with path.open("rb") as file:
        if file.read(2) in _UTF16_MARKS:
            raise SourceError(f"{path} is UTF-16, only UTF-8 is read", hint="save it as UTF-8")


def stamp(path: Path) -> tuple[int, int]:
    """Return what changes with the content of a file: its size and its time."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
