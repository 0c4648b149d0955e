"""The catalogue: every table and column in one form, whether a contract or dbt declares it.

Reading both kinds of declaration into `CatalogueTable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.errors import SchemaError

# A unit stands in brackets at the end of a dbt description: "close / open - 1 [fraction]".
MEANING_AND_UNIT = re.compile(r"^(?P<meaning>.*?)(?:\s*\[(?P<unit>[^\]]+)\])?$", re.DOTALL)
# The house form of a dbt model's description ends with these two sentences.
NOT_NULL = "not_null"  # the tag of a column of a dbt model that holds no null
GRAIN_AND_TIME = re.compile(
    r"^(?P<title>.*?)\s*(?P<grain>One row per .*?)\.\s+(?P<known_at>Known .*?)\.?$", re.DOTALL
)


@dataclass(frozen=True)
class CatalogueColumn:
    """One column: `sql_type` as DuckDB names it, `unit` "" where there is none."""

    name: str
    sql_type: str
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def comment(self) -> str:
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class CatalogueTable:
    """One table: `source` says what declares it and where it comes from."""

    name: str
    title: str
    grain: str
    known_at: str
    source: str
    columns: tuple[CatalogueColumn, ...]
    key: tuple[str, ...] = ()

    @property
    def comment(self) -> str:
        return f"{self.title} {_sentence(self.grain)} {_sentence(self.known_at)}".strip()


def from_contract(
    table: Table, *, name: str | None = None, title: str = "", source: str | None = None
) -> CatalogueTable:
    """Return the catalogue entry of a table with a contract, by default one of the lake.

    >>> from finpulse_assets.schemas import SESSIONS
    >>> entry = from_contract(SESSIONS, name="sessions")
    >>> entry.columns[2].sql_type, entry.columns[2].comment
    ('TIMESTAMP WITH TIME ZONE', 'opening auction [UTC]')
    """
    return CatalogueTable(
        name=name or table.name,
        title=title,  # mostly none: the grain says what it is
        grain=table.grain,
        known_at=table.known_at,
        source=source or f"lake/{table.name}",
        columns=tuple(
            CatalogueColumn(c.name, sql_type(c.dtype), c.meaning, c.unit, c.nullable)
            for c in table.columns
        ),
        key=table.key,
    )


def from_dbt(node: Mapping[str, Any]) -> CatalogueTable:
    """Return the catalogue entry of a dbt model.

    Args:
        node: the model in dbt's manifest; its test `sound` holds the columns with the tag not_null.

    Raises:
        SchemaError: its description does not end with "One row per ... . Known ... .".
    """
    name, text = node["name"], " ".join(node["description"].split())
    found = GRAIN_AND_TIME.match(text)
    if not found:
        raise SchemaError(
            f"the description of {name} states no grain or no time: {text!r}",
            hint='end it with "One row per ... . Known ... ." in its .yml',
        )
    upstream = sorted(unique_id.split(".")[-1] for unique_id in node["depends_on"]["nodes"])
    return CatalogueTable(
        name=name,
        title=found["title"],
        grain=found["grain"],
        known_at=found["known_at"],
        source=f"dbt {node['config']['materialized']} of {', '.join(upstream)}",
        columns=tuple(_dbt_column(column) for column in node["columns"].values()),
    )


def _dbt_column(column: Mapping[str, Any]) -> CatalogueColumn:
    described = MEANING_AND_UNIT.match(" ".join(column["description"].split()))
    return CatalogueColumn(
        name=column["name"],
        sql_type=column["data_type"].upper(),
        meaning=described["meaning"],
        unit=described["unit"] or "",
        nullable=NOT_NULL not in column["tags"],
    )


def sql_type(dtype: pl.DataType | type[pl.DataType]) -> str:
    """Return DuckDB's name of a contract's dtype.

    >>> sql_type(pl.Int64)
    'BIGINT'

    Raises:
        SchemaError: no contract uses this dtype yet.
    """
    names = {
        pl.String: "VARCHAR",
        pl.Date: "DATE",
        pl.Boolean: "BOOLEAN",
        pl.Int32: "INTEGER",
        pl.Int64: "BIGINT",
        pl.Float64: "DOUBLE",
        pl.Datetime: "TIMESTAMP WITH TIME ZONE",
    }
    try:
        return names[dtype.base_type()]
    except KeyError:
        raise SchemaError(
            f"the catalogue has no SQL type for {dtype}", hint="add it to domain/catalogue.py"
        ) from None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
