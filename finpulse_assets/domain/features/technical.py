"""Technical features: daily bars in, one row of features per ticker and session out.

The table of technical features, and what a decision on a session may see.

Every value is made of what was known at its decision. Whatever is not a finite number (a mean of no
volume, a range of zero) is null, never a silent zero; a value before its warm-up is null too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.choice import choose_actions, first_bars
from finpulse_assets.domain.features.engine.panel import feature_frames
from finpulse_assets.domain.features.engine.preparation import due_actions, panel_of
from finpulse_assets.domain.features.feature import SESSION
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.schemas import SESSION_DATE, TICKER

TECHNICAL_FEATURES = Table(
    name="features/technical",
    grain="one row per ticker and session with a bar that was known at its decision",
    known_at="known at decision_at of the session, minutes after its close",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("bars_seen", pl.Int32, "bars of the unbroken run so far, this one included", "bars"),
        *(
            Column(feature.name, pl.Float64, feature.meaning, feature.unit, nullable=True)
            for feature in TECHNICAL
        ),
    ),
    key=("ticker", "session_date"),
)  # fmt: skip


def build_technical_features(
    prices: pl.LazyFrame,
    actions: pl.LazyFrame,
    sessions: pl.DataFrame,
    *,
    as_of: datetime,
    tickers: pl.LazyFrame | None = None,
    sources: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `TECHNICAL_FEATURES` as known at `as_of`, in one frame; see `technical_frames`."""
    frames = list(
        technical_frames(prices, actions, sessions, as_of=as_of, tickers=tickers, sources=sources)
    )
    return TECHNICAL_FEATURES.enforce(pl.concat(frames) if frames else TECHNICAL_FEATURES.empty())


def technical_frames(
    prices: pl.LazyFrame,
    actions: pl.LazyFrame,
    sessions: pl.DataFrame,
    *,
    as_of: datetime,
    tickers: pl.LazyFrame | None = None,
    sources: pl.DataFrame | None = None,
    threads: int = 2,
) -> Iterator[pl.DataFrame]:
    """Yield `TECHNICAL_FEATURES` as known at `as_of`, a block of tickers at a time, by key.

    Args:
        prices: `schemas.PRICES`, all versions.
        actions: `schemas.CORPORATE_ACTIONS`, all versions.
        sessions: `schemas.SESSIONS` that cover the prices.
        as_of: UTC time; later knowledge is not used.
        tickers: `schemas.TICKERS` for the sectors; without it there are none.
        sources: `schemas.SOURCES`, the order of the sources; without it they are taken by name.
        threads: blocks that are computed at a time.
    """
    sessions = sessions.sort("session_date").with_row_index("session")
    bars = first_bars(prices, sessions, as_of, sources=sources)
    versions = due_actions(actions, sessions, as_of, due="decision_at")
    versions = choose_actions(versions, bars, sources=sources)
    panel = panel_of(bars, versions, sessions, SESSION, tickers=tickers)
    yield from feature_frames(panel, SESSION, threads=threads)
