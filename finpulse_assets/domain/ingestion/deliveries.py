"""Deliveries: what a source hands over becomes new versions of rows, with the time we had them.

Which delivered rows are new, which only repeat, which came late, and what knowledge_time each gets.

The rule of knowledge time. A source that says when it delivered a row is believed; else an archive
is taken at its word and knowledge_time is the event time. But where we already looked (`coverage`)
and the row was not there, it came late, and its knowledge time is now. So a late row never changes
what an earlier `as_of` saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import assign_sessions, month_of
from finpulse_assets.domain.ingestion.quarantine import (
    action_rules,
    price_rules,
    split_bad_rows,
    text_rules,
)
from finpulse_assets.domain.texts.normalise import with_text_hash
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, UTC

# Partition key -> the span of that month, first and last moment, that earlier runs have read.
Coverage = Mapping[str, tuple[datetime, datetime]]
# First moment asked for and the moment after the last one.
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Delivery:
    """New rows of a table, its refused rows, and what became of the rest, as counts of rows."""

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    delivered: int
    refused: int
    repeated: int
    late: int
    not_yet_known: int

    @property
    def bad_share(self) -> float:
        """Refused rows over delivered rows, 0 when nothing was delivered."""
        return self.refused / self.delivered if self.delivered else 0.0


@dataclass(frozen=True)
class _Identity:
    """What makes two rows the same thing (`key`), and the same version of it (`content`)."""

    key: tuple[str, ...]
    content: tuple[str, ...]


_TEXT = _Identity(("text_id", "ticker"), ("text",))
_PRICE = _Identity(
    ("ticker", "session_date"), ("open", "high", "low", "close", "volume_shares", "price_basis")
)
_ACTION = _Identity(("ticker", "ex_date", "kind"), ("value",))


def accept_texts(
    table: Table,
    delivered: pl.DataFrame,
    *,
    existing: pl.LazyFrame,
    coverage: Coverage,
    sessions: pl.DataFrame,
    tickers: Sequence[str],
    as_of: datetime,
    window: Window | None = None,
) -> Delivery:
    """Turn delivered tweets or headlines into new rows of `table`.

    Args:
        table: `schemas.TWEETS` or `schemas.HEADLINES`.
        delivered: rows as a source gives them, with `problem`.
        existing: the table as it stands, in any order.
        coverage: what earlier runs have read.
        sessions: the calendar, at least to the session after `as_of`.
        tickers: the symbols that are known.
        as_of: the time of this run (UTC); rows known later are left for a later run.
        window: what the source was asked for, where `delivered` is its whole answer. Then a
            version that it no longer gives, while it gives an older one, was taken back: the older
            one is new again, from now on.
    """
    good, bad = split_bad_rows(delivered, text_rules(tickers), as_of=as_of)
    good = good.with_columns(
        is_retweet=pl.col("is_retweet").fill_null(False),
        knowledge_time=pl.max_horizontal("knowledge_time", "event_time").cast(UTC),
    )
    known = good.filter(pl.col("knowledge_time") <= as_of)
    fresh, late = _new_versions(known, existing, _TEXT, coverage, as_of, window)
    rows = assign_sessions(with_text_hash(fresh), sessions)
    return _delivery(table, rows, bad, delivered, good, known, late)


def accept_prices(
    delivered: pl.DataFrame,
    *,
    existing: pl.LazyFrame,
    coverage: Coverage,
    sessions: pl.DataFrame,
    as_of: datetime,
    window: Window | None = None,
) -> Delivery:
    """Turn delivered daily bars into new rows of `schemas.PRICES`; see `accept_texts`."""
    good, bad = split_bad_rows(delivered, price_rules(sessions["session_date"]), as_of=as_of)
    closes = sessions.select("session_date", event_time="close_at")
    good = good.drop("event_time", strict=False).join(
        closes, on="session_date", how="left", maintain_order="left"
    )
    good = good.with_columns(
        knowledge_time=pl.max_horizontal("knowledge_time", "event_time").cast(UTC)
    )
    known = good.filter(pl.col("knowledge_time") <= as_of)
    fresh, late = _new_versions(known, existing, _PRICE, coverage, as_of, window)
    return _delivery(PRICES, fresh, bad, delivered, good, known, late)


def accept_actions(
    delivered: pl.DataFrame,
    *,
    existing: pl.LazyFrame,
    coverage: Coverage,
    sessions: pl.DataFrame,
    as_of: datetime,
    window: Window | None = None,
) -> Delivery:
    """Turn delivered splits and dividends into new rows of `schemas.CORPORATE_ACTIONS`."""
    good, bad = split_bad_rows(delivered, action_rules(sessions["session_date"]), as_of=as_of)
    opens = sessions.select(ex_date="session_date", event_time="open_at")
    good = good.drop("event_time", strict=False).join(
        opens, on="ex_date", how="left", maintain_order="left"
    )
    # An action is announced before its ex-date, so a source may know it earlier than it happens.
    good = good.with_columns(knowledge_time=pl.coalesce("knowledge_time", "event_time").cast(UTC))
    known = good.filter(pl.col("knowledge_time") <= as_of)
    fresh, late = _new_versions(known, existing, _ACTION, coverage, as_of, window)
    return _delivery(CORPORATE_ACTIONS, fresh, bad, delivered, good, known, late)


def _new_versions(
    known: pl.DataFrame,
    existing: pl.LazyFrame,
    identity: _Identity,
    coverage: Coverage,
    as_of: datetime,
    window: Window | None,
) -> tuple[pl.DataFrame, int]:
    """Return the rows that are no version we hold, with their knowledge time, and how many late."""
    version, moment = [*identity.key, *identity.content], [*identity.key, "knowledge_time"]
    # Sorting by every column first makes the choice among equals independent of arrival order.
    ordered = known.sort("knowledge_time", *known.columns, nulls_last=True)
    distinct = ordered.unique(version, keep="first", maintain_order=True)
    # Two versions of one moment have no order between them. The first is kept, here and below, and
    # the choice is made before what is held is looked at, so that it falls alike every time.
    distinct = distinct.unique(moment, keep="first", maintain_order=True).with_columns(
        _is_last=pl.struct(identity.key).is_last_distinct()
    )
    held = existing.select(*version, "knowledge_time").collect()
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


def _was_looked_for(fresh: pl.DataFrame, coverage: Coverage) -> pl.Series:
    """Return whether an earlier run had already read the moment of each row."""
    spans = pl.DataFrame(
        {
            "_month": list(coverage),
            "_from": [first for first, _ in coverage.values()],
            "_until": [last for _, last in coverage.values()],
        },
        schema={"_month": pl.String, "_from": UTC, "_until": UTC},
    )
    known_at = pl.col("knowledge_time")
    return (
        fresh.select(known_at, _month=month_of("knowledge_time"))
        .join(spans, on="_month", how="left", maintain_order="left")
        .select(known_at.is_between("_from", "_until").fill_null(False))
        .to_series()
    )


def _taken_back(
    distinct: pl.DataFrame, held: pl.DataFrame, identity: _Identity, window: Window
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


def _delivery(
    table: Table,
    rows: pl.DataFrame,
    bad: pl.DataFrame,
    delivered: pl.DataFrame,
    good: pl.DataFrame,
    known: pl.DataFrame,
    late: int,
) -> Delivery:
    return Delivery(
        rows=table.enforce(rows.select(table.column_names)),
        quarantined=bad,
        delivered=delivered.height,
        refused=delivered.height - good.height,
        repeated=known.height - rows.height,
        late=late,
        not_yet_known=good.height - known.height,
    )
