"""The columns in which vendors deliver listings, holdings and option chains.

Every row has its knowledge time: that of the filing, or of the run that took the list or the chain.
As every source, these drop no row and refuse none; see `protocols`.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.gateways.sources.protocols import Schema, check_window

DELIVERED_LISTINGS: Schema = {
    "ticker": pl.String,
    "company": pl.String,
    "exchange": pl.String,
    "sector": pl.String,
    "cik": pl.Int64,
    "knowledge_time": schemas.UTC,
    "source": pl.String,
    "problem": pl.String,
}
DELIVERED_HOLDINGS: Schema = {
    "ticker": pl.String,
    "manager": pl.Int64,
    "filing_id": pl.String,
    "report_date": pl.Date,
    "is_addition": pl.Boolean,
    "shares": pl.Int64,
    "value_usd": pl.Float64,
    "event_time": schemas.UTC,
    "knowledge_time": schemas.UTC,
    "source": pl.String,
    "problem": pl.String,
}
DELIVERED_OPTIONS: Schema = {
    "ticker": pl.String,
    "contract": pl.String,
    "expiry_date": pl.Date,
    "side": pl.String,
    "strike": pl.Float64,
    "underlying_price": pl.Float64,
    "volume_contracts": pl.Int64,
    "open_interest_contracts": pl.Int64,
    "implied_volatility": pl.Float64,
    "event_time": schemas.UTC,
    "knowledge_time": schemas.UTC,
    "source": pl.String,
    "problem": pl.String,
}


def knowledge_window(start: datetime, end: datetime) -> pl.Expr:
    """Return the filter of rows known in [start, end); one without a time is part of every window.

    Raises:
        SettingError: the window is naive or backwards.
    """
    check_window(start, end)
    edges = (pl.lit(moment, schemas.UTC) for moment in (start, end))
    known = pl.col("knowledge_time")
    return known.is_between(*edges, closed="left") | known.is_null()
