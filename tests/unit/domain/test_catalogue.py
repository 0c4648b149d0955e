"""The catalogue reads contracts and dbt's manifest into one form."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets import schemas
from finpulse_assets.domain.catalogue import from_contract, from_dbt, sql_type
from finpulse_assets.errors import SchemaError


def node(description: str, *, full: tuple[str, ...] = (), **columns: str) -> dict[str, object]:
    return {
        "name": "fct_bars",
        "description": description,
        "depends_on": {"nodes": ["model.finpulse.stg_b", "source.finpulse.raw.a"]},
        "config": {"materialized": "table"},
        "columns": {
            name: {
                "name": name,
                "data_type": "double",
                "description": text,
                "tags": ["not_null"] if name in full else [],
            }
            for name, text in columns.items()
        },
    }


def test_a_contract_keeps_type_unit_meaning_and_nulls():
    entry = from_contract(schemas.TICKERS, name="tickers")
    assert entry.name == "tickers"
    assert entry.source == "lake/raw/tickers"
    assert entry.key == ("ticker", "valid_from")
    assert entry.comment == (
        "One row per ticker and first day of validity (a change of sector adds a row). "
        "Known at valid_from."
    )
    last = entry.columns[-1]
    assert (last.name, last.sql_type, last.unit, last.nullable) == (
        "valid_to",
        "DATE",
        "date",
        True,
    )


@pytest.mark.parametrize(
    ("text", "meaning", "unit"),
    [
        ("close / open - 1 [fraction]", "close / open - 1", "fraction"),
        ("tweet or headline", "tweet or headline", ""),
        ("place in [low, high] of the day [0 to 1]", "place in [low, high] of the day", "0 to 1"),
        ("two\n  lines  [USD]", "two lines", "USD"),
    ],
)
def test_a_unit_stands_in_brackets_at_the_end(text, meaning, unit):
    model = node("Bars. One row per bar. Known at the close.", value=text)
    [column] = from_dbt(model).columns
    assert (column.meaning, column.unit, column.sql_type) == (meaning, unit, "DOUBLE")
    assert column.nullable


def test_a_dbt_description_is_split_into_title_grain_and_time():
    text = "Bars.\nThe last one counts. One row per ticker\n and day. Known at a; the rest at b."
    entry = from_dbt(node(text, close="last price", full=("close",)))
    assert entry.title == "Bars. The last one counts."
    assert entry.grain == "One row per ticker and day"
    assert entry.known_at == "Known at a; the rest at b"
    assert entry.source == "dbt table of a, stg_b"
    assert not entry.columns[0].nullable


@pytest.mark.parametrize("text", ["", "Bars.", "Bars. One row per bar.", "Bars. Known at noon."])
def test_a_model_without_grain_or_time_is_refused(text):
    with pytest.raises(SchemaError, match="fct_bars states no grain or no time"):
        from_dbt(node(text))


def test_a_dtype_without_a_sql_type_is_refused():
    assert sql_type(schemas.UTC) == "TIMESTAMP WITH TIME ZONE"
    with pytest.raises(SchemaError, match="no SQL type for Binary"):
        sql_type(pl.Binary)
