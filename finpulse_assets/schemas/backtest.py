"""The table of a backtest: what the schedule would have traded."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import UTC

_SIDE = "fraction of one side"

BACKTEST = Table(
    name="models/backtest",
    grain="one row per replayed session",
    known_at="known at exit_at",
    columns=(
        Column("session_date", pl.Date, "the session after whose close it was decided", "date"),
        Column("decision_at", UTC, "when the signals were decided", "UTC"),
        Column("exit_at", UTC, "close of the next session, at which the trades end", "UTC"),
        Column("champion_id", pl.String, "the champion in force: candidate id"),
        Column("skills", pl.String, "its skills that were proven then; empty where none was"),
        Column("is_proven", pl.Boolean, "whether any was"),
        Column("is_retrained", pl.Boolean, "whether models were fitted and judged that day"),
        Column("signals", pl.Int32, "tickers with a signal", "tickers"),
        Column("longs", pl.Int32, "tickers bought at the next open: the top third", "tickers"),
        Column("shorts", pl.Int32, "tickers sold short: the bottom third", "tickers"),
        Column("unfilled", pl.Int32, "of these, without trades in the next session", "tickers"),
        Column("gross", pl.Float64, "return of the longs minus that of the shorts", _SIDE),
        Column("turnover", pl.Float64, "bought and sold, at the open and at the close", _SIDE),
        Column("cost", pl.Float64, "what the trades cost", _SIDE),
        Column("net", pl.Float64, "gross minus cost", _SIDE),
        Column("rank_ic", pl.Float64, "rank correlation of the probabilities with what came; null "
               "where all are equal", "correlation", nullable=True),
    ),
    key=("session_date",),
)  # fmt: skip
