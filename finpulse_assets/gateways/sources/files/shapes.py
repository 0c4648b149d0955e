"""What a shape of data files is, how one is recognised, and how its rows become delivered rows.

A `Shape` is a known layout, as data; the known ones are in `known_shapes` and `minute_shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.cells import (
    join_problems,
    read_cell,
    without_bare_day,
)
from finpulse_assets.gateways.sources.files.file_names import ticker_in_name
from finpulse_assets.gateways.sources.files.tables import ROW_PROBLEM, OpenTable
from finpulse_assets.gateways.sources.files.times import Notation
from finpulse_assets.gateways.sources.protocols import Schema

# Names of one column, the first that a file has counts.
Names = str | tuple[str, ...]
Finish = Callable[[pl.LazyFrame, Collection[str]], pl.LazyFrame]

# Before the file's own names while both are in one frame: "open" as text, and "open" as a number.
_RAW, _USUAL = "raw:", "usual:"
# When something was known decides what a model may see; a bar's minute is held against its session.
_KNOWN_AT = ("event_time", "knowledge_time")


@dataclass(frozen=True)
class Shape:
    """One layout of a file.

    A name in lower case is found however a file spells it ("adj_close" as "Adj Close"), one with a
    capital letter and one of a single letter as it stands.

    Args:
        name: how messages call it.
        schema: the delivered columns. Each is read under its own name where a file has that,
            whatever its shape.
        columns: delivered column -> the file's names of it. A file of this shape has them all.
        optional: more names of these, each used where the file has it.
        defaults: delivered column -> value where the file has none.
        extras: columns that only `finish` needs -> the dtype to read them as; null where absent.
        needs: the extras without which a file is not of this shape.
        finish: the last step, on rows that are read already, with the names of what the file has.
        lacks: names that a file of this shape does not have.
        named_after_ticker: whether all rows are of the ticker in the file's name where no column
            says so.
        day_order: order of day and month, where the shape has one.
        zone: zone of times that name none, where the shape has one.
        asks_zone: whether times that name no zone are in one that only the user knows.
    """

    name: str
    schema: Schema
    columns: Mapping[str, Names]
    optional: Mapping[str, Names] = field(default_factory=dict)
    defaults: Mapping[str, pl.Expr] = field(default_factory=dict)
    extras: Schema = field(default_factory=dict)
    needs: Sequence[str] = ()
    finish: Finish = lambda frame, _: frame
    lacks: Sequence[str] = ()
    named_after_ticker: bool = False
    day_order: str | None = None
    zone: str | None = None
    asks_zone: bool = False

    @property
    def needed(self) -> list[str]:
        return [*(_names(names)[0] for names in self.columns.values()), *self.needs]

    @property
    def dtypes(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """All that is read: the delivered columns but `problem`, and the extras."""
        return {n: d for n, d in {**self.schema, **self.extras}.items() if n != "problem"}

    def columns_in(self, found: Collection[str]) -> dict[str, str]:
        """Return delivered column or extra -> the file's column, for all that the file has."""
        own = {n: (n, *_names(self.optional.get(n, ()))) for n in self.dtypes}
        wanted = {**own, **self.columns}
        present = {name: _column(found, names) for name, names in wanted.items()}
        return {name: column for name, column in present.items() if column is not None}

    def fits(self, found: Collection[str]) -> bool:
        """Whether a file with these columns is of this shape."""
        needed = [*self.columns.values(), *self.needs]
        has_all = all(_column(found, names) is not None for names in needed)
        return has_all and all(_column(found, name) is None for name in self.lacks)

    def notation(self, stated: Notation) -> Notation:
        """Return how files of this shape write days and times, as `stated` where it has no way."""
        return replace(
            stated, day_order=self.day_order or stated.day_order, zone=self.zone or stated.zone
        )


def recognise(found: Sequence[str], shapes: Sequence[Shape], *, path: Path, what: str) -> Shape:
    """Return the first of `shapes` that a file with the columns `found` has.

    Raises:
        SourceError: there is none; it lists what was found and what is understood.
    """
    for shape in shapes:
        if shape.fits(found):
            return shape

    def lacking(shape: Shape) -> list[str]:
        wanted = [*shape.columns.values(), *shape.needs]
        return [_names(names)[0] for names in wanted if _column(found, names) is None]

    nearest = min(shapes, key=lambda shape: len(lacking(shape)) - len(shape.needed))
    understood = "; ".join(f"{shape.name} ({', '.join(shape.needed)})" for shape in shapes)
    lacks = lacking(nearest) or ["nothing, but has " + ", ".join(nearest.lacks)]
    raise SourceError(
        f"{path} has the columns {', '.join(found) or '(none)'}, no shape of {what} has them; "
        f"nearest is {nearest.name}, it lacks {', '.join(lacks)}",
        hint=f"rename columns to one of: {understood}",
    )


def ignored_columns(table: OpenTable, shape: Shape) -> list[str]:
    """Return the columns of `table` that nothing reads, in its order."""
    used = set(shape.columns_in(table.columns).values())
    return [name for name in table.columns if name not in used]


def deliver(
    table: OpenTable,
    shape: Shape,
    *,
    where: pl.Expr | None = None,
    notation: Notation | None = None,
) -> pl.LazyFrame:
    """Return the rows of `table`, lazily, in the columns of `shape.schema`.

    Args:
        table: a file whose columns `shape` was recognised by.
        shape: how to read it.
        where: a filter on delivered columns. What it needs is read first, so that only the rows
            that pass cost more than that.
        notation: how the file writes what can be read in two ways, where the shape does not say.

    Raises:
        SourceError: neither a column nor the file's name has a ticker, where one has to.
    """
    found, columns, wanted = table.columns, shape.columns_in(table.columns), shape.dtypes
    how = replace(
        shape.notation(notation or Notation()), has_thousands=not table.has_decimal_commas
    )
    cells = {n: read_cell(n, _RAW + c, found[c], wanted[n], how) for n, c in columns.items()}
    times = [name for name in _KNOWN_AT if name in cells]
    usual = [_is_usual(cells[name].is_midnight).alias(_USUAL + name) for name in times]
    cells |= {n: without_bare_day(n, cells[n], pl.col(_USUAL + n)) for n in times}
    values = {
        n: cells[n].value if n in cells else pl.lit(None, dtype).alias(n)
        for n, dtype in wanted.items()
    }
    if shape.named_after_ticker and "ticker" not in cells:
        values["ticker"] = pl.lit(ticker_in_name(table.path)).alias("ticker")
    problems = [pl.col(_RAW + ROW_PROBLEM), *(cell.problem for cell in cells.values())]
    if table.is_decoded:
        problems += [_lossy(n, columns[n]) for n in cells if wanted[n] == pl.String]

    frame = table.frame.rename({name: _RAW + name for name in [*found, ROW_PROBLEM]})
    frame = frame.with_columns(usual)
    if where is not None:
        early = sorted(set(where.meta.root_names()))
        frame = frame.with_columns(values[n] for n in early).filter(where)
        values |= {n: pl.col(n) for n in early}
    return (
        frame.select(*values.values(), join_problems(*problems))
        .pipe(shape.finish, columns.keys())
        .with_columns(pl.coalesce(n, default).alias(n) for n, default in shape.defaults.items())
        .select(list(shape.schema))
    )


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _column(found: Collection[str], names: Names) -> str | None:
    """Return the file's column of the first of `names` that it has, None where it has none."""
    spelt: dict[str, str] = {}
    for column in found:
        spelt.setdefault(re.sub(r"[^a-z0-9/]+", "_", column.lower()).strip("_"), column)
    for name in _names(names):
        if name in found:
            return name
        if len(name) > 1 and name == name.lower() and name in spelt:
            return spelt[name]
    return None


def _is_usual(is_midnight: pl.Expr) -> pl.Expr:
    """Return whether most times of a file are midnights: then they are days without an hour."""
    return is_midnight.sum() * 2 > is_midnight.count()


def _lossy(name: str, column: str) -> pl.Expr:
    """Say so where a byte was no UTF-8: to score a mangled text would be a silent mistake."""
    is_lossy = pl.col(_RAW + column).str.contains("\ufffd", literal=True)
    return pl.when(is_lossy).then(pl.lit(f"{name} has bytes that are not UTF-8"))
