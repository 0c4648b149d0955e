"""From bars to a panel: histories as they were known, adjusted, in runs, as arrays.

Tickers are prepared a million bars at a time, so that the frames in between stay small however many
there are; what stays is one float64 a bar and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from finpulse_assets.domain.features.adjustment import adjust_bars, with_runs
from finpulse_assets.domain.features.engine.panel import PRICES, Panel
from finpulse_assets.domain.features.engine.vintages import split_vintages
from finpulse_assets.domain.features.families.calendar_effects import session_effects
from finpulse_assets.domain.features.feature import Clock
from finpulse_assets.schemas import TICKERS

CHUNK_ROWS = 1_000_000


def due_actions(
    actions: pl.LazyFrame, sessions: pl.DataFrame, as_of: datetime, *, due: str
) -> pl.DataFrame:
    """Return every version known by `as_of` with due_at, when it would first have been used.

    Args:
        actions: `schemas.CORPORATE_ACTIONS`.
        sessions: `schemas.SESSIONS`.
        as_of: UTC time.
        due: the column of `sessions` by which an action that begins in a session must be known.
    """
    return (
        actions.filter(pl.col("knowledge_time") <= as_of)
        .select("ticker", "ex_date", "kind", "value", "source", "knowledge_time")
        .sort("ex_date")
        .collect()
        .join_asof(
            sessions.select("session_date", due_at=due),
            left_on="ex_date", right_on="session_date", strategy="forward",
        )
        .drop("session_date")
    )  # fmt: skip


def panel_of(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    sessions: pl.DataFrame,
    clock: Clock,
    *,
    tickers: pl.LazyFrame | None = None,
    beside: Sequence[str] = (),
) -> Panel:
    """Return the bars as a panel.

    Args:
        bars: by ticker and time, one row a bar: ticker, session_date, the clock's time column,
            open, high, low, close, volume_shares, price_basis, session (row of `sessions`),
            known_at, decided_at.
        actions: of `due_actions`.
        sessions: `schemas.SESSIONS`, ascending.
        clock: what orders the bars, and what is compared across tickers.
        tickers: `schemas.TICKERS` for the sectors; without it there are none.
        beside: further columns of `bars` that features read.
    """
    columns = [*PRICES, "event", *beside]
    keys = ["ticker", "session_date"]
    if clock.time_column not in keys:
        keys[1:1] = [clock.time_column, "known_at"]
    keep = [*keys, "bars_seen", *columns, "session", "is_kept"]
    chunks = [_prepared(part, actions, sessions, clock).select(keep) for part in _chunks(bars)]
    rows = pl.concat(chunks) if chunks else _prepared(bars, actions, sessions, clock).select(keep)
    session = rows["session"].to_numpy().astype(np.int32)
    is_daily = clock.time_column == "session_date"
    effects = session_effects(sessions)
    companies = TICKERS.empty() if tickers is None else tickers.collect()
    return Panel(
        keys=rows.select(*keys, "bars_seen"),
        columns={name: _floats(rows[name]) for name in columns},
        effects={name: effects[name].to_numpy() for name in effects.columns[1:]},
        session=session,
        moment=session if is_daily else _codes(rows[clock.time_column]),
        sector=_sectors(rows, companies),
        is_kept=rows["is_kept"].to_numpy(),
    )


def _chunks(bars: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield whole tickers, about CHUNK_ROWS rows of them at a time."""
    ends = bars["ticker"].rle().struct.field("len").cum_sum().to_list()
    begin = 0
    for end in ends:
        if end - begin >= CHUNK_ROWS or end == bars.height:
            yield bars[begin:end]
            begin = end


def _prepared(
    bars: pl.DataFrame, actions: pl.DataFrame, sessions: pl.DataFrame, clock: Clock
) -> pl.DataFrame:
    """Return adjusted bars in runs, one history for each ticker and interval of knowledge."""
    seen, known = split_vintages(bars, actions)
    order = clock.time_column
    # What follows works ticker by ticker; here a history takes the place of a ticker.
    seen = seen.rename({"ticker": "symbol", "series": "ticker"})
    known = known.rename({"series": "ticker"})
    placed = with_runs(adjust_bars(seen, known, order=order), sessions, order=order)
    return placed.with_columns(event=_begins(placed, known)).drop("ticker").rename(
        {"symbol": "ticker"}
    )  # fmt: skip


def _begins(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """Return 1 for the bars on which a split or dividend takes effect, else 0."""
    acting = pl.col("ticker").is_in(actions["ticker"].unique().implode())
    days = bars.select("ticker", "session_date").with_row_index("row").filter(acting)
    opening = days.unique(["ticker", "session_date"], keep="first", maintain_order=True)
    found = actions.select("ticker", "ex_date").sort("ex_date").join_asof(
        opening.sort("session_date"), left_on="ex_date", right_on="session_date", by="ticker",
        strategy="forward", check_sortedness=False,
    )  # fmt: skip
    flags = np.zeros(bars.height)
    flags[found["row"].drop_nulls().to_numpy()] = 1.0
    return pl.Series(flags)


def _floats(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _codes(column: pl.Series) -> np.ndarray:
    """Return 0 .. n - 1 by the order of the distinct values."""
    return column.rank("dense").to_numpy().astype(np.int32) - 1


def _sectors(rows: pl.DataFrame, companies: pl.DataFrame) -> np.ndarray:
    """Return a number for the sector that each row's ticker had in its session, -1 for none."""
    numbers = np.full(rows.height, -1, np.int32)
    versions = companies.sort("valid_from").select(
        "ticker",
        "valid_from",
        number=pl.col("sector").rank("dense").cast(pl.Int32),
        place=pl.int_range(pl.len()).over("ticker"),
    )
    keys = rows.select("ticker", "session_date")
    # Few tickers ever change: one join for the first version of each, one for the second ...
    for _, version in sorted(versions.partition_by("place", as_dict=True).items()):
        found = keys.join(version, on="ticker", how="left", maintain_order="left")
        holds = (found["valid_from"] <= found["session_date"]).fill_null(False).to_numpy()
        numbers = np.where(holds, found["number"].fill_null(-1).to_numpy(), numbers)
    return numbers
