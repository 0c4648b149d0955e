"""Adjusted prices: the close that counts, and the same close across splits and dividends.

The adjustment is the one that features use (`adjustment.adjust_bars`), of the newest versions.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.adjustment import adjust_bars
from finpulse_assets.domain.features.choice import choose_actions, first_bars, has_prices
from finpulse_assets.domain.features.engine.preparation import due_actions
from finpulse_assets.schemas import PRICES, SESSION_DATE, SOURCE, TICKER

ADJUSTED_PRICES = Table(
    name="adjusted_prices",
    grain="one row per ticker and session with a bar",
    known_at="known as of the snapshot: the newest version of the bar, the splits and the "
    "dividends then",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("close", pl.Float64, "last price of the session, as it was traded", "USD"),
        Column("adjusted_close", pl.Float64, "what one share of the ticker's first bar has become "
               "by this close, splits and reinvested dividends included; its ratio between two "
               "sessions is the total return. Adjusted forward: the first close stays as it was, "
               "and a later split or dividend changes no earlier row", "USD"),
        Column("adjustment_factor", pl.Float64, "adjusted_close / close; other prices of the bar "
               "are adjusted by it too", "ratio"),
        PRICES.by_name["price_basis"],
        SOURCE,
    ),
    key=("ticker", "session_date"),
)  # fmt: skip


def adjusted_prices(
    prices: pl.LazyFrame,
    actions: pl.LazyFrame,
    sessions: pl.DataFrame,
    *,
    as_of: datetime,
    sources: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `ADJUSTED_PRICES` as known at `as_of`.

    Args:
        prices: `schemas.PRICES`, all versions.
        actions: `schemas.CORPORATE_ACTIONS`, all versions.
        sessions: `schemas.SESSIONS` that cover the prices.
        as_of: UTC time; later knowledge is not used.
        sources: `schemas.SOURCES`, the order of the sources; without it they are taken by name.
    """
    sessions = sessions.sort("session_date").with_row_index("session")
    chosen = first_bars(prices, sessions, as_of, sources=sources)
    due = due_actions(actions, sessions, as_of, due="decision_at")
    newest_actions = (
        choose_actions(due, chosen, sources=sources)
        .sort("knowledge_time")
        .unique(["ticker", "ex_date", "kind"], keep="last", maintain_order=True)
    )
    bars = (
        prices.filter(pl.col("knowledge_time") <= as_of, has_prices())
        .sort("knowledge_time")
        .unique(["source", "ticker", "session_date"], keep="last", maintain_order=True)
        .collect()
        .join(
            chosen.select("ticker", "session_date", pl.col("source").cast(pl.String)),
            on=["ticker", "session_date", "source"],
            how="semi",
        )
    )
    adjusted = adjust_bars(bars.with_columns(traded="close"), newest_actions)
    return ADJUSTED_PRICES.enforce(
        adjusted.select(
            "ticker",
            "session_date",
            close="traded",
            adjusted_close="close",
            adjustment_factor=pl.col("close") / pl.col("traded"),
            price_basis="price_basis",
            source="source",
        )
    )
