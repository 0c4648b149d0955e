"""A table that takes deliveries, and the rows that sources deliver to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.ingestion.deliveries import Delivery, accept
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    delivered_as,
)
from finpulse_assets.schemas import COVERAGE, Kind, source_table

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 8, 30))
AS_OF = datetime(2024, 6, 20, 15, tzinfo=UTC)
TICKERS = ("AAPL", "MSFT")
MAY, JUNE = "2024-05-01", "2024-06-01"


def june(day: int, hour: int = 15, minute: int = 0) -> datetime:
    return datetime(2024, 6, day, hour, minute, tzinfo=UTC)


EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class FedTable:
    """What a source has delivered of one kind, and its coverage."""

    kind: Kind = "tweets"
    coverage: pl.DataFrame = field(default_factory=COVERAGE.empty)
    rows: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.contract.empty()

    @property
    def contract(self) -> Table:
        return source_table("test", self.kind)

    def feed(
        self,
        delivered: pl.DataFrame,
        as_of: datetime,
        months: tuple[str, ...] = (JUNE,),
        window: tuple[datetime, datetime] | None = None,
        tickers: tuple[str, ...] = TICKERS,
    ) -> Delivery:
        delivery = accept(
            "test",
            self.kind,
            delivered,
            held=self.rows.lazy(),
            coverage=self.coverage,
            sessions=SESSIONS,
            as_of=as_of,
            window=window,
        )
        self.rows = self.contract.enforce(pl.concat([self.rows, delivery.rows]))
        asked = [covered(month, EPOCH, as_of, tickers) for month in months]
        grown = pl.concat([self.coverage, *asked]).group_by("ticker", "month")
        self.coverage = COVERAGE.enforce(grown.agg(pl.min("first_at"), pl.max("last_at")))
        return delivery

    def known_at(self, as_of: datetime) -> pl.DataFrame:
        return self.rows.filter(pl.col("knowledge_time") <= as_of)


def covered(
    month: str, first: datetime, last: datetime, tickers: tuple[str, ...] = TICKERS
) -> pl.DataFrame:
    return COVERAGE.enforce(
        pl.DataFrame({"ticker": tickers}).with_columns(
            month=pl.lit(month), first_at=pl.lit(first), last_at=pl.lit(last)
        )
    )


def texts(*rows: dict) -> pl.DataFrame:
    full = [
        {"text_id": "1", "ticker": "AAPL", "event_time": june(3), "text": "up", **row}
        for row in rows
    ]
    frame = pl.DataFrame(full, schema_overrides=dict(DELIVERED_TEXTS), infer_schema_length=None)
    return delivered_as(frame.with_columns(source=pl.lit("test")), DELIVERED_TEXTS)


def bars(*rows: dict) -> pl.DataFrame:
    full = [
        {
            "ticker": "AAPL",
            "session_date": date(2024, 6, 3),
            **dict.fromkeys(("open", "high", "low", "close"), 10.0),
            "volume_shares": 100,
            "price_basis": "unadjusted",
            **row,
        }
        for row in rows
    ]
    frame = pl.DataFrame(full, schema_overrides=dict(DELIVERED_PRICES), infer_schema_length=None)
    return delivered_as(frame.with_columns(source=pl.lit("test")), DELIVERED_PRICES)


def actions(*rows: dict) -> pl.DataFrame:
    full = [
        {"ticker": "AAPL", "ex_date": date(2024, 6, 10), "kind": "split", "value": 4.0, **row}
        for row in rows
    ]
    frame = pl.DataFrame(full, schema_overrides=dict(DELIVERED_ACTIONS), infer_schema_length=None)
    return delivered_as(frame.with_columns(source=pl.lit("test")), DELIVERED_ACTIONS)
