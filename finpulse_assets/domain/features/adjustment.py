"""Prices: bars adjusted for splits and dividends, in unbroken runs.

Bars are adjusted *forward*: the first bar of a ticker keeps its prices and every later bar is
multiplied by what one first-day share has become. A later split or dividend then changes no earlier
number, so features of the past stay the same to the byte; the usual backward adjustment rewrites
history with every dividend.
"""

from __future__ import annotations

import polars as pl

from finpulse_assets.schemas import OHLC

# A hole of more sessions than this ends a run of bars: no return or mean is taken across it.
MAX_GAP_SESSIONS = 5
PRICE_COLUMNS = (*OHLC, "bid", "ask")
SIZES = ("bid_size", "ask_size")


def adjust_bars(
    bars: pl.DataFrame, actions: pl.DataFrame, *, order: str = "session_date"
) -> pl.DataFrame:
    """Return bars whose price and volume series are continuous across splits and dividends.

    A split of r new shares for one multiplies prices from its ex-date on by r and divides volume by
    r. A dividend d multiplies prices from its ex-date on by c / (c - d), with c the last close
    before it (CRSP's total-return factor). Both are in one unit: of unadjusted prices, a dividend
    is paid on the shares after a split of the same day, so that c / r stands for c. What
    `price_basis` says is adjusted already is left alone: "split_adjusted" takes dividends only,
    which count in its adjusted shares too; "total_return" takes nothing.

    Args:
        bars: one row per ticker and bar: ticker, session_date, open, high, low, close (USD),
            volume_shares, price_basis, and any others; quotes are adjusted as prices and volume.
        actions: one row per ticker, ex_date and kind, with value (`schemas.CORPORATE_ACTIONS`).
        order: the column that orders a ticker's bars; several bars may share a session.

    Returns:
        The bars by ticker and `order`, prices adjusted, with volume and dollars (Float64, the
        unadjusted close x shares) in the place of volume_shares.

    >>> from datetime import date
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> bars = pl.DataFrame({"ticker": "T", "session_date": days, "open": [8.0, 2.0],
    ...     "high": [8.0, 2.0], "low": [8.0, 2.0], "close": [8.0, 2.0],
    ...     "volume_shares": [10, 40], "price_basis": "unadjusted"})
    >>> split = pl.DataFrame({"ticker": "T", "ex_date": days[1:], "kind": "split", "value": [4.0]})
    >>> adjust_bars(bars, split).select("close", "volume").rows()
    [(8.0, 10.0), (8.0, 10.0)]
    """
    bars = bars.sort("ticker", order)
    day = pl.col("session_date")
    begins_session = day.ne_missing(day.shift().over("ticker"))
    # A close on another price basis is no close before this one.
    same_basis = pl.col("price_basis") == pl.col("price_basis").shift().over("ticker")
    previous_close = pl.when(same_basis).then(pl.col("close").shift().over("ticker"))
    opening = bars.with_columns(previous_close=previous_close).filter(begins_session)
    factors = [
        pl.when(begins_session).then(name).fill_null(1.0).cum_prod().over("ticker").alias(name)
        for name in ("split_factor", "dividend_factor")
    ]
    price_factor = pl.col("split_factor") * pl.col("dividend_factor")
    return (
        bars.join(
            _factors(opening, actions),
            on=["ticker", "session_date"],
            how="left",
            maintain_order="left",
        )
        .with_columns(factors)
        .with_columns(
            *(pl.col(name) * price_factor for name in PRICE_COLUMNS if name in bars.columns),
            *(pl.col(name) / pl.col("split_factor") for name in SIZES if name in bars.columns),
            volume=pl.col("volume_shares") / pl.col("split_factor"),
            # What was paid that day: a dividend since the first bar makes no dollar of it.
            dollars=pl.col("close") * pl.col("volume_shares"),
        )
        .drop("volume_shares", "split_factor", "dividend_factor")
    )


def _factors(opening: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the factors that begin on each ticker's session; sessions without any are absent.

    `opening` holds the first bar of each session, with the last close before it.

    An ex-date without a bar (a halt) takes effect on the ticker's next bar.
    """
    # Sorting by session is dear, and most tickers never split.
    acting = pl.col("ticker").is_in(actions["ticker"].unique().implode())
    previous = opening.filter(acting).select(
        "ticker", "session_date", "price_basis", "previous_close"
    )
    effective = (
        actions.sort("ex_date")
        .join_asof(
            previous.sort("session_date"),
            left_on="ex_date",
            right_on="session_date",
            by="ticker",
            strategy="forward",
            coalesce=False,
            check_sortedness=False,
        )
        .filter(pl.col("session_date").is_not_null() & pl.col("previous_close").is_not_null())
    )
    is_split, is_dividend = pl.col("kind") == "split", pl.col("kind") == "dividend"
    is_unadjusted = pl.col("price_basis") == "unadjusted"
    ratio = pl.when(is_split & is_unadjusted).then("value").otherwise(1.0)
    # One bar may stand for several ex-dates: a dividend counts in shares after the splits till
    # then, its own day's among them.
    shares = ratio.cum_prod().over("ticker", "session_date", order_by=["ex_date", ~is_split])
    is_paid = is_dividend & (pl.col("price_basis") != "total_return")
    paid = pl.when(is_paid).then(pl.col("value") * shares).otherwise(0.0)
    kept = pl.col("previous_close") - pl.col("paid")
    return (
        effective.with_columns(ratio=ratio, paid=paid)
        .group_by("ticker", "session_date", "previous_close")
        .agg(pl.col("ratio").product().alias("split_factor"), pl.col("paid").sort().sum())
        .with_columns(
            # A payout of the whole price is a liquidation, no dividend that a factor can mend.
            dividend_factor=pl.when(kept > 0).then(pl.col("previous_close") / kept).otherwise(1.0)
        )
        .drop("previous_close", "paid")
    )


def with_runs(
    bars: pl.DataFrame, sessions: pl.DataFrame, *, order: str = "session_date"
) -> pl.DataFrame:
    """Add `run`, the ordinal of an unbroken run of bars, and `bars_seen`, the bar's place in it.

    A run goes on across a halt of at most MAX_GAP_SESSIONS sessions; a longer hole, or a change of
    `price_basis`, begins a new one, so that no feature bridges it.
    """
    index = sessions.select("session_date", "session_index")
    step = pl.col("session_index").diff().over("ticker").fill_null(1)
    basis = pl.col("price_basis")
    other_basis = (basis != basis.shift().over("ticker")).fill_null(False)
    is_new = (step > MAX_GAP_SESSIONS + 1) | other_basis
    return (
        bars.join(index, on="session_date", how="left", maintain_order="left")
        .sort("ticker", order)
        .with_columns(run=is_new.cast(pl.Int32).cum_sum().over("ticker"))
        .with_columns(bars_seen=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("ticker", "run"))
    )
