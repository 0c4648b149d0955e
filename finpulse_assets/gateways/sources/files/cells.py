"""Cells of data files: text, number or epoch in, the delivered type out, or a sentence why not.

How one cell of a known column is read, whatever the file's own type for it. Everything is a polars
expression, so that only the rows that are asked for are ever converted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from finpulse_assets.gateways.sources.files.times import (
    ORDERED_DAY,
    DType,
    Notation,
    is_midnight,
    read_day,
    read_time,
)
from finpulse_assets.schemas import UTC

_BLANK = ("", "na", "n/a", "nan", "nat", "none", "null")
_MAX_EXACT = 2**53  # beyond it a float skips whole numbers, and an id becomes another id
_MAX_SHOWN = 60
_DOLLARS = r"^([+-]?)\$\s?"
_THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$"
_YES, _NO = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")


@dataclass(frozen=True)
class Cell:
    """A column read as its delivered type.

    Args:
        value: what was read, null where nothing could be.
        problem: why not, null where it was read.
        is_midnight: of a time, whether it is a midnight, which may be a bare day in another form.
    """

    value: pl.Expr
    problem: pl.Expr
    is_midnight: pl.Expr | None = None


@dataclass(frozen=True)
class _Reader:
    """`read` turns a column of some dtype into the value, null where it cannot."""

    noun: str
    read: Callable[[pl.Expr, DType, Notation], pl.Expr]
    keeps_blanks: bool = False


def read_cell(
    name: str, column: str, found: DType, wanted: DType, notation: Notation | None = None
) -> Cell:
    """Return how to read the delivered column `name` from a file's `column` of dtype `found`.

    >>> cell = read_cell("open", "Open", pl.String, pl.Float64)
    >>> raw = pl.DataFrame({"Open": ["1.5", "abc", "N/A", None]})
    >>> raw.select(open=cell.value, problem=cell.problem).rows()
    [(1.5, None), (None, "open 'abc' is not a number"), (None, None), (None, None)]
    """
    reader = _BY_NAME.get(name) or _BY_DTYPE[wanted]
    notation = notation or Notation()
    raw = pl.col(column)
    if found.is_nested() or found == pl.Binary:
        value, shown = pl.lit(None, wanted), pl.lit(str(found))
    else:
        shown = raw.cast(pl.String, strict=False)
        value = reader.read(raw, found, notation).cast(wanted, strict=False)
    blank = pl.lit(False)
    if not reader.keeps_blanks:
        blank = shown.str.strip_chars().str.to_lowercase().is_in(_BLANK)
    unread = raw.is_not_null() & value.is_null() & ~blank
    sentence = pl.format(f"{name} '{{}}' is not {reader.noun}", shown.str.slice(0, _MAX_SHOWN))
    if wanted == pl.Date and notation.day_order is None:
        unordered = f"{name} '{{}}' has no stated order, set FINPULSE_DAY_ORDER to mdy or dmy"
        in_order = pl.format(unordered, shown.str.slice(0, _MAX_SHOWN))
        has_order = shown.str.contains(ORDERED_DAY)
        sentence = pl.when(has_order).then(in_order).otherwise(sentence)
    midnight = None
    if wanted == UTC and not found.is_nested() and found != pl.Binary:
        midnight = pl.when(value.is_not_null()).then(is_midnight(raw, found, value))
    return Cell(value.alias(name), pl.when(unread).then(sentence), midnight)


def without_bare_day(name: str, cell: Cell, is_usual: pl.Expr) -> Cell:
    """Return the cell with its midnights refused where `is_usual`, as a bare day is refused.

    A day does not say at which of its hours something was known, and its midnight is the earliest.
    """
    bare = is_usual & cell.is_midnight
    shown = cell.value.dt.strftime("%Y-%m-%d %H:%M")
    sentence = pl.format(
        name + " {} UTC is a bare day, as are most times of the file, and a day has no hour", shown
    )
    value = pl.when(~bare).then(cell.value).alias(name)
    return Cell(value, pl.when(bare).then(sentence).otherwise(cell.problem), cell.is_midnight)


def join_problems(*problems: pl.Expr) -> pl.Expr:
    """Return all problems of a row in one sentence, null where there is none."""
    joined = pl.concat_str(problems, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined).alias("problem")


def _text(raw: pl.Expr, _found: DType, _: Notation) -> pl.Expr:
    # NUL bytes come from broken exports; no database after this one could store them.
    return raw.cast(pl.String, strict=False).str.replace_all("\x00", "", literal=True)


def _ticker(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    symbol = _text(raw, found, notation).str.strip_chars().str.to_uppercase()
    return pl.when(symbol != "").then(symbol.str.replace_all(".", "-", literal=True))


def _identifier(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    if found.is_float():
        exact = (raw == raw.floor()) & (raw.abs() <= _MAX_EXACT)
        return pl.when(exact).then(raw).cast(pl.Int64, strict=False).cast(pl.String)
    text = _text(raw, found, notation).str.strip_chars()
    # 9.47618E+17 is what a spreadsheet leaves of an id: another text may share it.
    return pl.when(~text.str.contains(r"^\d(\.\d+)?[eE]\+?\d+$") & (text != "")).then(text)


def _number(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    if found == pl.String:
        raw = _plain(raw, notation)
    elif not (found.is_numeric() or found == pl.Boolean):
        return pl.lit(None, pl.Float64)
    return raw.cast(pl.Float64, strict=False).fill_nan(None)


def _plain(raw: pl.Expr, notation: Notation) -> pl.Expr:
    """Return `$100` and `1,100` as 100 and 1100; a comma that parts no thousands stays one."""
    text = raw.str.strip_chars().str.replace(_DOLLARS, "$1")
    if not notation.has_thousands:
        return text
    has_commas = text.str.contains(_THOUSANDS)
    return pl.when(has_commas).then(text.str.replace_all(",", "", literal=True)).otherwise(text)


def _whole(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    if found.is_integer():
        return raw.cast(pl.Int64, strict=False)
    number = _number(raw, found, notation)
    exact = (number == number.floor()) & (number.abs() <= _MAX_EXACT)
    from_float = pl.when(exact).then(number).cast(pl.Int64, strict=False)
    if found == pl.String:
        return pl.coalesce(_plain(raw, notation).cast(pl.Int64, strict=False), from_float)
    return from_float


def _flag(raw: pl.Expr, found: DType, _: Notation) -> pl.Expr:
    if found == pl.Boolean:
        return raw
    text = raw.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
    return pl.when(text.is_in(_YES)).then(True).when(text.is_in(_NO)).then(False)


_BY_NAME = {
    "text_id": _Reader("an exact id", _identifier),
    "ticker": _Reader("a symbol", _ticker),
}
_BY_DTYPE = {
    pl.String: _Reader("text", _text, keeps_blanks=True),
    pl.Float64: _Reader("a number", _number),
    pl.Int64: _Reader("a whole number", _whole),
    pl.Boolean: _Reader("true or false", _flag),
    pl.Date: _Reader("a day", read_day),
    UTC: _Reader("a time", read_time),
}
