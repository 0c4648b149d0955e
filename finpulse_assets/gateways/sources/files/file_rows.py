"""The files behind one path: their rows, their ends, and what of them is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.cells import join_problems
from finpulse_assets.gateways.sources.files.formats import open_tables
from finpulse_assets.gateways.sources.files.shapes import (
    Shape,
    deliver,
    ignored_columns,
    recognise,
)
from finpulse_assets.gateways.sources.files.tables import OpenTable, reading
from finpulse_assets.gateways.sources.files.times import Notation
from finpulse_assets.gateways.sources.protocols import Outside

Query = Callable[[pl.LazyFrame], pl.LazyFrame]


@dataclass(frozen=True)
class Files:
    """The data files of one kind of row, opened again at every call.

    Every method raises SourceError where the path is missing, or a file is unreadable or of no
    understood shape.

    Args:
        path: a file, a folder or a glob.
        shapes: the shapes that they may have.
        what: how messages call their rows.
        notation: how they write what can be read in two ways.
        prepare: the first step, on an opened file, before its shape is recognised.
    """

    path: Path
    shapes: Sequence[Shape]
    what: str
    notation: Notation
    prepare: Callable[[OpenTable], OpenTable] = lambda table: table

    def ask(self, query: Query, *, where: pl.Expr | None = None) -> pl.DataFrame:
        """Return the answers of each file, one after the other.

        Args:
            query: asked of the delivered rows of a file.
            where: a filter on delivered columns, before that.
        """
        answers = []
        for table, shape in self.opened():
            with reading(table.path):
                rows = deliver(table, shape, where=where, notation=self.notation)
                answers.append(query(rows).collect())
        return pl.concat(answers)

    def rows(
        self, window: pl.Expr, *, ahead: pl.Expr | None = None, moment: str = ""
    ) -> pl.DataFrame:
        """Return the rows of a window, and with a problem those that are `ahead` of now.

        Args:
            window: a filter on delivered columns.
            ahead: whether a row is still to come, which makes it part of every window.
            moment: the column that says when.
        """
        if ahead is None:
            return self.ask(lambda rows: rows, where=window)
        is_ahead = ahead.fill_null(False)
        shown = pl.col(moment).cast(pl.Date)
        sentence = pl.when(is_ahead).then(pl.format(moment + " {} lies in the future", shown))
        problem = join_problems(pl.col("problem"), sentence)
        return self.ask(lambda rows: rows.with_columns(problem), where=window | is_ahead)

    def ends(self, moment: pl.Expr, now: datetime | date) -> pl.DataFrame:
        """Return the first and last moment up to `now` of each file: first, last.

        Raises:
            SourceError: a file has rows, and no moment of them can be read.
        """
        # A day mistyped into the future is a bad row, and no end of the data.
        past = moment.filter(moment <= now)
        found = self.ask(
            lambda rows: rows.select(
                first=past.min(),
                last=past.max(),
                rows=pl.len(),
                read=moment.count(),
                problem=pl.col("problem").drop_nulls().first(),
            )
        )
        for one, (table, _) in zip(found.iter_rows(named=True), self.opened(), strict=True):
            if one["problem"] and not one["read"]:
                raise SourceError(
                    f"none of the {one['rows']:,} {self.what} in {table.path} has a usable time, "
                    f"the first one: {one['problem']}",
                    hint="docs/data.md says which forms are read",
                )
        return found.select("first", "last")

    def ignored_columns(self) -> dict[str, list[str]]:
        """Return file -> its columns that nothing reads; files of the same ones stand in one."""
        files: dict[tuple[str, ...], list[Path]] = {}
        for table, shape in self.opened():
            if columns := tuple(ignored_columns(table, shape)):
                files.setdefault(columns, []).append(table.path)
        return {_shown(paths): list(columns) for columns, paths in files.items()}

    def outside(self, window: pl.Expr, day: pl.Expr, is_past: pl.Expr) -> Outside:
        """Return how many rows are neither of the window nor delivered as bad ones.

        Args:
            window: the filter that was asked.
            day: the day of a row.
            is_past: whether a row is not still to come; those that are, are delivered.
        """
        where = ~window.fill_null(True) & is_past.fill_null(False)
        found = self.ask(
            lambda rows: rows.select(rows=pl.len(), first=day.min(), last=day.max()), where=where
        )
        rows, first, last = found.select(pl.sum("rows"), pl.min("first"), pl.max("last")).row(0)
        return Outside(rows, first, last)

    def opened(self) -> Iterator[tuple[OpenTable, Shape]]:
        """Yield each file with the shape that it has."""
        for file in open_tables(self.path):
            with reading(file.path):
                table = self.prepare(file)
                columns = list(table.columns)
            yield table, recognise(columns, self.shapes, path=table.path, what=self.what)


def _shown(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].name}{more}"
