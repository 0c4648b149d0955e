"""The contract of a table: its columns, key and grain as data, and the hold on a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from finpulse_assets.errors import SchemaError


@dataclass(frozen=True)
class Column:
    """One column: its dtype, what it means, its unit ("" for none) and whether null is allowed.

    `came_later` says that files of a history were written before it: there it is null.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False
    came_later: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `name` is its asset key and its folder in the lake ("raw/prices").

    `partition_column` names the UTC time or the date whose New York month decides the partition;
    None for a table kept in one file.
    """

    name: str
    grain: str
    known_at: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_column: str | None = None
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def polars_schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows in this table's columns and dtypes."""
        return pl.DataFrame(schema=self.polars_schema)

    def enforce(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` in this table's column order and dtypes, sorted by its key.

        Sorting makes equal content equal bytes, whatever the order of arrival.

        Raises:
            SchemaError: a column is missing or extra, a value does not fit its dtype, a column
                that must be full has nulls, or two rows share a key.

        >>> day = Column("day", pl.Date, "a day")
        >>> days = Table("days", "one row per day", "known before", (day,), key=("day",))
        >>> days.enforce(pl.DataFrame({"date": []}))
        Traceback (most recent call last):
        ...
        finpulse_assets.errors.SchemaError: days lacks the columns day. Hint: it has date.
        """
        self._check_columns(frame)
        self._check_whole_numbers(frame)
        try:
            frame = frame.select(pl.col(c.name).cast(c.dtype, strict=True) for c in self.columns)
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"{self.name} has a value of another type: {error}") from error
        self._check_nulls(frame)
        self._check_key(frame)
        return frame.sort(self.key)

    def _check_columns(self, frame: pl.DataFrame) -> None:
        missing = [name for name in self.column_names if name not in frame.columns]
        extra = [name for name in frame.columns if name not in self.by_name]
        if missing:
            raise SchemaError(
                f"{self.name} lacks the columns {', '.join(missing)}",
                hint=f"it has {', '.join(frame.columns)}",
            )
        if extra:
            raise SchemaError(
                f"{self.name} has columns outside its contract: {', '.join(extra)}",
                hint="add them to schemas with a meaning, or drop them",
            )

    def _check_whole_numbers(self, frame: pl.DataFrame) -> None:
        """Refuse fractions in a column of integers: a cast would cut them off without a word."""
        for column in self.columns:
            values = frame[column.name]
            if column.dtype.is_integer() and values.dtype.is_float() and (values % 1 != 0).any():
                raise SchemaError(
                    f"{self.name} has a value of another type: {column.name} is "
                    f"{values.filter(values % 1 != 0)[0]}, it should be a whole number"
                )

    def _check_nulls(self, frame: pl.DataFrame) -> None:
        full = [column.name for column in self.columns if not column.nullable]
        counts = frame.select(pl.col(full).null_count()).row(0) if full else ()
        holes = [f"{name} ({count})" for name, count in zip(full, counts, strict=True) if count]
        if holes:
            raise SchemaError(f"{self.name} has nulls where none may be: {', '.join(holes)}")

    def _check_key(self, frame: pl.DataFrame) -> None:
        twice = frame.filter(pl.struct(self.key).is_duplicated())
        if twice.height:
            example = twice.select(self.key).row(0)
            raise SchemaError(
                f"{self.name} has {twice.height} rows that share a key ({', '.join(self.key)}), "
                f"for example {example}"
            )
