"""Coverage: what a source was asked for, by ticker and month, and where it has to be asked next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from finpulse_assets.domain.ingestion.versions import Window
from finpulse_assets.schemas import COVERAGE, Kind


def spans_asked(
    kind: Kind,
    windows: Mapping[str, Window],
    tickers: Sequence[str],
    *,
    sessions: pl.DataFrame,
    as_of: datetime,
) -> pl.DataFrame:
    """Return what a request has covered, as `schemas.COVERAGE`.

    Bars of a session that is not decided yet are left for a later run, so they are not covered.

    Args:
        kind: the kind of row that was asked for.
        windows: partition key -> the half-open part of that month that was asked for.
        tickers: the symbols that the request asked about.
        sessions: the calendar.
        as_of: the time of the run (UTC).
    """
    decided = sessions.filter(pl.col("decision_at") <= as_of)["decision_at"].max()
    spans = [
        (month, first, max(first, _last(kind, end, as_of, decided or first)))
        for month, (first, end) in windows.items()
        if first < end
    ]
    frame = pl.DataFrame(spans, schema=["month", "first_at", "last_at"], orient="row")
    asked = pl.DataFrame({"ticker": sorted(set(tickers))}, schema={"ticker": pl.String})
    return COVERAGE.enforce(asked.join(frame, how="cross")) if spans else COVERAGE.empty()


def _last(kind: Kind, end: datetime, as_of: datetime, decided: datetime) -> datetime:
    """Return the last moment that is covered of a month whose window ends at `end`."""
    if end <= as_of:  # the whole month, with all of its decisions
        return end
    return decided if kind == "prices" else as_of


def month_to_start(coverage: pl.DataFrame, month_ends: Mapping[str, datetime]) -> str | None:
    """Return the first month that was not asked for to its end, None where all were.

    Only tickers of the newest request count: one that the source no longer lists has no more rows
    to come.

    Args:
        coverage: `schemas.COVERAGE` of one source and kind.
        month_ends: partition key -> end of the month (UTC), ascending, complete months alone.

    >>> from datetime import UTC
    >>> ends = {"2024-05-01": datetime(2024, 6, 1, 4, tzinfo=UTC)}
    >>> held = COVERAGE.enforce(pl.DataFrame({"ticker": "T", "month": ["2024-05-01"],
    ...     "first_at": datetime(2024, 5, 1, tzinfo=UTC),
    ...     "last_at": datetime(2024, 5, 30, tzinfo=UTC)}))
    >>> month_to_start(held, ends)
    '2024-05-01'
    """
    newest = coverage.filter(pl.col("last_at") == pl.col("last_at").max())["ticker"].unique()
    ends = pl.DataFrame(
        {"month": list(month_ends), "end": list(month_ends.values())},
        schema={"month": pl.String, "end": COVERAGE.polars_schema["last_at"]},
    )
    wanted = pl.DataFrame({"ticker": newest}).join(ends, how="cross")
    reached = wanted.join(coverage, on=["ticker", "month"], how="left")
    return reached.filter((pl.col("last_at") < pl.col("end")).fill_null(True))["month"].min()
