"""Minute bars: which delivered bars are good, which session each belongs to, and what is missing.

The rules of a minute bar, duplicates, and the share of a session that is there.

A minute has one row and no versions: a later delivery of the month replaces it. A minute without a
bar stays absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.ingestion.deliveries import Delivery
from finpulse_assets.domain.ingestion.quarantine import split_bad_rows
from finpulse_assets.domain.ingestion.rule import NO_SYMBOL, UNREADABLE, Rule
from finpulse_assets.schemas import BARS_1M, OHLC, PRICE_BASES, QUARANTINE

MINUTE = timedelta(minutes=1)
_KEY = ["ticker", "bar_at"]
_QUOTE_PRICES, _QUOTE_SIZES = ("bid", "ask"), ("bid_size", "ask_size")
_CONTENT = [*OHLC, "volume", *_QUOTE_PRICES, *_QUOTE_SIZES, "price_basis"]


def minute_rules(as_of: datetime) -> list[Rule]:
    """Return the rules of minute bars, of which those later than `as_of` are yet to come."""
    at = pl.col("bar_at")
    shown = at.dt.strftime("%Y-%m-%d %H:%M:%S")
    full = ("ticker", "bar_at", *OHLC, "volume")
    return [
        UNREADABLE,
        *(Rule(pl.col(name).is_null(), pl.lit(f"{name} is missing")) for name in full),
        NO_SYMBOL,
        Rule(at > as_of, pl.format("bar_at {} lies in the future", shown)),
        Rule(
            at.dt.truncate("1m") != at,
            pl.format("bar_at {} is no whole minute", at.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")),
        ),
        *(_not(name, _is_price(name), "a price is above 0") for name in OHLC),
        Rule(
            pl.col("high") < pl.col("low"),
            pl.format("high {} is below low {}", pl.col("high"), pl.col("low")),
        ),
        *(
            Rule(
                ~pl.col(name).is_between("low", "high"),
                pl.format(
                    name + " {} is outside low {} to high {}", *map(pl.col, (name, "low", "high"))
                ),
            )
            for name in ("open", "close")
        ),
        _not("volume", _is_count("volume"), "the limit is 0"),
        *(
            _not(name, pl.col(name).is_null() | _is_price(name), "a price is above 0")
            for name in _QUOTE_PRICES
        ),
        *(
            _not(name, pl.col(name).is_null() | _is_count(name), "the limit is 0")
            for name in _QUOTE_SIZES
        ),
        Rule(
            (pl.col("bid") > pl.col("ask")).fill_null(False),
            pl.format("bid {} is above ask {}", pl.col("bid"), pl.col("ask")),
        ),
        Rule(
            ~pl.col("price_basis").fill_null("").is_in(PRICE_BASES),
            pl.lit("price_basis is none of " + ", ".join(PRICE_BASES)),
        ),
    ]


def accept_bars_1m(delivered: pl.DataFrame, *, sessions: pl.DataFrame, as_of: datetime) -> Delivery:
    """Turn delivered minute bars into rows of `schemas.BARS_1M`.

    Of bars of one ticker and minute the first is kept: those like it are counted as repeated, those
    that differ are refused. The order of minutes does not matter.

    Args:
        delivered: rows as a source gives them, in its order, with `problem`.
        sessions: the calendar, at least to the session after `as_of`.
        as_of: the time of this run (UTC); bars that end later are left for a later run.
    """
    good, bad = split_bad_rows(delivered, minute_rules(as_of), as_of=as_of)
    good, other, repeated = _first_of_each(good)
    _, refused_too = split_bad_rows(other, [UNREADABLE], as_of=as_of)
    timed = good.with_columns(knowledge_time=pl.col("bar_at") + MINUTE)
    known = timed.filter(pl.col("knowledge_time") <= as_of)
    rows = assign_sessions(known, sessions).rename({"knowledge_time": "known_at"})
    return Delivery(
        rows=BARS_1M.enforce(rows.select(BARS_1M.column_names)),
        quarantined=pl.concat([bad, refused_too]),
        delivered=delivered.height,
        refused=delivered.height - good.height - repeated,
        repeated=repeated,
        late=0,
        not_yet_known=good.height - known.height,
    )


def in_all(deliveries: Sequence[Delivery]) -> Delivery:
    """Return the counts and the refused rows of several deliveries, without their rows."""
    counts = ("delivered", "refused", "repeated", "late", "not_yet_known")
    return Delivery(
        rows=BARS_1M.empty(),
        quarantined=pl.concat([QUARANTINE.empty(), *(one.quarantined for one in deliveries)]),
        **{name: sum(getattr(one, name) for one in deliveries) for name in counts},
    )


def minutes_present(bars: pl.LazyFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return how much of the regular sessions the bars of each ticker cover.

    Args:
        bars: `schemas.BARS_1M`.
        sessions: `schemas.SESSIONS` that cover the bars.

    Returns:
        One row per ticker, ascending: ticker, rows, first_at, last_at, and minutes_present, the
        share of the minutes from open to close that have a bar, over the sessions from the
        ticker's first to its last; null where it has no bar within the hours of a session.
    """
    hours = sessions.sort("session_date").select(
        "session_date",
        "open_at",
        "close_at",
        minutes_before=((pl.col("close_at") - pl.col("open_at")).dt.total_minutes().cum_sum()),
    )
    length = (pl.col("close_at") - pl.col("open_at")).dt.total_minutes()
    inside = (pl.col("bar_at") >= pl.col("open_at")) & (pl.col("bar_at") < pl.col("close_at"))
    offered = (
        pl.col("minutes_before").filter(inside).max()
        - (pl.col("minutes_before") - length).filter(inside).min()
    )
    return (
        bars.select("ticker", "session_date", "bar_at")
        .join(hours.lazy(), on="session_date", how="left")
        .group_by("ticker")
        .agg(
            rows=pl.len(),
            first_at=pl.min("bar_at"),
            last_at=pl.max("bar_at"),
            minutes_present=inside.sum() / offered,
        )
        .sort("ticker")
        .collect(engine="streaming")
    )


def share_in_sessions(bars: pl.LazyFrame, sessions: pl.DataFrame) -> float:
    """Return the share of the bars that begin between the open and the close of a session.

    Args:
        bars: with bar_at (UTC); a bar without one does not count.
        sessions: `schemas.SESSIONS` that cover the bars.
    """
    hours = sessions.lazy().select("open_at", "close_at", day="session_date")
    timed = bars.select("bar_at", day=pl.col("bar_at").dt.date()).filter(
        pl.col("bar_at").is_not_null()
    )
    inside = pl.col("bar_at").is_between("open_at", "close_at", closed="left").fill_null(False)
    found = timed.join(hours, on="day", how="left").select(inside.mean())
    return found.collect(engine="streaming").item() or 0.0


def _first_of_each(good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return the first bar of each minute, the others with a `problem`, and how many repeat it."""
    is_first = pl.struct(_KEY).is_first_distinct()
    good = good.with_columns(_is_first=is_first)
    first = good.filter("_is_first").drop("_is_first")
    again = good.filter(~pl.col("_is_first")).drop("_is_first")
    same = again.join(first, on=[*_KEY, *_CONTENT], how="semi", nulls_equal=True)
    other = again.join(first, on=[*_KEY, *_CONTENT], how="anti", nulls_equal=True,
                       maintain_order="left")  # fmt: skip
    reason = pl.format(
        "another bar of {} at {} came first, and differs",
        "ticker",
        pl.col("bar_at").dt.strftime("%Y-%m-%d %H:%M"),
    )
    return first, other.with_columns(problem=reason), same.height


def _is_price(name: str) -> pl.Expr:
    return pl.col(name).is_finite() & (pl.col(name) > 0)


def _is_count(name: str) -> pl.Expr:
    return pl.col(name).is_finite() & (pl.col(name) >= 0)


def _not(name: str, is_good: pl.Expr, limit: str) -> Rule:
    return Rule(~is_good, pl.format(f"{name} is {{}}, {limit}", pl.col(name)))
