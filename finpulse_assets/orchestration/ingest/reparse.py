"""Reading kept answers again: the tables of a source as they would be with today's parser.

The requests of the past are made again, one by one, to the answers that are kept: by the code of
every run, in a lake of its own, without a request to the vendor. A version that is held keeps the
times it has; one that the parser did not give before has the time at which a run of then would
have known it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import NEW_YORK, month_of
from finpulse_assets.domain.ingestion.versions import IDENTITIES
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.sources.limits import Timer
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.ingest.request import (
    FAILED,
    PARTIAL,
    Request,
    answer_of,
    quarantine_of,
)
from finpulse_assets.orchestration.ingest.union import UNITED_FILE
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.vendors import VENDORS, vendor_source
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    RAW_TABLES,
    SESSIONS,
    TICKERS,
    Kind,
    requests_table,
    source_table,
)
from finpulse_assets.settings import Settings


@dataclass(frozen=True)
class Reread:
    """What reading again has made of one kind of row."""

    kind: Kind
    rows: int
    added: int
    removed: int
    refused: int


def reparse(settings: Settings, name: str, now: Now) -> list[Reread]:
    """Make the tables of a source from its kept answers, and the raw tables due for a new union.

    Raises:
        SettingError: the source keeps no answers.
    """
    if name not in {vendor.name for vendor in VENDORS}:
        known = ", ".join(vendor.name for vendor in VENDORS)
        raise SettingError(f"the source {name} keeps no answers", hint=f"those that do are {known}")
    lake = Lake(settings.lake)
    source = vendor_source(name, settings, Timer(now), makes_requests=False)
    return [_reparse(settings, lake, source, kind) for kind in source.kinds]


def _reparse(settings: Settings, lake: Lake, source: Source, kind: Kind) -> Reread:
    table, quarantine = source_table(source.name, kind), quarantine_of(source.name, kind)
    with lake.locked(table), tempfile.TemporaryDirectory() as folder:
        again = Lake(Path(folder))
        held_actions = lake.read_or_empty(CORPORATE_ACTIONS).collect()
        again.replace(CORPORATE_ACTIONS, held_actions, lake.partitions(CORPORATE_ACTIONS))
        _replay(settings, lake, again, source, kind)
        held, read = (one.read_or_empty(table).collect() for one in (lake, again))
        rows = read if kind == "bars_1m" else _with_held_times(table, kind, read, held)
        months = {*lake.partitions(table), *again.partitions(table)}
        lake.replace(table, rows.select(table.column_names), months)
        lake.cover(table, again.coverage(table))
        refused = again.read_or_empty(quarantine).collect()
        lake.replace(quarantine, refused, [WHOLE])
    (lake.root / RAW_TABLES[kind].name / UNITED_FILE).unlink(missing_ok=True)
    content = [name for name in table.column_names if name not in ("knowledge_time", "known_at")]
    added, removed = (
        a.join(b, on=content, how="anti", nulls_equal=True).height
        for a, b in ((rows, held), (held, rows))
    )
    return Reread(kind, rows.height, added, removed, refused.height)


def _replay(settings: Settings, lake: Lake, again: Lake, source: Source, kind: Kind) -> None:
    """Make the requests of the past again, in their order, into the lake `again`."""
    made = lake.read_or_empty(requests_table(source.name)).filter(kind=kind).collect()
    made = made.filter(pl.col("status") != FAILED).sort("requested_at")
    if kind == "bars_1m":  # no versions: one request for everything
        made = made.tail(1).with_columns(asked_from=made["asked_from"].min())
    sessions = lake.scan(SESSIONS).collect()
    tickers = lake.read_or_empty(TICKERS).collect()["ticker"].unique().to_list()
    for row in made.iter_rows(named=True):
        start = row["asked_from"].astimezone(NEW_YORK).date()
        clock = RunClock(row["requested_at"], start)
        request = Request(
            source=source,
            lake=again,
            clock=clock,
            months=_months(clock, row["asked_until"]),
            sessions=sessions,
            max_bad_row_share=settings.max_bad_row_share,
            accepted_moves=settings.moves_accepted,
            largest_move=settings.largest_move,
        )
        # Which tickers a partial answer covered is not known: none of them.
        answer_of(request, kind, [] if row["status"] == PARTIAL else tickers)


def _months(clock: RunClock, until: datetime) -> Sequence[str]:
    """Return the months of a request that ended before `until`."""
    last = pl.DataFrame({"at": [until]}).select(month_of(pl.col("at") - pl.duration(seconds=1)))
    return [month for month in clock.months if month <= last.item()]


def _with_held_times(
    table: Table, kind: Kind, read: pl.DataFrame, held: pl.DataFrame
) -> pl.DataFrame:
    """Return rows read again, each with the times of the same version where that is held."""
    version = [*IDENTITIES[kind].key, *IDENTITIES[kind].content]
    times = ["knowledge_time", "delivered_at"]
    # A version that was taken back and given again is held twice.
    number = pl.int_range(pl.len()).over(version).alias("_number")
    held, read = (frame.sort("knowledge_time").with_columns(number) for frame in (held, read))
    before = held.select(*version, "_number", *(pl.col(it).alias(f"_{it}") for it in times))
    joined = read.join(
        before, on=[*version, "_number"], how="left", nulls_equal=True, maintain_order="left"
    )
    own_times = [pl.coalesce(f"_{name}", name).alias(name) for name in times]
    return joined.with_columns(own_times).unique(table.key, keep="first", maintain_order=True)
