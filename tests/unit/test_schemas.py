"""Contracts: what `enforce` brings into order, and what it refuses in which words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets import schemas
from finpulse_assets.contract import Column, Table
from finpulse_assets.errors import SchemaError

TABLE = Table(
    name="raw/things",
    grain="one row per thing and day",
    known_at="at once",
    columns=(
        Column("day", pl.Date, "day"),
        Column("thing", pl.String, "thing"),
        Column("count", pl.Int32, "count", "things"),
        Column("price", pl.Float64, "price", "USD", nullable=True),
        Column("at", schemas.UTC, "time", "UTC"),
    ),
    key=("day", "thing"),
)
AT = datetime(2024, 6, 3, 15, tzinfo=UTC)
GOOD = pl.DataFrame(
    {
        "at": [AT] * 3,
        "thing": ["b", "a", "a"],
        "price": [1.5, None, 3.0],
        "count": [1, 2, 3],
        "day": [date(2024, 6, 3), date(2024, 6, 4), date(2024, 6, 3)],
    }
)
ALL = [value for value in vars(schemas).values() if isinstance(value, Table)]


def test_columns_dtypes_and_rows_come_in_order():
    frame = TABLE.enforce(GOOD)
    assert frame.schema == TABLE.empty().schema
    assert frame["thing"].to_list() == ["a", "b", "a"]
    assert frame["count"].to_list() == [3, 1, 2]
    assert TABLE.enforce(frame).equals(frame)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.permutations(range(GOOD.height)))
def test_the_order_of_arrival_does_not_count(order):
    assert TABLE.enforce(GOOD[list(order)]).equals(TABLE.enforce(GOOD))


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (
            GOOD.drop("price", "count"),
            r"raw/things lacks the columns count, price\. Hint: it has at, thing, day",
        ),
        (
            GOOD.with_columns(mood=pl.lit(1), colour=pl.lit(2)),
            r"raw/things has columns outside its contract: mood, colour\. Hint: add them to sche",
        ),
        (
            GOOD.with_columns(thing=pl.lit(None, pl.String), at=pl.lit(None, schemas.UTC)),
            r"raw/things has nulls where none may be: thing \(3\), at \(3\)",
        ),
        (
            GOOD.with_columns(day=pl.lit(date(2024, 6, 3))),
            r"raw/things has 2 rows that share a key \(day, thing\), for example "
            r"\(datetime\.date\(2024, 6, 3\), 'a'\)",
        ),
        (GOOD.with_columns(count=pl.lit("many")), "raw/things has a value of another type: .*many"),
        (GOOD.with_columns(count=pl.lit(2**40)), "raw/things has a value of another type"),
        (
            GOOD.with_columns(count=pl.Series([1.0, 2.5, 3.0])),
            r"raw/things has a value of another type: count is 2\.5, it should be a whole number",
        ),
        (
            GOOD.with_columns(count=pl.Series([1.0, float("nan"), 3.0])),
            r"count is nan, it should be a whole number",
        ),
        (GOOD.with_columns(day=pl.lit("3 June")), "raw/things has a value of another type"),
        (GOOD.with_columns(price=pl.lit([1.0])), "raw/things has a value of another type"),
    ],
    ids=["missing", "extra", "null", "twice", "word", "large", "fraction", "nan", "date", "list"],
)
def test_what_breaks_the_contract_is_refused(frame, sentence):
    with pytest.raises(SchemaError, match=sentence):
        TABLE.enforce(frame)


def test_whole_floats_and_narrow_integers_fit():
    frame = GOOD.with_columns(
        count=pl.Series([1.0, 2.0, 3.0]), price=pl.Series([1, None, 3], dtype=pl.Int8)
    )
    assert TABLE.enforce(frame)["count"].to_list() == [3, 1, 2]
    assert TABLE.enforce(frame)["price"].to_list() == [3.0, 1.0, None]


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_a_contract_is_complete(table):
    assert table.enforce(table.empty()).equals(table.empty())
    assert set(table.key) <= set(table.column_names)
    assert len(set(table.column_names)) == len(table.columns)
    assert table.grain.startswith("one row per")
    assert table.known_at.startswith("known ")
    assert all(column.meaning for column in table.columns)
    assert not any(table.by_name[name].nullable for name in table.key)
    assert table.partition_column is None or table.partition_column in table.column_names


def test_one_name_has_one_type():
    dtypes: dict[str, set] = {}
    for table in ALL:
        for column in table.columns:
            dtypes.setdefault(column.name, set()).add(column.dtype)
    several = {name for name, found in dtypes.items() if len(found) > 1}
    # `fold` is a number of the walk-forward, or "all" in the report; see their meanings.
    assert several == {"fold"}


def test_names_are_names_of_folders():
    names = [table.name for table in ALL]
    assert len(set(names)) == len(names)
    assert all(table.name == table.name.lower() and ".." not in table.name for table in ALL)
