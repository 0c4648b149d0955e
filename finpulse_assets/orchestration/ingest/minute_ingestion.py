"""Ingestion of minute bars: a month is read, judged and written before the next one is read.

What the asset of minute bars does with its months.

The IO manager takes one frame for all months of a run, which a decade of minutes is too large for;
so the months are written here, and the asset hands on no frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import dagster as dg
import polars as pl

from finpulse_assets.domain.ingestion.bars_1m import accept_bars_1m, in_all, minutes_present
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.minute_source import MinuteSource
from finpulse_assets.orchestration.catalog.metadata import SAMPLE_ROWS, sample
from finpulse_assets.orchestration.ingest.ingestion import deliver
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import BARS_1M

NO_SOURCE = "no source of minute bars; set FINPULSE_BARS_1M_PATH"
# Counts of `deliver` that say nothing where a table has no versions.
_VERSIONS = ("new_rows", "late_rows")


def load_minutes(
    source: MinuteSource | None,
    lake: Lake,
    months: Sequence[str],
    *,
    clock: RunClock,
    sessions: pl.DataFrame,
    max_bad_row_share: float,
) -> dg.MaterializeResult:
    """Make each of `months` in the lake hold the bars that the source has for it.

    Without a source, months that exist stay as they are, and the others are written without rows.
    """
    if source is None:
        total, changed = in_all([]), lake.append(BARS_1M, BARS_1M.empty(), months)
    else:
        deliveries, changed, left = [], [], set(months)
        for part in source.bars_1m(*clock.window(list(months))):
            delivery = accept_bars_1m(part.bars, sessions=sessions, as_of=clock.as_of)
            deliveries.append(replace(delivery, rows=delivery.rows.clear()))
            if part.month is not None:
                changed += lake.replace(BARS_1M, delivery.rows, [part.month])
                left.discard(part.month)
        if left:
            changed += lake.replace(BARS_1M, BARS_1M.empty(), left)
        total = in_all(deliveries)
    judged = deliver(BARS_1M, total, lake, max_bad_row_share)
    told = {name: value for name, value in judged.metadata.items() if name not in _VERSIONS}
    metadata = {**told, **_described(lake, months, sessions), "changed_partitions": len(changed)}
    if source is None:
        metadata["note"] = NO_SOURCE
    return dg.MaterializeResult(metadata=metadata, check_results=judged.check_results)


def _described(lake: Lake, months: Sequence[str], sessions: pl.DataFrame) -> dict[str, object]:
    """Return what the months hold, as metadata."""
    bars = lake.scan(BARS_1M, months)
    by_ticker = minutes_present(bars, sessions)
    ends = by_ticker.select(first_minute=pl.min("first_at"), last_minute=pl.max("last_at"))
    shares = {ticker: share for ticker, *_, share in by_ticker.iter_rows()}
    return {
        "dagster/row_count": lake.scan(BARS_1M).select(pl.len()).collect().item(),
        "rows_in_this_run": int(by_ticker["rows"].sum()),
        "tickers": by_ticker.height,
        **{name: str(at) for name, at in ends.row(0, named=True).items() if at},
        "minutes_present": dg.MetadataValue.json(shares),
        "path": dg.MetadataValue.path(str(lake.root / BARS_1M.name)),
        "sample": sample(bars.tail(SAMPLE_ROWS).collect()),
    }
