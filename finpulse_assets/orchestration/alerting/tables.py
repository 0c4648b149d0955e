"""How far the watched tables of a home reach: what alerts and `finpulse status` stand on.

Nothing here knows Dagster, whose import costs `finpulse status` more than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.domain.monitoring.alert_rules import TEXT_SESSIONS
from finpulse_assets.domain.monitoring.freshness import (
    UNREADABLE,
    TableStatus,
    table_status,
    usual_gap,
)
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import (
    DAILY_SIGNALS,
    HEADLINES,
    PRICES,
    SESSIONS,
    TEXT_SENTIMENT,
    TWEETS,
)

WATCHED = (PRICES, TWEETS, HEADLINES, TEXT_SENTIMENT, TECHNICAL_FEATURES, DAILY_SIGNALS)
SPARSE = (TWEETS, HEADLINES)  # which may be without a row for a while


def sessions_until(lake: Lake, as_of: datetime, delay: timedelta) -> pl.DataFrame:
    """Return the sessions up to the day of `as_of` (UTC), as every table may lack them.

    They are read from the lake, whose last run wrote the two weeks ahead too; the calendar, which
    takes 1 s to load, is asked where they end before, or cannot be read.

    Args:
        lake: of the home.
        as_of: UTC time up to which data is due.
        delay: from the close to the decision.
    """
    try:
        held = lake.read_or_empty(SESSIONS).collect()
    except (FinPulseError, OSError, pl.exceptions.PolarsError):
        held = SESSIONS.empty()
    ahead = held["session_date"].max()
    if ahead is None or ahead <= as_of.date():
        return build_sessions(FIRST_DAY, as_of.date(), decision_delay=delay)
    decided = held.with_columns(decision_at=pl.col("close_at") + delay)
    return decided.filter(pl.col("session_date") <= as_of.date())


def table_statuses(
    lake: Lake, tables: Iterable[Table], sessions: pl.DataFrame, last: date
) -> tuple[list[TableStatus], dict[str, str]]:
    """Return how far each table reaches against the session `last`, and what cannot be read.

    Args:
        sessions: every session that a table may lack, up to `last`.

    Returns:
        The status of each table, and the sentence of each that cannot be read, by name.
    """
    found, unreadable = [], {}
    for table in tables:
        keys = lake.partitions(table)
        try:
            rows = lake.scan(table) if keys else None
            found.append(table_status(table, rows, sessions, last))
        except FinPulseError as error:
            unreadable[table.name] = str(error)
        except (OSError, pl.exceptions.PolarsError) as error:  # sound at its head, broken below
            path = next((lake.path(table, key) for key in keys if _is_broken(lake, table, key)), "")
            unreadable[table.name] = f"{path or table.name} cannot be read: {error}"
        if table.name in unreadable:
            found.append(TableStatus(table.name, UNREADABLE, 0, None, None))
    return found, unreadable


def usual_gaps(lake: Lake, found: Iterable[TableStatus], sessions: pl.DataFrame) -> dict[str, int]:
    """Return the usual gap of each table of texts that lacks more sessions than any may.

    Of the others it decides nothing, and it takes a look at all their rows.
    """
    late = {it.table for it in found if (it.sessions_behind or 0) > TEXT_SESSIONS}
    return {it.name: usual_gap(lake.scan(it), sessions) for it in SPARSE if it.name in late}


def _is_broken(lake: Lake, table: Table, key: str) -> bool:
    try:
        lake.scan(table, [key]).collect()
    except (OSError, pl.exceptions.PolarsError):
        return True
    return False
