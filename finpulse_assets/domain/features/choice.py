"""Choice: whose bar and whose split or dividend counts, where several sources deliver a ticker.

The order of the sources is declared (`schemas.SOURCES`). A choice rests on what was known when the
session was decided, so nothing that arrives later changes it. dbt chooses the bars of labels by the
same rule in int_prices_chosen.sql.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from finpulse_assets.domain.features.adjustment import MAX_GAP_SESSIONS
from finpulse_assets.schemas import OHLC


def source_order(sources: pl.DataFrame | None, kind: str, names: Iterable[str]) -> list[str]:
    """Return `names`, the preferred source first; those that are not declared follow by name.

    Args:
        sources: `schemas.SOURCES`; None where none is declared.
        kind: of the rows that are chosen among, such as "prices".
        names: the sources that have rows.

    >>> declared = pl.DataFrame({"kind": ["prices"], "source": ["yahoo"], "rank": [1]})
    >>> source_order(declared, "prices", ["files", "yahoo", "archive"])
    ['yahoo', 'archive', 'files']
    """
    ranks = {}
    if sources is not None:
        ranks = dict(sources.filter(pl.col("kind") == kind).select("source", "rank").iter_rows())
    return sorted(names, key=lambda name: (name not in ranks, ranks.get(name), name))


def sources_of(rows: pl.LazyFrame) -> list[str]:
    """Return the sources that have rows, in any order."""
    return rows.select(pl.col("source").unique()).collect()["source"].to_list()


def has_prices() -> pl.Expr:
    """Return whether open, high, low and close are positive numbers: what else is no bar."""
    prices = pl.col(OHLC)
    return pl.all_horizontal(prices.is_finite(), prices > 0)


def first_bars(
    prices: pl.LazyFrame,
    sessions: pl.DataFrame,
    as_of: datetime,
    *,
    sources: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the first version of the chosen source's bar, as known by `as_of`.

    Features stand on first versions: a correction that came later did not help the decision. Bars
    of a day that is no session, or with a price that is no positive number, are left out.

    Args:
        prices: `schemas.PRICES`, all versions.
        sessions: `schemas.SESSIONS`, with `session`, the number of the row.
        as_of: UTC time.
        sources: `schemas.SOURCES`; None where none is declared.

    Returns:
        One row per ticker and session, ascending: ticker, session_date, open, high, low, close,
        volume_shares, price_basis, source, known_at, session (row of `sessions`), decided_at.
    """
    decisions = sessions.lazy().select("session_date", "session", decided_at="decision_at")
    order = source_order(sources, "prices", sources_of(prices))
    rows = prices.filter((pl.col("knowledge_time") <= as_of) & has_prices()).select(
        "ticker", "session_date", *OHLC, "volume_shares", "price_basis", "source",
        known_at="knowledge_time",
    )  # fmt: skip
    rows = rows.join(decisions, on="session_date", how="inner")
    return choose_bars(rows, "session_date", order=order)


def choose_bars(bars: pl.LazyFrame, time_column: str, *, order: Sequence[str]) -> pl.DataFrame:
    """Return one bar for each ticker and time: that of the best source known by its decision.

    Of bars that were all known too late, the first to arrive counts: a better source that follows
    days later would change what decisions in between have seen. A bar on another price basis than
    a better source's is left out while that source has had a bar within MAX_GAP_SESSIONS: a series
    does not change its unit for a day.

    Args:
        bars: all versions: ticker, `time_column`, session (Int), source, price_basis, known_at,
            decided_at, and any others.
        time_column: session_date or bar_at.
        order: every source of the bars, the preferred first.

    Returns:
        The chosen bars, by ticker and time; source is an enumeration in the given order.
    """
    # An enumeration sorts and compares by its place, at the cost of an integer.
    ranked = bars.with_columns(pl.col("source").cast(pl.Enum(order))).collect()
    if len(order) < 2:
        return _first_of(ranked.sort("ticker", time_column, "known_at"), "ticker", time_column)
    key = ["ticker", time_column, "source"]
    firsts = _without_other_bases(_first_of(ranked.sort(*key, "known_at"), *key))
    late_since = pl.when(pl.col("known_at") > pl.col("decided_at")).then("known_at")
    return _first_of(firsts.sort(*key[:2], late_since, "source"), *key[:2])


def _first_of(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Return the first row of each key of a sorted frame."""
    is_first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in key)
    return rows.filter(is_first)


def _without_other_bases(bars: pl.DataFrame) -> pl.DataFrame:
    """Drop bars (first versions) on another basis than that of a better source shortly before."""
    bases = bars.group_by("ticker").agg(count=pl.col("price_basis").n_unique())
    mixed = bases.filter(pl.col("count") > 1)["ticker"]
    if mixed.is_empty():
        return bars
    bars = bars.with_row_index("row")
    own = bars.filter(pl.col("ticker").is_in(mixed.implode())).select(
        "row", "ticker", "session", "price_basis", "decided_at", "known_at",
        rank=pl.col("source").to_physical().cast(pl.Int32),
    )  # fmt: skip
    # Bars known in time are known to every later decision too: none is judged by the future.
    in_time = own.filter(pl.col("known_at") <= pl.col("decided_at"))
    # Of minutes one a session will do.
    better = in_time.sort("known_at").unique(["ticker", "session", "rank"], keep="first")
    ages = pl.int_ranges(0, MAX_GAP_SESSIONS + 1, dtype=pl.Int32).alias("age")
    recent = (
        better.select("ticker", "session", "rank", "price_basis", "known_at", ages)
        .explode("age")
        .with_columns((pl.col("session") + pl.col("age")).cast(own.schema["session"]))
    )
    judged = (
        own.join(recent, on=["ticker", "session"], suffix="_better")
        .filter(pl.col("rank_better") < pl.col("rank"))
        .filter(pl.col("known_at_better") <= pl.col("decided_at"))
        .sort("row", "rank_better", "age")
        .unique("row", keep="first", maintain_order=True)
    )
    unfit = judged.filter(pl.col("price_basis") != pl.col("price_basis_better")).select("row")
    return bars.join(unfit, on="row", how="anti", maintain_order="left").drop("row")


def choose_actions(
    actions: pl.DataFrame, bars: pl.DataFrame, *, sources: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the splits and dividends of one source at a time, for each ticker.

    That is the source of the ticker's prices, once it has reported any action of the ticker; until
    then the best source that has. Two sources at once would count one dividend twice where they
    disagree on its day.

    Args:
        actions: all versions: ticker, ex_date, kind, source, knowledge_time, due_at (the first time
            at which the action would have been used), and any others.
        bars: the chosen bars: ticker, session_date, source, known_at, decided_at.
        sources: `schemas.SOURCES`; None where none is declared.
    """
    order = source_order(sources, "corporate_actions", actions["source"].unique())
    if len(order) < 2:
        return actions
    actions = actions.with_columns(pl.col("source").cast(pl.Enum(order)))
    key = ["ticker", "ex_date", "kind"]
    known = actions.group_by("ticker", reporter="source").agg(since=pl.min("knowledge_time"))
    days = actions.select("ticker", "ex_date", "due_at").unique()
    reporters = _with_price_source(days, bars).join(known, on="ticker")
    in_charge = (
        reporters.filter(pl.col("since") <= pl.col("due_at"))
        .sort(pl.col("reporter").cast(pl.String).ne_missing(pl.col("price_source")), "reporter")
        .unique(["ticker", "ex_date"], keep="first", maintain_order=True)
        .select("ticker", "ex_date", "reporter")
    )
    # Where all came late, the first to arrive.
    first_to_arrive = pl.col("source").sort_by("knowledge_time", "source").first().over(key)
    chosen = actions.join(in_charge, on=["ticker", "ex_date"], how="left", maintain_order="left")
    return chosen.filter(
        pl.col("source") == pl.coalesce("reporter", first_to_arrive)
    ).drop("reporter")  # fmt: skip


def _with_price_source(days: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Add price_source, the source of the ticker's last bar that was known before the day."""
    own = bars.filter(
        (pl.col("known_at") <= pl.col("decided_at"))
        & pl.col("ticker").is_in(days["ticker"].unique().implode())
    ).select("ticker", "session_date", price_source=pl.col("source").cast(pl.String))
    return days.sort("ex_date").join_asof(
        own.sort("session_date"), left_on="ex_date", right_on="session_date", by="ticker",
        strategy="backward", allow_exact_matches=False, check_sortedness=False, coalesce=False,
    ).drop("session_date")  # fmt: skip
