"""Tables about companies beside bars and texts: listings, institutional holdings, option chains.

Their sources say themselves when each row was known.
"""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import EVENT_TIME, KNOWLEDGE_TIME, SOURCE, TICKER

LISTINGS = Table(
    name="raw/listings",
    grain="one row per source, ticker and knowledge time (a change adds a row, an end too)",
    known_at="known at knowledge_time, when the directory was read",
    columns=(
        TICKER,
        KNOWLEDGE_TIME,
        Column("company", pl.String, "company name", nullable=True),
        Column("exchange", pl.String, "exchange as the source names it", nullable=True),
        Column("sector", pl.String, "of Fama and French's twelve, by the SIC code", nullable=True),
        Column("cik", pl.Int64, "number of the company at the SEC, which outlives its ticker",
               nullable=True),
        Column("is_listed", pl.Boolean, "false where the directory no longer has the ticker"),
        SOURCE,
    ),
    key=("source", "ticker", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip

HOLDINGS = Table(
    name="raw/holdings",
    grain="one row per source, filing, manager and ticker",
    known_at="known at knowledge_time, the acceptance of the filing unless it came later",
    columns=(
        TICKER,
        Column("manager", pl.Int64, "number of the institutional manager at the SEC"),
        Column("filing_id", pl.String, "accession number of the filing"),
        Column("report_date", pl.Date, "end of the quarter that the filing reports on", "date"),
        Column("is_addition", pl.Boolean, "whether the filing adds to an earlier one; else it "
               "replaces what was said of the quarter"),
        Column("shares", pl.Int64, "shares held, options on them left out; 0 where the manager "
               "reports none", "shares"),
        Column("value_usd", pl.Float64, "their value at report_date", "USD"),
        EVENT_TIME,
        KNOWLEDGE_TIME,
        SOURCE,
    ),
    key=("source", "filing_id", "manager", "ticker", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip

OPTIONS = Table(
    name="raw/options",
    grain="one row per source, contract and time at which a chain was taken",
    known_at="known at knowledge_time, when the chain was taken",
    columns=(
        TICKER,
        Column("contract", pl.String, "symbol of the contract"),
        Column("expiry_date", pl.Date, "last day of the contract", "date"),
        Column("side", pl.String, "call or put"),
        Column("strike", pl.Float64, "price at which it may be exercised", "USD"),
        Column("underlying_price", pl.Float64, "price of the share in the same answer", "USD"),
        Column("volume_contracts", pl.Int64, "traded in the session; null where the source is "
               "silent", "contracts", nullable=True),
        Column("open_interest_contracts", pl.Int64, "not closed; null where the source is silent",
               "contracts", nullable=True),
        Column("implied_volatility", pl.Float64, "a year's, by the source's own model; null where "
               "it has no quote to read it from", "fraction", nullable=True),
        EVENT_TIME,
        KNOWLEDGE_TIME,
        SOURCE,
    ),
    key=("source", "contract", "knowledge_time"),
    partition_column="knowledge_time",
)  # fmt: skip
