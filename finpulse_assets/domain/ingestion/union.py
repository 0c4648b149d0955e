"""The union: rows of several sources become one raw table, each under its source's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.texts.normalise import with_text_hash


@dataclass(frozen=True)
class United:
    """Rows of a raw table, and the rows whose ticker is outside the universe, by ticker."""

    rows: pl.DataFrame
    out_of_scope: pl.DataFrame

    @property
    def out_of_scope_rows(self) -> int:
        return int(self.out_of_scope["rows"].sum())


def unite_texts(
    table: Table,
    delivered: Mapping[str, pl.DataFrame],
    *,
    sessions: pl.DataFrame,
    tickers: Sequence[str],
) -> United:
    """Return the texts of all sources, each with its hash and the session that it counts for.

    A text about a ticker without prices is out of scope: it is kept where it was delivered, counted
    here, and taken in as soon as the ticker is listed.

    Args:
        table: `schemas.TWEETS` or `schemas.HEADLINES`.
        delivered: source -> its rows, as `schemas.source_table`.
        sessions: the calendar, to the session after the last text.
        tickers: the universe.
    """
    rows = _named(table, delivered)
    inside = pl.col("ticker").is_in(list(tickers))
    outside = rows.filter(~inside).group_by("ticker").agg(rows=pl.len()).sort("ticker")
    timed = assign_sessions(with_text_hash(rows.filter(inside)), sessions)
    return United(table.enforce(timed.select(table.column_names)), outside)


def unite_market(table: Table, delivered: Mapping[str, pl.DataFrame]) -> United:
    """Return the bars or actions of all sources; what has prices is the universe.

    >>> from finpulse_assets.schemas import CORPORATE_ACTIONS
    >>> unite_market(CORPORATE_ACTIONS, {}).rows.height
    0
    """
    none = pl.DataFrame(schema={"ticker": pl.String, "rows": pl.UInt32})
    return United(table.enforce(_named(table, delivered).select(table.column_names)), none)


def _named(table: Table, delivered: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all sources with their source's name, in the columns that they share."""
    frames = [rows.with_columns(source=pl.lit(name)) for name, rows in delivered.items()]
    if not frames:
        return table.empty().drop("session_date" if "text_hash" in table.by_name else [])
    return pl.concat([rows.select(c for c in table.column_names if c in rows.columns)
                      for rows in frames])  # fmt: skip
