"""Cells of data files: text, number or epoch in, the delivered type out, or a sentence why not.

How one cell of a known column is read, whatever the file's own type for it. Everything is a polars
expression, so that only the rows that are asked for are ever converted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from finpulse_assets.schemas import UTC

DType = pl.DataType | type[pl.DataType]

_BLANK = ("", "na", "n/a", "nan", "nat", "none", "null")
_MAX_EXACT = 2**53  # beyond it a float skips whole numbers, and an id becomes another id
_MAX_SHOWN = 60
_YES, _NO = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")


@dataclass(frozen=True)
class Cell:
    """A column read as its delivered type: the value, and the problem (null where it was read)."""

    value: pl.Expr
    problem: pl.Expr


@dataclass(frozen=True)
class _Reader:
    """`read` turns a column of some dtype into the value, null where it cannot."""

    noun: str
    read: Callable[[pl.Expr, DType], pl.Expr]
    keeps_blanks: bool = False


def read_cell(name: str, column: str, found: DType, wanted: DType) -> Cell:
    """Return how to read the delivered column `name` from a file's `column` of dtype `found`.

    >>> cell = read_cell("open", "Open", pl.String, pl.Float64)
    >>> raw = pl.DataFrame({"Open": ["1.5", "abc", "N/A", None]})
    >>> raw.select(open=cell.value, problem=cell.problem).rows()
    [(1.5, None), (None, "open 'abc' is not a number"), (None, None), (None, None)]
    """
    reader = _BY_NAME.get(name) or _BY_DTYPE[wanted]
    raw = pl.col(column)
    if found.is_nested() or found == pl.Binary:
        value, shown = pl.lit(None, wanted), pl.lit(str(found))
    else:
        shown = raw.cast(pl.String, strict=False)
        value = reader.read(raw, found).cast(wanted, strict=False)
    blank = pl.lit(False)
    if not reader.keeps_blanks:
        blank = shown.str.strip_chars().str.to_lowercase().is_in(_BLANK)
    unread = raw.is_not_null() & value.is_null() & ~blank
    sentence = pl.format(f"{name} '{{}}' is not {reader.noun}", shown.str.slice(0, _MAX_SHOWN))
    return Cell(value.alias(name), pl.when(unread).then(sentence))


def join_problems(*problems: pl.Expr) -> pl.Expr:
    """Return all problems of a row in one sentence, null where there is none."""
    joined = pl.concat_str(problems, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined).alias("problem")


def _text(raw: pl.Expr, _found: DType) -> pl.Expr:
    # NUL bytes come from broken exports; no database after this one could store them.
    return raw.cast(pl.String, strict=False).str.replace_all("\x00", "", literal=True)


def _ticker(raw: pl.Expr, found: DType) -> pl.Expr:
    symbol = _text(raw, found).str.strip_chars().str.to_uppercase()
    return pl.when(symbol != "").then(symbol.str.replace_all(".", "-", literal=True))


def _identifier(raw: pl.Expr, found: DType) -> pl.Expr:
    if found.is_float():
        exact = (raw == raw.floor()) & (raw.abs() <= _MAX_EXACT)
        return pl.when(exact).then(raw).cast(pl.Int64, strict=False).cast(pl.String)
    text = _text(raw, found).str.strip_chars()
    # 9.47618E+17 is what a spreadsheet leaves of an id: another text may share it.
    return pl.when(~text.str.contains(r"^\d(\.\d+)?[eE]\+?\d+$") & (text != "")).then(text)


def _number(raw: pl.Expr, found: DType) -> pl.Expr:
    if found == pl.String:
        raw = raw.str.strip_chars()
    elif not (found.is_numeric() or found == pl.Boolean):
        return pl.lit(None, pl.Float64)
    return raw.cast(pl.Float64, strict=False).fill_nan(None)


def _whole(raw: pl.Expr, found: DType) -> pl.Expr:
    if found.is_integer():
        return raw.cast(pl.Int64, strict=False)
    number = _number(raw, found)
    exact = (number == number.floor()) & (number.abs() <= _MAX_EXACT)
    from_float = pl.when(exact).then(number).cast(pl.Int64, strict=False)
    if found == pl.String:
        return pl.coalesce(raw.str.strip_chars().cast(pl.Int64, strict=False), from_float)
    return from_float


def _flag(raw: pl.Expr, found: DType) -> pl.Expr:
    if found == pl.Boolean:
        return raw
    text = raw.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
    return pl.when(text.is_in(_YES)).then(True).when(text.is_in(_NO)).then(False)


def _day(raw: pl.Expr, found: DType) -> pl.Expr:
    if found == pl.Date:
        return raw
    if found == pl.Datetime:
        return raw.dt.date()  # in the column's own zone: midnight in New York stays on its day
    if found != pl.String:
        return pl.lit(None, pl.Date)
    day = raw.str.strip_chars().str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:.*)?$")
    return day.str.to_date("%Y-%m-%d", strict=False)


def _time(raw: pl.Expr, found: DType) -> pl.Expr:
    if found == pl.Datetime:
        zone = getattr(found, "time_zone", None)
        utc = raw.dt.convert_time_zone("UTC") if zone else raw.dt.replace_time_zone("UTC")
        return utc.cast(UTC, strict=False)
    if found.is_numeric():
        return _epoch(raw.cast(pl.Int64, strict=False))
    if found != pl.String:
        return pl.lit(None, UTC)  # a bare day among them: its hour decides what was known when
    text = raw.str.strip_chars()
    digits = text.str.extract(r"^(\d{9,19})(?:\.0+)?$").cast(pl.Int64, strict=False)
    return pl.coalesce(_iso_time(text), _epoch(digits))


def _iso_time(text: pl.Expr) -> pl.Expr:
    """Read ISO 8601 and the form of Twitter's API; a time without a zone is UTC."""
    text = (
        text.str.replace(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{2}) (\S+) (\S+) (\d{4})$",
                         "${5}-${1}-${2} ${3}${4}")
        .str.replace(r"^(\S{10})T", "${1} ")
        .str.replace(r"\s?(?:Z|UTC)$", "+00:00")
        .str.replace(r"(:[\d.]+)([+-]\d{2})$", "${1}${2}:00")
    )  # fmt: skip
    has_zone = text.str.contains(r":.*[+-]\d{2}:?\d{2}$")
    zoned = pl.when(has_zone).then(text).otherwise(text + "+00:00")
    formats = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z", "%Y-%b-%d %H:%M:%S%z")
    return pl.coalesce(
        zoned.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
        for form in formats
    )


def _epoch(number: pl.Expr) -> pl.Expr:
    """Read seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    size = number.abs()
    micros = (
        pl.when(size < 10**11).then(number * 1_000_000)
        .when(size < 10**14).then(number * 1_000)
        .when(size < 10**17).then(number)
        .otherwise(number // 1_000)
    )  # fmt: skip
    return micros.cast(UTC, strict=False)


_BY_NAME = {
    "text_id": _Reader("an exact id", _identifier),
    "ticker": _Reader("a symbol", _ticker),
}
_BY_DTYPE = {
    pl.String: _Reader("text", _text, keeps_blanks=True),
    pl.Float64: _Reader("a number", _number),
    pl.Int64: _Reader("a whole number", _whole),
    pl.Boolean: _Reader("true or false", _flag),
    pl.Date: _Reader("a day", _day),
    UTC: _Reader("a time", _time),
}
