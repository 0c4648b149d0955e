"""Raw tables as they were at an earlier time, and the moments worth looking from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import zip_longest

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK

Tables = Mapping[str, pl.DataFrame]

# The column that says when a row was known, in the order in which a table is searched for it.
KNOWN_COLUMNS = ("knowledge_time", "known_at", "first_known_at")


def cut(tables: Tables, moment: datetime) -> dict[str, pl.DataFrame]:
    """Return the tables without what was known later than `moment` (UTC).

    A ticker is known from its first session on, its delisting once it has happened. A table that
    says of no row when it was known (the exchange's calendar) is known in advance and kept whole.
    """
    return {name: _cut_table(frame, moment) for name, frame in tables.items()}


def _cut_table(frame: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    for name in KNOWN_COLUMNS:
        if name in frame.columns:
            return frame.filter(pl.col(name) <= moment)
    if "valid_from" in frame.columns:
        today = moment.astimezone(NEW_YORK).date()
        ended = pl.when(pl.col("valid_to") < today).then("valid_to").alias("valid_to")
        return frame.filter(pl.col("valid_from") <= today).with_columns(ended)
    return frame


def start_at(tables: Tables, first_session: date) -> dict[str, pl.DataFrame]:
    """Return the tables without the bars and texts of sessions before `first_session`.

    A text from before goes with all its later versions, or its edit would pass for news. What is
    no observation of a session (the calendar, companies, scores by text, splits) stays.
    """
    return {name: _later_part(frame, first_session) for name, frame in tables.items()}


def _later_part(frame: pl.DataFrame, first_session: date) -> pl.DataFrame:
    if "session_date" not in frame.columns or not _is_dated(frame):
        return frame
    is_later = pl.col("session_date") >= first_session
    if "text_id" in frame.columns:
        is_later = is_later.all().over("source", "text_id", "ticker")
    return frame.filter(is_later)


def _is_dated(frame: pl.DataFrame) -> bool:
    return any(name in frame.columns for name in KNOWN_COLUMNS)


def spread_sample(names: Sequence[str], *, count: int) -> list[str]:
    """Return at most `count` of the names, spread evenly over their order.

    >>> spread_sample(["A", "B", "C", "D"], count=2)
    ['A', 'C']
    """
    ordered = sorted(set(names))
    step = max(len(ordered) / count, 1.0)
    return [ordered[int(at * step)] for at in range(min(count, len(ordered)))]


def choose_moments(tables: Tables, decisions: pl.Series, *, count: int) -> list[datetime]:
    """Return decision times to look from: half evenly spread, half with most news on its way.

    A leak of late rows shows only where a row is on its way: it has happened and is not yet known.
    Tables take turns, for a late bar is as telling as a hundred late texts. A change of a ticker's
    sector shows at the decision before it: where there is one, the newest is looked at besides.

    Args:
        tables: raw tables.
        decisions: decision times of the sessions, UTC.
        count: how many are wanted, besides that of a change.
    """
    ordered = decisions.unique().sort()
    if len(ordered) <= count:
        return ordered.to_list()
    spread = count - count // 2
    chosen = ordered.gather([round((at + 1) * len(ordered) / (spread + 1)) for at in range(spread)])
    kept = dict.fromkeys(chosen.to_list())
    for turn in zip_longest(*_busiest_moments(tables, ordered)):
        kept.update(dict.fromkeys(moment for moment in turn if moment is not None))
        if len(kept) >= count:
            break
    return sorted({*list(kept)[:count], *_before_changes(tables, ordered)[:1]})


def _busiest_moments(tables: Tables, decisions: pl.Series) -> list[list[datetime]]:
    """Return for each table the decisions with a row on its way, those with most rows first."""
    busiest = []
    for frame in tables.values():
        if not {"event_time", "knowledge_time"} <= set(frame.columns):
            continue
        happened, known = (
            frame[name].sort().search_sorted(decisions, side="right").cast(pl.Int64)
            for name in ("event_time", "knowledge_time")
        )
        waiting = pl.DataFrame({"moment": decisions, "rows": happened - known})
        waiting = waiting.filter(pl.col("rows") > 0).sort("rows", descending=True)
        busiest.append(waiting["moment"].to_list())
    return busiest


def _before_changes(tables: Tables, decisions: pl.Series) -> list[datetime]:
    """Return the last decision before each change of a row with a validity, the newest first."""
    is_change = pl.col("valid_from") > pl.col("valid_from").min().over("ticker")
    versions = [frame for frame in tables.values() if "valid_from" in frame.columns]
    changed = [frame.filter(is_change)["valid_from"] for frame in versions]
    days = decisions.dt.convert_time_zone(str(NEW_YORK)).dt.date()
    found = pl.concat([pl.Series(dtype=pl.Date), *changed]).unique().sort(descending=True)
    before = days.search_sorted(found, side="left").cast(pl.Int64) - 1
    return decisions.gather(before.filter(before >= 0)).unique(maintain_order=True).to_list()
