"""Tables of the market: sessions, tickers, bars, splits and dividends."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import (
    EVENT_TIME,
    KNOWLEDGE_TIME,
    SESSION_DATE,
    SOURCE,
    TICKER,
    UTC,
)

SESSIONS = Table(
    name="raw/sessions",
    grain="one row per session of XNYS",
    known_at="known years ahead: the exchange publishes its calendar",
    columns=(
        SESSION_DATE,
        Column("session_index", pl.Int32, "ordinal of the session, 0 = 2000-01-03", "sessions"),
        Column("open_at", UTC, "opening auction", "UTC"),
        Column("close_at", UTC, "closing auction, early on half-days", "UTC"),
        Column("decision_at", UTC, "when the session's signal is decided, after its close", "UTC"),
        Column("next_session_date", pl.Date, "the session that the signal is for", "date"),
        Column("is_half_day", pl.Boolean, "whether the session closes early"),
    ),
    key=("session_date",),
)

TICKERS = Table(
    name="raw/tickers",
    grain="one row per ticker and first day of validity (a change of sector adds a row)",
    known_at="known at valid_from",
    columns=(
        TICKER,
        Column("company", pl.String, "company name", nullable=True),
        Column("sector", pl.String, "sector as the source names it", nullable=True),
        Column("exchange", pl.String, "exchange as the source names it", nullable=True),
        Column("valid_from", pl.Date, "first day on which the row holds: that of the first bar, or "
               "the day on which we knew of a change", "date"),
        Column("valid_to", pl.Date, "last day on which the row holds: the day before the next row, "
               "or the last session before delisting; null while it holds", "date", nullable=True),
    ),
    key=("ticker", "valid_from"),
)  # fmt: skip

OHLC = ("open", "high", "low", "close")  # the prices of a bar, in the order of its columns
PRICE_BASES = ("unadjusted", "split_adjusted", "total_return")

PRICES = Table(
    name="raw/prices",
    grain="one row per source, ticker, session and knowledge time (a correction adds a row)",
    known_at="known at knowledge_time, the close unless the source delivered later",
    columns=(
        TICKER,
        SESSION_DATE,
        EVENT_TIME,
        KNOWLEDGE_TIME,
        Column("open", pl.Float64, "first price of the session", "USD"),
        Column("high", pl.Float64, "highest price of the session", "USD"),
        Column("low", pl.Float64, "lowest price of the session", "USD"),
        Column("close", pl.Float64, "last price of the session", "USD"),
        Column("volume_shares", pl.Int64, "shares traded", "shares"),
        Column("price_basis", pl.String,
               "what the source already adjusted: unadjusted, split_adjusted or total_return"),
        SOURCE,
    ),
    key=("source", "ticker", "session_date", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip

CORPORATE_ACTIONS = Table(
    name="raw/corporate_actions",
    grain="one row per source, ticker, ex-date, kind and knowledge time",
    known_at="known at knowledge_time, the open of the ex-date unless the source says otherwise",
    columns=(
        TICKER,
        Column("ex_date", pl.Date, "first session that trades without the right", "date"),
        Column("kind", pl.String, "split or dividend"),
        Column("value", pl.Float64, "split: new shares per old share; dividend: USD per share, of "
               "the ex-date after its split for unadjusted prices, as the first download of the "
               "prices counts shares for split_adjusted ones", "ratio or USD"),
        EVENT_TIME,
        KNOWLEDGE_TIME,
        SOURCE,
    ),
    key=("source", "ticker", "ex_date", "kind", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip

BARS_1M = Table(
    name="raw/bars_1m",
    grain="one row per source, ticker and minute with a bar (one without is absent, never filled)",
    known_at="known at known_at, the end of the minute",
    columns=(
        TICKER,
        Column("session_date", pl.Date,
               "first session whose decision time is later than known_at", "date"),
        Column("bar_at", UTC, "start of the minute", "UTC"),
        Column("known_at", UTC, "end of the minute: nothing of the bar is known before", "UTC"),
        Column("open", pl.Float64, "first price of the minute", "USD"),
        Column("high", pl.Float64, "highest price of the minute", "USD"),
        Column("low", pl.Float64, "lowest price of the minute", "USD"),
        Column("close", pl.Float64, "last price of the minute", "USD"),
        Column("volume", pl.Float64, "traded in the minute, as the source counts it", "units"),
        Column("bid", pl.Float64, "best bid at the end of the minute; null without quotes", "USD",
               nullable=True),
        Column("ask", pl.Float64, "best ask at the end of the minute; null without quotes", "USD",
               nullable=True),
        Column("bid_size", pl.Float64, "offered to buy at the bid; null without quotes", "units",
               nullable=True),
        Column("ask_size", pl.Float64, "offered for sale at the ask; null without quotes", "units",
               nullable=True),
        Column("price_basis", pl.String,
               "what the source already adjusted: unadjusted, split_adjusted or total_return"),
        SOURCE,
    ),
    key=("source", "ticker", "bar_at"),
    partition_column="bar_at",
)  # fmt: skip
