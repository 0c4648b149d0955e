"""The raw tables: what the sources of the list delivered, month by month, in one table a kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import polars as pl

from finpulse_assets.domain.ingestion.bars_1m import minutes_present
from finpulse_assets.domain.ingestion.union import United, unite_market, unite_texts
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import newest, sample
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import RAW_TABLES, TEXT_KINDS, Kind, source_table

NO_SOURCE = "no source of the list gives this kind of row; see finpulse doctor"
UNITED_FILE = ".united.json"


def unite(
    kind: Kind,
    names: Sequence[str],
    *,
    lake: Lake,
    clock: RunClock,
    months: Sequence[str],
    sessions: pl.DataFrame,
    tickers: Sequence[str],
) -> dg.MaterializeResult:
    """Make the months of a raw table hold what the sources have delivered for them.

    Args:
        kind: the kind of row.
        names: the sources that give it, in the declared order.
        lake: where both lie.
        clock: of the run; rows that came late are known now, so its month is always made.
        months: partition keys of the run.
        sessions: the calendar.
        tickers: the universe; texts about others are out of scope.
    """
    table = RAW_TABLES[kind]
    if not names:  # what was loaded from a source that is no longer listed stays
        changed = lake.append(table, table.empty(), months)
        found = _described(lake, kind, months, sessions)
        return dg.MaterializeResult(
            metadata={**found, "note": NO_SOURCE, "changed_partitions": len(changed)}
        )
    now = () if kind == "bars_1m" else (clock.month,)
    months = sorted({*months, *now, *_months_of_another_list(lake, kind, names)})
    changed, outside = [], []
    with lake.locked(table):
        for month in months:
            delivered = {
                name: lake.scan_present(source_table(name, kind), [month]).collect()
                for name in names
            }
            united = _united(kind, delivered, sessions, tickers)
            changed += lake.replace(table, united.rows, [month])
            outside.append(united.out_of_scope)
        write_json(_united_file(lake, kind), list(names))
    skipped = pl.concat(outside).group_by("ticker").agg(pl.sum("rows")).sort("rows", "ticker")
    metadata = {
        **_described(lake, kind, months, sessions),
        "sources": ", ".join(names),
        "changed_partitions": len(changed),
    }
    if kind in TEXT_KINDS:
        metadata["out_of_scope_rows"] = int(skipped["rows"].sum())
        metadata["out_of_scope"] = sample(skipped)
    return dg.MaterializeResult(metadata=metadata)


def _united(
    kind: Kind, delivered: dict[str, pl.DataFrame], sessions: pl.DataFrame, tickers: Sequence[str]
) -> United:
    if kind in TEXT_KINDS:
        return unite_texts(RAW_TABLES[kind], delivered, sessions=sessions, tickers=tickers)
    return unite_market(RAW_TABLES[kind], delivered)


def _months_of_another_list(lake: Lake, kind: Kind, names: Sequence[str]) -> list[str]:
    """Return every month, where the table was last made from another list of sources."""
    path = _united_file(lake, kind)
    before = json.loads(path.read_text()) if path.exists() else []
    if before == list(names):
        return []
    held = (lake.partitions(source_table(name, kind)) for name in {*before, *names})
    return sorted({month for months in held for month in months})


def _united_file(lake: Lake, kind: Kind) -> Path:
    return lake.root / RAW_TABLES[kind].name / UNITED_FILE


def _described(
    lake: Lake, kind: Kind, months: Sequence[str], sessions: pl.DataFrame
) -> dict[str, object]:
    """Return what the months hold, as metadata."""
    table = RAW_TABLES[kind]
    made = lake.scan(table, months)
    found = {
        "dagster/row_count": lake.scan(table).select(pl.len()).collect().item(),
        "rows_in_this_run": made.select(pl.len()).collect().item(),
        "path": dg.MetadataValue.path(str(lake.root / table.name)),
        "sample": newest(lake.scan(table), table),
    }
    if kind != "bars_1m":
        return found
    by_ticker = minutes_present(made, sessions)
    ends = by_ticker.select(first_minute=pl.min("first_at"), last_minute=pl.max("last_at"))
    shares = {ticker: share for ticker, *_, share in by_ticker.iter_rows()}
    return {
        **found,
        "tickers": by_ticker.height,
        **{name: str(at) for name, at in ends.row(0, named=True).items() if at},
        "minutes_present": dg.MetadataValue.json(shares),
    }
