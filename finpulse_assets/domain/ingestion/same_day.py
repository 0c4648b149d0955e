"""Several rows of one source for one ticker and day: which of them is the day's.

Both rules look at rows that were known at one moment: rows with different knowledge times are
versions, and the newest counts.
"""

from __future__ import annotations

import polars as pl

_BAR_KEY = ["ticker", "session_date", "knowledge_time"]
_ACTION_KEY = ["ticker", "ex_date", "kind", "knowledge_time"]
# Two feeds round one dividend differently, or one states it before a fee.
NEAR = 0.02


def finished_bars(bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return one bar a day, the bars that are refused, and how many were unfinished.

    A day that has not ended has part of its range and volume: of several bars the one whose range
    and volume hold those of all others is the finished one. Where no bar does, none is taken.

    Args:
        bars: good bars of one source.

    Returns:
        The bars; those of days without a finished bar, with the reason as `problem`; the count.

    >>> from datetime import date
    >>> day = {"ticker": "T", "session_date": date(2024, 5, 1), "knowledge_time": None}
    >>> partial = day | {"high": 10.0, "low": 9.0, "volume_shares": 100}
    >>> final = day | {"high": 11.0, "low": 9.0, "volume_shares": 900}
    >>> kept, refused, unfinished = finished_bars(pl.DataFrame([partial, final], strict=False))
    >>> kept["volume_shares"].to_list(), refused.height, unfinished
    ([900], 0, 1)
    """
    distinct = bars.unique(maintain_order=True)
    single = pl.len().over(_BAR_KEY) == 1
    if distinct.select(single.all()).item():
        return bars, bars.clear().with_columns(problem=pl.lit(None, pl.String)), 0
    holds_all = (
        (pl.col("high") == pl.col("high").max().over(_BAR_KEY))
        & (pl.col("low") == pl.col("low").min().over(_BAR_KEY))
        & (pl.col("volume_shares") == pl.col("volume_shares").max().over(_BAR_KEY))
    )
    judged = distinct.with_columns(_single=single, _finished=holds_all)
    # Two bars with one range and volume but another open or close: no one can tell.
    is_one = pl.col("_finished").sum().over(_BAR_KEY) == 1
    marks = ["_single", "_finished"]
    several = pl.col("_single").not_()
    kept = judged.filter(pl.col("_single") | (is_one & pl.col("_finished"))).drop(marks)
    unfinished = judged.filter(several & is_one & ~pl.col("_finished")).height
    reason = pl.format(
        "there are {} bars of {} on {}, and none of them holds the range and volume of the others",
        pl.len().over(_BAR_KEY),
        "ticker",
        "session_date",
    )
    refused = judged.with_columns(problem=reason).filter(several & ~is_one).drop(marks)
    return kept, refused, unfinished


def payments(actions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row for the dividends of a day, their sum, and the splits that are refused.

    Dividends of a day within 2 % of each other are one payment from two feeds, and the one with
    most decimals counts; others are payments of their own. Two splits of a day contradict each
    other.

    Args:
        actions: good actions of one source.

    Returns:
        The actions; the splits of days with several, with the reason as `problem`.

    >>> from datetime import date
    >>> day = {"ticker": "T", "ex_date": date(2024, 5, 1), "knowledge_time": None}
    >>> values = ({"kind": "dividend", "value": v} for v in (0.5, 10.0, 0.4975))
    >>> rows = pl.DataFrame([day | value for value in values], strict=False)
    >>> payments(rows)[0]["value"].to_list()
    [10.4975]
    """
    distinct = actions.unique([*_ACTION_KEY, "value"], keep="first", maintain_order=True)
    several = pl.len().over(_ACTION_KEY) > 1
    judged = distinct.with_columns(_several=several)
    single = judged.filter(~pl.col("_several")).drop("_several")
    many = judged.filter("_several").drop("_several")
    none = many.clear().with_columns(problem=pl.lit(None, pl.String))
    if many.is_empty():
        return distinct, none
    is_split = pl.col("kind") == "split"
    paid = many.filter(~is_split)
    sums = [
        group.head(1).with_columns(value=pl.lit(_paid(group["value"].to_list())))
        for group in paid.partition_by(_ACTION_KEY, maintain_order=True)
    ]
    values = pl.col("value").cast(pl.String).str.join(", ").over(_ACTION_KEY)
    reason = pl.format("{} has several splits on {}: {}", "ticker", "ex_date", values)
    refused = many.filter(is_split).with_columns(problem=reason)
    return pl.concat([single, *sums]), pl.concat([none, refused])


def _paid(values: list[float]) -> float:
    """Return the sum of the payments among values, near copies counted once."""
    groups: list[list[float]] = []
    for value in sorted(values):
        if groups and value <= groups[-1][-1] * (1 + NEAR):
            groups[-1].append(value)
        else:
            groups.append([value])
    return sum(max(group, key=_decimals) for group in groups)


def _decimals(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])
