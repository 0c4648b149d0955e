"""Deliveries: what a source hands over becomes new versions of rows, with the time we had them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.domain.ingestion.companies import company_rules, directory_changes
from finpulse_assets.domain.ingestion.market import Market, Sound, sound_actions, sound_prices
from finpulse_assets.domain.ingestion.quarantine import (
    action_rules,
    price_rules,
    split_bad_rows,
    text_rules,
)
from finpulse_assets.domain.ingestion.rule import UNREADABLE, Rule
from finpulse_assets.domain.ingestion.versions import IDENTITIES, Window, new_versions
from finpulse_assets.schemas import COMPANY_KINDS, TEXT_KINDS, UTC, Kind, source_table


@dataclass(frozen=True)
class Delivery:
    """New rows of a table, its refused rows, and what became of the rest, as counts of rows.

    `notes` say what was converted or merged on the way.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    delivered: int
    refused: int
    repeated: int
    late: int
    not_yet_known: int
    notes: tuple[str, ...] = ()

    @property
    def bad_share(self) -> float:
        """Refused rows over delivered rows, 0 when nothing was delivered."""
        return self.refused / self.delivered if self.delivered else 0.0


def accept(
    source: str,
    kind: Kind,
    delivered: pl.DataFrame,
    *,
    held: pl.LazyFrame,
    coverage: pl.DataFrame,
    sessions: pl.DataFrame,
    as_of: datetime,
    window: Window | None = None,
    market: Market | None = None,
) -> Delivery:
    """Turn what one source delivered into new rows of `source_table(source, kind)`.

    Args:
        source: name of the source.
        kind: which kind of row; minute bars have no versions, see `bars_1m`.
        delivered: rows as the source gives them, with `problem`.
        held: the source's table, at least from the month before the window on (of listings all),
            in any order.
        coverage: what earlier runs have asked this source for, as `schemas.COVERAGE`.
        sessions: the calendar, at least to the session after `as_of`.
        as_of: the time of this run (UTC); rows known later are left for a later run.
        window: what the source was asked for, where `delivered` is its whole answer; see
            `versions.new_versions`.
        market: what bars and actions are judged by.
    """
    table = source_table(source, kind)
    readable, bad = split_bad_rows(delivered, _rules(kind, sessions), as_of=as_of)
    sound = _sound(kind, _with_times(kind, readable, sessions), held, market or Market(), sessions)
    _, refused = split_bad_rows(sound.refused, [UNREADABLE], as_of=as_of)
    good = sound.rows
    known = good.filter(_is_known(kind, as_of))
    notes = sound.notes
    if kind == "listings":
        fresh, problem = directory_changes(known, held.collect(), as_of)
        late, notes = 0, (*notes, problem) if problem else notes
    else:
        fresh, late = new_versions(known, held, IDENTITIES[kind], coverage, as_of, window)
    rows = fresh.rename({"source": "origin"}).with_columns(delivered_at=pl.lit(as_of).cast(UTC))
    return Delivery(
        rows=table.enforce(rows.select(table.column_names)),
        quarantined=pl.concat([bad, refused]),
        delivered=delivered.height,
        refused=delivered.height - readable.height + sound.refused.height,
        repeated=max(0, known.height - rows.height),
        late=late,
        not_yet_known=good.height - known.height,
        notes=notes,
    )


def _sound(
    kind: Kind, good: pl.DataFrame, held: pl.LazyFrame, market: Market, sessions: pl.DataFrame
) -> Sound:
    if kind == "prices":
        return sound_prices(good, held.collect(), market, sessions)
    if kind == "corporate_actions":
        return sound_actions(good, market)
    return Sound(good, good.clear().with_columns(problem=pl.lit(None, pl.String)), ())


def _rules(kind: Kind, sessions: pl.DataFrame) -> list[Rule]:
    if kind in TEXT_KINDS:
        return text_rules()
    if kind in COMPANY_KINDS:
        return company_rules(kind)
    make = price_rules if kind == "prices" else action_rules
    return make(sessions["session_date"])


def _with_times(kind: Kind, good: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add when a row happened and when it was known, where the source does not say."""
    if kind in COMPANY_KINDS:  # their sources say it
        return good
    event, known = pl.col("event_time"), pl.col("knowledge_time")
    if kind in TEXT_KINDS:
        return good.with_columns(
            is_retweet=pl.col("is_retweet").fill_null(False),
            knowledge_time=pl.max_horizontal(known, event).cast(UTC),
        )
    if kind == "prices":
        times = sessions.select("session_date", "decision_at", event_time="close_at")
        good = good.join(times, on="session_date", how="left", maintain_order="left")
        return good.with_columns(knowledge_time=pl.max_horizontal(known, event).cast(UTC))
    opens = sessions.select(ex_date="session_date", event_time="open_at")
    good = good.join(opens, on="ex_date", how="left", maintain_order="left")
    # An action is announced before its ex-date, so a source may know it earlier than it happens.
    return good.with_columns(knowledge_time=pl.coalesce(known, event).cast(UTC))


def _is_known(kind: Kind, as_of: datetime) -> pl.Expr:
    """Return whether a row counts at `as_of`.

    A bar counts from its session's decision on: between the close and the decision a source may
    still complete it, and a bar kept too early would stand in the way of the final one.
    """
    known = pl.col("knowledge_time") <= as_of
    return known & (pl.col("decision_at") <= as_of) if kind == "prices" else known
