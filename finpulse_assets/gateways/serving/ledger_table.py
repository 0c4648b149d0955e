"""The ledger's table: ended segments are taken into the lake, once each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from finpulse_assets.domain.serving.ledger import Entry, entry_in, outcomes_of, table_of
from finpulse_assets.domain.serving.outcomes import reported_table
from finpulse_assets.errors import LedgerError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving.ledger import (
    KEPT,
    drop_old,
    ended_segments,
    find_entry,
    mark_kept,
    read_segment,
    segments,
)
from finpulse_assets.gateways.serving.prediction_id import time_of
from finpulse_assets.schemas import LEDGER, REPORTED_OUTCOMES


@dataclass(frozen=True)
class Taken:
    """What was taken into the table: segments and the answers in them."""

    segments: int
    answers: int


def take_ended(ledger: Path, lake: Lake) -> Taken:
    """Add the answers of the segments that have ended to the lake's table.

    A kill between the two steps of a segment, adding and marking, adds nothing twice.

    Raises:
        LedgerError: a segment is not as it was written; the others are taken first.
    """
    count, answers, broken = 0, 0, []
    for segment in ended_segments(ledger):
        try:
            rows = table_of(read_segment(segment))
        except LedgerError as error:
            broken.append(error)
            continue
        with lake.locked(LEDGER):
            held = lake.read_or_empty(LEDGER).select("prediction_id").collect()
            new = rows.join(held, on="prediction_id", how="anti")
            lake.append(LEDGER, new, [])
        mark_kept(segment)
        count, answers = count + 1, answers + new.height
    if broken:
        raise broken[0]
    return Taken(count, answers)


def take_outcomes(ledger: Path, lake: Lake, now: datetime) -> int:
    """Add the outcomes that callers have reported to the lake's table; return how many are new.

    Read from the segments that predictions/ledger holds; those of a week ago are then dropped.

    Raises:
        LedgerError: a segment is not as it was written.
    """
    count = 0
    for segment in segments(ledger):
        if segment.name.endswith(KEPT):
            rows = reported_table(list(outcomes_of(segment.name, segment.read_bytes())))
            with lake.locked(REPORTED_OUTCOMES):
                held = lake.read_or_empty(REPORTED_OUTCOMES).select("entry_hash").collect()
                new = rows.join(held, on="entry_hash", how="anti")
                if new.height:
                    lake.append(REPORTED_OUTCOMES, new, [])
            count += new.height
    drop_old(ledger, now)
    return count


def recorded_answer(ledger: Path, lake: Lake, prediction_id: str) -> Entry:
    """Return an answer from the segments or, where it is older, from the table.

    Raises:
        RequestError: it is no prediction id.
        LedgerError: no answer has that id.
    """
    time_of(prediction_id)  # the words for what is no id
    if found := find_entry(ledger, prediction_id):
        return found
    rows = lake.read_or_empty(LEDGER).filter(pl.col("prediction_id") == prediction_id).collect()
    if rows.is_empty():
        raise LedgerError(
            f"no answer {prediction_id} stands in {ledger} or in {LEDGER.name}",
            hint="check the id, and --home",
        )
    return entry_in(rows.row(0, named=True))
