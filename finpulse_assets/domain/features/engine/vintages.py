"""Vintages: a ticker's history as it was known in each interval between late arrivals.

Which bars and corporate actions a decision could see.

Most rows are known by the decision of their own session, and one history serves every decision. A
bar that was delivered days later, or a split that was corrected, splits the ticker's time in two:
decisions before it stand on the history without it, decisions after it on the history with it. Each
such history is a series of its own, of which only the rows decided in its interval are kept.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import polars as pl

_ACTION = ["ticker", "ex_date", "kind"]


def split_vintages(bars: pl.DataFrame, actions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return bars and actions by `series`, one series for each ticker and interval of knowledge.

    Args:
        bars: one row per ticker and bar, sorted: ticker, known_at, decided_at and any others.
        actions: every version of each action: ticker, ex_date, kind, value, knowledge_time, and
            due_at, the first time at which the action would have been used.

    Returns:
        bars with `series` (String) and `is_kept`, whether the row was decided in the interval of
        its series and was known by then; and the actions of each series, one version each.
    """
    late = _late_arrivals(bars, actions)
    has_late = pl.col("ticker").is_in(late["ticker"].unique().implode())
    whole = bars.filter(~has_late).with_columns(series="ticker", is_kept=pl.lit(True))
    parts = [(whole, _latest(actions.filter(~has_late), pl.col("ticker")))]
    for (ticker,), arrivals in late.group_by("ticker", maintain_order=True):
        own = pl.col("ticker") == ticker
        bounds = [None, *arrivals["at"].to_list(), None]
        for number, (begin, end) in enumerate(pairwise(bounds)):
            series = pl.lit(f"{ticker} {number:06d}")
            seen = _seen(bars.filter(own), begin, end).with_columns(series=series)
            if seen["is_kept"].any():
                known = actions.filter(own & _known_by("knowledge_time", "due_at", begin))
                parts.append((seen, _latest(known, series)))
    columns = [*bars.columns, "series", "is_kept"]
    return (
        pl.concat([seen.select(columns) for seen, _ in parts]),
        pl.concat([known for _, known in parts]),
    )


def _seen(bars: pl.DataFrame, begin: datetime | None, end: datetime | None) -> pl.DataFrame:
    """Return the bars known in the interval [begin, end); kept are those decided in it."""
    decided = pl.col("decided_at")
    kept = pl.col("known_at") <= decided
    kept = kept if begin is None else kept & (decided >= begin)
    kept = kept if end is None else kept & (decided < end)
    return bars.filter(_known_by("known_at", "decided_at", begin)).with_columns(is_kept=kept)


def _late_arrivals(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and `at`, the distinct times at which its history changed, ascending."""
    late_bars = bars.filter(pl.col("known_at") > pl.col("decided_at"))
    late_actions = actions.filter(pl.col("knowledge_time") > pl.col("due_at"))
    return (
        pl.concat([late_bars.select("ticker", at="known_at"),
                   late_actions.select("ticker", at="knowledge_time")])
        .filter(pl.col("ticker").is_in(bars["ticker"].unique().implode()))
        .unique()
        .sort("ticker", "at")
    )  # fmt: skip


def _known_by(known: str, due: str, moment: datetime | None) -> pl.Expr:
    in_time = pl.col(known) <= pl.col(due)
    return in_time if moment is None else in_time | (pl.col(known) <= moment)


def _latest(actions: pl.DataFrame, series: pl.Expr) -> pl.DataFrame:
    """Return the last version of each action, under a series."""
    return (
        actions.sort(*_ACTION, "knowledge_time")
        .unique(_ACTION, keep="last", maintain_order=True)
        .select("ex_date", "kind", "value", series=series)
    )
