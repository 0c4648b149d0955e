"""Training frames of real daily bars: the price features of the registry beside two labels.

Prices are put on a total-return basis, so that no list of splits and dividends is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.features.technical import technical_frames
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, TICKERS

AS_OF = datetime(2100, 1, 1, tzinfo=UTC)
OPEN_TO_CLOSE, CLOSE_TO_CLOSE = "open_to_close", "close_to_close"


def bars_of(raw: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, session_date, open, high, low, close (total return), volume_shares.

    Rows without a positive price are left out.

    Args:
        raw: date, symbol or name, open, high, low, close, volume and, where there is one,
            adj_close, by which the prices are scaled.
    """
    names = {"date": "session_date", "symbol": "ticker", "name": "ticker"}
    raw = raw.rename({old: new for old, new in names.items() if old in raw.columns})
    adjusted = pl.col("adj_close") if "adj_close" in raw.columns else pl.col("close")
    factor = adjusted / pl.col("close")
    prices = [pl.col(name).cast(pl.Float64) * factor for name in ("open", "high", "low", "close")]
    bars = raw.select(
        pl.col("ticker").cast(pl.String),
        pl.col("session_date").cast(pl.Date),
        *prices,
        pl.col("volume").cast(pl.Int64).alias("volume_shares"),
    )
    positive = pl.all_horizontal(
        pl.col("open", "high", "low", "close").is_finite()
        & (pl.col("open", "high", "low", "close") > 0)
    )
    return (
        bars.filter(positive)
        .unique(["ticker", "session_date"], keep="last")
        .sort("ticker", "session_date")
    )


def sectors_of(symbols: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Return `schemas.TICKERS`, valid from the first bar on.

    Args:
        symbols: symbol, sector, company.
        bars: from `bars_of`.
    """
    named = symbols.select(ticker="symbol", sector="sector", company="company")
    return TICKERS.enforce(
        named.with_columns(
            exchange=pl.lit(None, pl.String),
            valid_from=pl.lit(bars["session_date"].min()),
            valid_to=pl.lit(None, pl.Date),
        )
    )


def training_frame(
    bars: pl.DataFrame, *, label: str, tickers: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return one row per ticker and session: keys, times, price features, return and direction.

    Args:
        bars: from `bars_of`.
        label: OPEN_TO_CLOSE or CLOSE_TO_CLOSE of the next session.
        tickers: from `sectors_of`; without it the features of sectors are null.
    """
    sessions = build_sessions(bars["session_date"].min(), bars["session_date"].max())
    known = bars.join(sessions.select("session_date", "close_at"), on="session_date")
    prices = PRICES.enforce(
        known.select(
            *bars.columns,
            event_time="close_at",
            knowledge_time="close_at",
            price_basis=pl.lit("total_return"),
            source=pl.lit("files"),
        ).select(PRICES.column_names)
    )
    frames = technical_frames(
        prices.lazy(), CORPORATE_ACTIONS.empty().lazy(), sessions, as_of=AS_OF,
        tickers=None if tickers is None else tickers.lazy(),
    )  # fmt: skip
    features = pl.concat(list(frames))
    at = sessions.select(
        "session_date", "decision_at", "next_session_date",
        exit_at=pl.col("close_at").shift(-1),
    )  # fmt: skip
    outcome = bars.select(
        "ticker", next_session_date="session_date", next_open="open", next_close="close"
    )
    last = bars.select("ticker", "session_date", last_close="close")
    start = pl.col("next_open") if label == OPEN_TO_CLOSE else pl.col("last_close")
    return (
        features.select("ticker", "session_date", *(it.name for it in TECHNICAL))
        .join(at, on="session_date")
        .join(last, on=["ticker", "session_date"])
        .join(outcome, on=["ticker", "next_session_date"])
        .with_columns(return_next_session=pl.col("next_close") / start - 1)
        .with_columns(is_up=pl.col("return_next_session") > 0)
        .drop("next_open", "next_close", "last_close", "next_session_date")
        .sort("ticker", "session_date")
    )
