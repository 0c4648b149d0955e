"""Tables of what sources delivered: their rows, the requests made, and what was asked for when.

Each source has a table for each kind of row that it gives, `source/<name>/<kind>`, and one of its
requests, `source/<name>/requests`. `raw/<kind>` unites them.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas.columns import TICKER, UTC
from finpulse_assets.schemas.companies import HOLDINGS, LISTINGS, OPTIONS
from finpulse_assets.schemas.market import BARS_1M, CORPORATE_ACTIONS, PRICES
from finpulse_assets.schemas.texts import HEADLINES, TWEETS

Kind = Literal[
    "tweets", "headlines", "prices", "corporate_actions", "bars_1m", "listings", "holdings",
    "options",
]  # fmt: skip

RAW_TABLES: dict[Kind, Table] = {
    "tweets": TWEETS,
    "headlines": HEADLINES,
    "prices": PRICES,
    "corporate_actions": CORPORATE_ACTIONS,
    "bars_1m": BARS_1M,
    "listings": LISTINGS,
    "holdings": HOLDINGS,
    "options": OPTIONS,
}
KINDS: tuple[Kind, ...] = tuple(RAW_TABLES)
TEXT_KINDS: tuple[Kind, ...] = ("tweets", "headlines")
COMPANY_KINDS: tuple[Kind, ...] = ("listings", "holdings", "options")

# What raw/<kind> adds to a delivered text: which session it counts for, which words it holds.
_ADDED_TO_TEXTS = ("session_date", "text_hash")
_ORIGIN = Column(
    "origin", pl.String, "what the source itself names as the origin of the row", nullable=True
)
_DELIVERED_AT = Column(
    "delivered_at", UTC, "as-of time of the run whose request first brought this version", "UTC"
)


def source_table(source: str, kind: Kind) -> Table:
    """Return the contract of what one source delivered of one kind, as it came.

    >>> source_table("files", "tweets").name, source_table("files", "tweets").key
    ('source/files/tweets', ('text_id', 'ticker', 'knowledge_time'))
    """
    raw = RAW_TABLES[kind]
    left_out = ("source", *(_ADDED_TO_TEXTS if kind in TEXT_KINDS else ()))
    # A minute has no versions: a later answer for its month takes the place of an earlier one.
    added = () if kind == "bars_1m" else (_ORIGIN, _DELIVERED_AT)
    return Table(
        name=f"source/{source}/{kind}",
        grain=raw.grain.replace("source, ", ""),
        known_at=raw.known_at,
        columns=(*(c for c in raw.columns if c.name not in left_out), *added),
        key=tuple(name for name in raw.key if name != "source"),
        partition_column=raw.partition_column,
    )


def requests_table(source: str) -> Table:
    """Return the contract of the requests made to one source."""
    return Table(
        name=f"source/{source}/requests",
        grain="one row per request for one kind of row by one run",
        known_at="known at requested_at",
        columns=REQUEST_COLUMNS,
        key=("requested_at", "kind"),
        partition_column="requested_at",
    )


REQUEST_COLUMNS = (
    Column("requested_at", UTC, "as-of time of the run that asked", "UTC"),
    Column("kind", pl.String, "which kind of row was asked for"),
    Column("asked_from", UTC, "start of the span that was asked for", "UTC"),
    Column("asked_until", UTC, "end of the span, not included", "UTC"),
    Column(
        "status",
        pl.String,
        "answered, partial (some of it failed), refused (too many bad rows) or failed",
    ),
    Column("delivered_rows", pl.Int64, "rows of the answer", "rows"),
    Column("new_rows", pl.Int64, "rows that were no version held before", "rows"),
    Column("late_rows", pl.Int64, "new rows that an earlier request should have brought", "rows"),
    Column("refused_rows", pl.Int64, "bad rows, kept in the quarantine", "rows"),
    Column("problem", pl.String, "why the source failed or was refused", nullable=True),
)

COVERAGE = Table(
    name="coverage",
    grain="one row per ticker and month that a source was asked for",
    known_at="known when the request was answered",
    columns=(
        TICKER,
        Column("month", pl.String, "partition key of the month"),
        Column("first_at", UTC, "first moment asked for", "UTC"),
        Column("last_at", UTC, "last moment asked for", "UTC"),
    ),
    key=("ticker", "month"),
)

SOURCES = Table(
    name="raw/sources",
    grain="one row per kind of row and source",
    known_at="known before any run: the list is a setting",
    columns=(
        Column("kind", pl.String, "which kind of row, such as tweets or prices"),
        Column("source", pl.String, "name of the source"),
        Column("rank", pl.Int32, "place in the declared order, 1 = preferred"),
    ),
    key=("kind", "source"),
)
