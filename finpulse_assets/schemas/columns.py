"""Columns that several tables share."""

from __future__ import annotations

import polars as pl

from finpulse_assets.contract import Column

UTC = pl.Datetime("us", "UTC")

# How a symbol may be written: AAPL, BRK-B, ^GSPC, EURUSD=X, M&M-NS. A spreadsheet takes a text that
# begins with = + - or @ for a formula, and a colon or a comma parts symbols in settings.
SYMBOL = r"^[A-Z0-9^][A-Z0-9.^=&_/-]{0,19}$"
TICKER = Column("ticker", pl.String, "exchange symbol, upper case, class shares with a dash")
SESSION_DATE = Column("session_date", pl.Date, "trading day of XNYS", "date")
EVENT_TIME = Column("event_time", UTC, "when it happened", "UTC")
KNOWLEDGE_TIME = Column("knowledge_time", UTC, "when we had it", "UTC")
SOURCE = Column("source", pl.String, "which source delivered it")
MODEL_VERSION = Column("model_version", pl.String, "candidate id of the champion that predicted")
