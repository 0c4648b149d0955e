"""The source stream as a run reads it: the rows that its workers have put into the lake.

They lie where a run would put them, so a run finds each of them held already. It adds what workers
cannot know: what was asked for until when (coverage), and the checks of a source.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Schema,
    TextKind,
    check_kind,
    delivered_as,
    price_window,
    text_window,
)
from finpulse_assets.schemas import TICKERS, Kind, source_table

STREAM = "stream"
STREAM_KINDS: tuple[Kind, ...] = ("tweets", "headlines", "prices")
# A ticker whose bars end so long before the newest one is no longer listed.
DELISTED_AFTER = timedelta(days=30)


class HeldStream:
    """What is held of the stream, as a source of texts and of prices."""

    name = STREAM

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def extent(self) -> None:
        """Return None: the stream goes on, so a run is one as of now."""

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the held texts of [start, end), every version."""
        check_kind(kind)
        return self._held(kind, DELIVERED_TEXTS, text_window(start, end))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the held bars of [start, end), every version."""
        return self._held("prices", DELIVERED_PRICES, price_window(start, end))

    def tickers(self) -> pl.DataFrame:
        """Return each ticker of the bars with its span.

        Raises:
            SourceError: no bar has come yet.
        """
        bars = self._lake.read_or_empty(source_table(STREAM, "prices"))
        day = pl.col("session_date")
        spans = bars.group_by("ticker").agg(valid_from=day.min(), last=day.max()).collect()
        if spans.is_empty():
            raise SourceError("no bar has come by the stream yet, so it lists no ticker")
        ended = pl.col("last") < pl.col("last").max() - DELISTED_AFTER
        unknown = [pl.lit(None, pl.String).alias(it) for it in ("company", "sector", "exchange")]
        return TICKERS.enforce(
            spans.with_columns(*unknown, valid_to=pl.when(ended).then("last")).drop("last")
        )

    def _held(self, kind: Kind, schema: Schema, window: pl.Expr) -> pl.DataFrame:
        rows = self._lake.read_or_empty(source_table(STREAM, kind)).filter(window)
        named = rows.drop("delivered_at", "event_time") if kind == "prices" else rows
        held = named.rename({"origin": "source"}).collect()
        return delivered_as(held, schema)
