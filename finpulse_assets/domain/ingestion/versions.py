"""Versions: which delivered rows are new, which repeat what is held, and which came late.

The rule of knowledge time. A source that says when it delivered a row is believed; else an archive
is taken at its word and knowledge_time is the event time. But where this source was already asked
about this ticker (`coverage`) and the row was not there, it came late, and its knowledge time is
now. So a late row never changes what an earlier `as_of` saw, and a ticker that is added later
brings its history with the times it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.schemas import OHLC, UTC, Kind

# First moment asked for and the moment after the last one.
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Identity:
    """What makes two rows the same thing (`key`), and the same version of it (`content`)."""

    key: tuple[str, ...]
    content: tuple[str, ...]


_TEXT = Identity(("text_id", "ticker"), ("text",))
IDENTITIES: dict[Kind, Identity] = {
    "tweets": _TEXT,
    "headlines": _TEXT,
    "prices": Identity(
        ("ticker", "session_date"),
        (*OHLC, "volume_shares", "price_basis"),
    ),
    "corporate_actions": Identity(("ticker", "ex_date", "kind"), ("value",)),
    "listings": Identity(("ticker",), ("company", "exchange", "sector", "cik", "is_listed")),
    "holdings": Identity(
        ("ticker", "manager", "filing_id"), ("report_date", "is_addition", "shares", "value_usd")
    ),
    "options": Identity(
        ("ticker", "contract", "event_time"),
        (
            "expiry_date",
            "side",
            "strike",
            "underlying_price",
            "volume_contracts",
            "open_interest_contracts",
            "implied_volatility",
        ),
    ),
}


def new_versions(
    known: pl.DataFrame,
    held: pl.LazyFrame,
    identity: Identity,
    coverage: pl.DataFrame,
    as_of: datetime,
    window: Window | None,
) -> tuple[pl.DataFrame, int]:
    """Return the rows that are no version we hold, with their knowledge time, and how many late.

    Args:
        known: good rows with knowledge_time, none after `as_of`.
        held: the table of this source, at least from the month before the window on.
        identity: what makes two rows the same thing, and the same version.
        coverage: `schemas.COVERAGE` of this source and kind.
        as_of: the time of this run (UTC).
        window: what the source was asked for, where `known` is its whole answer. Then a version
            that it no longer gives, while it gives an older one, was taken back: the older one is
            new again, from now on.
    """
    version, moment = [*identity.key, *identity.content], [*identity.key, "knowledge_time"]
    # Sorting by every column first makes the choice among equals independent of arrival order.
    ordered = known.sort("knowledge_time", *known.columns, nulls_last=True)
    distinct = ordered.unique(version, keep="first", maintain_order=True)
    # Two versions of one moment have no order between them. The first is kept, here and below, and
    # the choice is made before what is held is looked at, so that it falls alike every time.
    distinct = distinct.unique(moment, keep="first", maintain_order=True).with_columns(
        _is_last=pl.struct(identity.key).is_last_distinct()
    )
    held = held.select(*version, "knowledge_time").collect()
    fresh = distinct.join(held, on=version, how="anti", nulls_equal=True, maintain_order="left")
    fresh = fresh.with_columns(_is_late=_was_looked_for(fresh, coverage))
    # A late version that the source itself has replaced since would pass for the newest one.
    fresh = fresh.filter(~pl.col("_is_late") | pl.col("_is_last"))
    if window is not None:
        fresh = pl.concat([fresh, _taken_back(distinct, held, identity, window)])
    knowledge_time = pl.when("_is_late").then(pl.lit(as_of).cast(UTC)).otherwise("knowledge_time")
    fresh = (
        fresh.with_columns(knowledge_time=knowledge_time)
        .unique(moment, keep="first", maintain_order=True)
        .join(held, on=moment, how="anti", maintain_order="left")
    )
    late = fresh["_is_late"].sum()
    return fresh.drop("_is_late", "_is_last"), late


def _was_looked_for(fresh: pl.DataFrame, coverage: pl.DataFrame) -> pl.Series:
    """Return whether an earlier run had already asked about the ticker and the moment of a row."""
    known_at = pl.col("knowledge_time")
    return (
        fresh.select(known_at, "ticker", month=month_of("knowledge_time"))
        .join(coverage, on=["ticker", "month"], how="left", maintain_order="left")
        .select(known_at.is_between("first_at", "last_at").fill_null(False))
        .to_series()
    )


def _taken_back(
    distinct: pl.DataFrame, held: pl.DataFrame, identity: Identity, window: Window
) -> pl.DataFrame:
    """Return held older versions that the source gives again in place of our newest one."""
    start, end = window
    key, content = list(identity.key), list(identity.content)
    newest = (
        held.sort("knowledge_time")
        .unique(key, keep="last")
        .filter(pl.col("knowledge_time").is_between(start, end, closed="left"))
        .select(*key, *(pl.col(name).alias(f"_held_{name}") for name in content))
    )
    differs = pl.any_horizontal(pl.col(n).ne_missing(pl.col(f"_held_{n}")) for n in content)
    return (
        distinct.filter("_is_last")
        .join(newest, on=key, how="inner", maintain_order="left")
        .filter(differs)
        .join(held, on=[*key, *content], how="semi", nulls_equal=True, maintain_order="left")
        .select(*distinct.columns, _is_late=pl.lit(True))
    )
