"""What a source has that a run does not use: columns, rows outside its window, older history."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, time

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.domain.ingestion.history import HistoryCut, history_cut
from finpulse_assets.orchestration.ingest.request import Request
from finpulse_assets.orchestration.run.clock import FIRST_DAY
from finpulse_assets.schemas import Kind

log = logging.getLogger(__name__)


def left_out(request: Request, kinds: Sequence[Kind]) -> dict[str, object]:
    """Return what the source has of `kinds` and the run leaves out, as metadata, and log it.

    Args:
        request: the run's request to the source.
        kinds: those that it answered.

    Raises:
        SourceError: the source cannot be read.
    """
    source, ignored, outside = request.source, {}, {}
    for kind in kinds:
        ignored |= source.ignored_columns(kind)
        found = source.outside(kind, *request.window)
        if found.rows:
            outside[kind] = found
    for file, columns in ignored.items():
        log.warning("source %s: nothing reads %s of %s", source.name, ", ".join(columns), file)
    for kind, rows in outside.items():
        log.info("source %s: %s of %s lie outside the window", source.name, rows, kind)
    cut = history_left_out(request) if "prices" in kinds else None
    return {
        **({"ignored_columns": ignored} if ignored else {}),
        "outside_window_rows": sum(found.rows for found in outside.values()),
        **({"outside_window": {k: str(v) for k, v in outside.items()}} if outside else {}),
        **(cut.metadata if cut else {}),
    }


def history_left_out(request: Request) -> HistoryCut | None:
    """Return the bars of the source that lie before the first day that is loaded, None without any.

    Raises:
        SourceError: the source cannot be read.
    """
    extent = request.clock.extents.get(f"{request.source.name} prices")
    if extent is None or extent.first.date() >= FIRST_DAY:
        return None
    begin = datetime.combine(FIRST_DAY, time(), NEW_YORK).astimezone(UTC)
    old = request.source.ask("prices", extent.first, begin)
    return history_cut(old["session_date"], FIRST_DAY)
