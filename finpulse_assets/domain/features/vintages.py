"""Vintages: a ticker's history as it was known in each interval between late arrivals.

Belongs here: which bars and corporate actions a decision could see. Does not belong here:
adjustment (domain.prices) or features.

Most rows are known by the decision of their own session, and one history serves every decision. A
bar that was delivered days later, or a split that was corrected, splits the ticker's time in two:
decisions before it stand on the history without it, decisions after it on the history with it. Each
such history is a series of its own, of which only the rows decided in its interval are kept.
"""

from __future__ import annotations

import polars as pl

_ACTION = ["ticker", "ex_date", "kind"]


def split_vintages(
    bars: pl.DataFrame, actions: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    first = bars.filter(~pl.col("ticker").is_in(late["ticker"].unique().implode()))
    bars_out = [first.with_columns(series=pl.col("ticker"), is_kept=True)]
    actions_out = [_latest(actions.filter(~pl.col("ticker").is_in(late["ticker"].unique().implode())))]
    for (ticker,), arrivals in late.group_by("ticker", maintain_order=True):
        own_bars = bars.filter(pl.col("ticker") == ticker)
        own_actions = actions.filter(pl.col("ticker") == ticker)
        bounds = [None, *arrivals["at"].to_list(), None]
        for number, (begin, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
            series = f"{ticker} {number:06d}"
            seen = own_bars.filter(_known_by("known_at", "decided_at", begin))
            decided = pl.col("decided_at")
            inside = pl.lit(True) if begin is None else decided >= begin
            inside &= pl.lit(True) if end is None else decided < end
            seen = seen.with_columns(
                series=pl.lit(series), is_kept=inside & (pl.col("known_at") <= decided)
            )
            if not seen["is_kept"].any():
                continue
            bars_out.append(seen)
            known = own_actions.filter(_known_by("knowledge_time", "due_at", begin))
            actions_out.append(_latest(known).with_columns(series=pl.lit(series)))
    columns = [*bars.columns, "series", "is_kept"]
    return (
        pl.concat([frame.select(columns) for frame in bars_out]),
        pl.concat([frame.select(*_ACTION[1:], "value", "series") for frame in actions_out]),
    )


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


def _known_by(known: str, due: str, moment: object) -> pl.Expr:
    in_time = pl.col(known) <= pl.col(due)
    return in_time if moment is None else in_time | (pl.col(known) <= moment)


def _latest(actions: pl.DataFrame) -> pl.DataFrame:
    return (
        actions.sort(*_ACTION, "knowledge_time")
        .unique(_ACTION, keep="last", maintain_order=True)
        .with_columns(series=pl.col("ticker"))
    )
