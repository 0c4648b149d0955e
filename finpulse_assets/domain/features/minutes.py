"""Features of one-minute bars: the same functions as for sessions, on the other clock.

From raw minute bars to a panel of minutes, and the table that the features make.

Gaps stay gaps: the bar after a closed night follows the last one before it, and no minute is made
up in between. A window of 20 counts 20 bars that were traded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.choice import (
    choose_actions,
    choose_bars,
    has_prices,
    source_order,
    sources_of,
)
from finpulse_assets.domain.features.engine.bars import QUOTES
from finpulse_assets.domain.features.engine.panel import Panel, feature_frames
from finpulse_assets.domain.features.engine.preparation import due_actions, panel_of
from finpulse_assets.domain.features.feature import MINUTE
from finpulse_assets.domain.features.registry import bar_features
from finpulse_assets.schemas import OHLC, SESSION_DATE, TICKER, UTC

_KEY = ("ticker", "session_date", "bar_at", "known_at")
_BESIDE = (*QUOTES, "minutes_since_open", "minutes_to_close")

MINUTE_FEATURES = Table(
    name="features/technical_1m",
    grain="one row per ticker and minute with a bar",
    known_at="known at known_at, the end of the minute",
    columns=(
        TICKER,
        Column("bar_at", UTC, "start of the minute", "UTC"),
        Column("known_at", UTC, "end of the minute: nothing of the bar is known before", "UTC"),
        SESSION_DATE,
        Column("bars_seen", pl.Int32, "bars of the unbroken run so far, this one included", "bars"),
        *(
            Column(MINUTE.column(feature.name), pl.Float64, MINUTE.words(feature.meaning),
                   feature.unit, nullable=True)
            for feature in bar_features(MINUTE)
        ),
    ),
    key=("ticker", "bar_at"),
)  # fmt: skip


def minute_frames(
    bars: pl.LazyFrame,
    actions: pl.LazyFrame,
    sessions: pl.DataFrame,
    *,
    as_of: datetime,
    tickers: pl.LazyFrame | None = None,
    sources: pl.DataFrame | None = None,
    names: Sequence[str] | None = None,
    threads: int = 2,
) -> Iterator[pl.DataFrame]:
    """Yield `MINUTE_FEATURES` as known at `as_of`, a block of tickers at a time, by key.

    Args:
        bars: `schemas.BARS_1M`; a bar with a price that is no positive number is left out.
        actions: `schemas.CORPORATE_ACTIONS`, all versions.
        sessions: `schemas.SESSIONS` that cover the bars.
        as_of: UTC time; later knowledge is not used.
        tickers: `schemas.TICKERS` for the sectors; without it there are none.
        sources: `schemas.SOURCES`, the order of the sources; without it they are taken by name.
        names: features wanted, by their names in the registry; all by default. With fewer, frames
            have fewer columns than the table.
        threads: blocks that are computed at a time.
    """
    panel = minute_panel(bars, actions, sessions, as_of=as_of, tickers=tickers, sources=sources)
    yield from feature_frames(panel, MINUTE, names=names, threads=threads)


def minute_panel(
    bars: pl.LazyFrame,
    actions: pl.LazyFrame,
    sessions: pl.DataFrame,
    *,
    as_of: datetime,
    tickers: pl.LazyFrame | None = None,
    sources: pl.DataFrame | None = None,
) -> Panel:
    """Return the bars that were known at `as_of` as a panel; see `minute_frames`."""
    sessions = sessions.sort("session_date").with_row_index("session")
    sound = has_prices() & pl.col("volume").is_finite() & (pl.col("volume") >= 0)
    hours = sessions.lazy().select("session_date", "session", "open_at", "close_at")
    known = pl.col("known_at")
    inside = (pl.col("bar_at") >= pl.col("open_at")) & (known <= pl.col("close_at"))
    rows = (
        bars.filter((known <= as_of) & sound)
        .join(hours, on="session_date", how="inner")
        .with_columns(
            decided_at=known,
            minutes_since_open=pl.when(inside).then(_minutes(known - pl.col("open_at"))),
            minutes_to_close=pl.when(inside).then(_minutes(pl.col("close_at") - known)),
        )
        .rename({"volume": "volume_shares"})
        .select(
            *_KEY, "session", "decided_at", "price_basis", "source", *OHLC, "volume_shares",
            *_BESIDE,
        )
    )  # fmt: skip
    rows = choose_bars(rows, "bar_at", order=source_order(sources, "bars_1m", sources_of(bars)))
    versions = due_actions(actions, sessions, as_of, due="open_at")
    versions = choose_actions(versions, rows, sources=sources)
    return panel_of(rows, versions, sessions, MINUTE, tickers=tickers, beside=_BESIDE)


def _minutes(span: pl.Expr) -> pl.Expr:
    return span.dt.total_minutes().cast(pl.Float64)
