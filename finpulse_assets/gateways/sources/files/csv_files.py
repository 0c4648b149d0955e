"""CSV as a lazy table, every cell as text: separators, headers that are missing, bare quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.quotes import is_well_quoted
from finpulse_assets.gateways.sources.files.tables import (
    ROW_PROBLEM,
    OpenTable,
    refuse_utf16,
    stamp,
)
from finpulse_assets.schemas import OHLC

_SEPARATORS = ",;\t|"
_OVERFLOW = "_overflow"
_BOM = "\ufeff"
# What files without a header begin with -> the columns that they have.
_MT4 = ("date", "time", *OHLC, "tickvol")
_HISTDATA = ("histdata_time", *OHLC, "volume")
_WITHOUT_HEADER = {
    r"\d{4}\.\d{2}\.\d{2},\d{2}:\d{2}(?:,[\d.]+){5}\s*": _MT4,
    r"\d{8} \d{6}(?:;[\d.]+){5}\s*": _HISTDATA,
}


def open_csv(path: Path) -> OpenTable:
    """Open CSV, whatever separates its fields; a row with too many of them has a problem.

    A quote within a field that does not begin with one is a character of it, as other readers take
    it. A file without a header has the columns of the program that writes it so, or column_1 on.

    Raises:
        SourceError: a quote opens a field and does not close it; names line and column.
    """
    refuse_utf16(path)
    first = _first_line(path)
    separator = max(_SEPARATORS, key=first.count) if "," not in first else ","
    names = _names_without_header(first, separator)
    read = {
        "encoding": "utf8-lossy",
        "separator": separator,
        "has_header": names is None,
        "glob": False,
    }
    header = names or _header(path, separator)
    is_clean = is_well_quoted(path, separator, tuple(header), *stamp(path))
    source = path if is_clean else BytesIO(_requoted(path, separator, *stamp(path)))
    # A column more than the header has catches the fields of a row with too many.
    frame = pl.scan_csv(
        source,
        schema=dict.fromkeys([*header, _OVERFLOW], pl.String),
        missing_columns="insert",
        extra_columns="ignore",
        **read,
    )
    too_long = pl.lit(f"the row has more fields than the header, {len(header)}")
    problem = pl.when(pl.col(_OVERFLOW).is_not_null()).then(too_long).alias(ROW_PROBLEM)
    frame = frame.with_columns(problem).drop(_OVERFLOW)
    return OpenTable(path, frame, is_decoded=True, has_decimal_commas=separator == ";")


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return next(lines, "").rstrip("\r\n")


def _names_without_header(first: str, separator: str) -> list[str] | None:
    """Return the columns of a file whose first line is a row already, None where it has names."""
    for form, names in _WITHOUT_HEADER.items():
        if re.fullmatch(form, first):
            return list(names)
    if re.search(r"[^\W\d_]", first) or not re.search(r"\d", first):
        return None
    return [f"column_{at + 1}" for at in range(len(first.split(separator)))]


def _header(path: Path, separator: str) -> list[str]:
    """Return the names of the columns; a name that occurs again is told apart by a number."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines, delimiter=separator)
        with _naming_the_line(path, rows):
            names = next(rows, [])
    seen: dict[str, int] = {}
    told_apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told_apart.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return told_apart


@lru_cache(maxsize=4)
def _requoted(path: Path, separator: str, _size: int, _changed: int) -> bytes:
    """Return the file with its fields quoted where they must be, as the csv module reads them."""
    text = StringIO(newline="")
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines, delimiter=separator)
        with _naming_the_line(path, rows):
            csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def _naming_the_line(path: Path, rows: Any) -> Iterator[None]:
    """Turn what the csv module refuses into a sentence with the line that it has reached."""
    try:
        yield
    except csv.Error as error:
        raise SourceError(
            f"{path} cannot be read: line {rows.line_num}: {error}",
            hint="a quote in that line, or in one before, opens a field and does not close it",
        ) from error
