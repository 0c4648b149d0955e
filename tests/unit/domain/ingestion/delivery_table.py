"""A table that takes deliveries, and the rows that sources deliver to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.ingestion.deliveries import (
    Delivery,
    accept_actions,
    accept_prices,
    accept_texts,
)
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    delivered_as,
)
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, TWEETS

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 8, 30))
AS_OF = datetime(2024, 6, 20, 15, tzinfo=UTC)
TICKERS = ["AAPL", "MSFT"]
MAY, JUNE = "2024-05-01", "2024-06-01"


def june(day: int, hour: int = 15, minute: int = 0) -> datetime:
    return datetime(2024, 6, day, hour, minute, tzinfo=UTC)


def _texts(delivered: pl.DataFrame, **options) -> Delivery:
    return accept_texts(TWEETS, delivered, tickers=TICKERS, **options)


EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class FedTable:
    """A table of the lake and its coverage."""

    contract: schemas.Table = TWEETS
    accept: Callable[..., Delivery] = _texts
    rows: pl.DataFrame = field(init=False)
    coverage: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = self.contract.empty()

    def feed(
        self,
        delivered: pl.DataFrame,
        as_of: datetime,
        months: tuple[str, ...] = (JUNE,),
        window: tuple[datetime, datetime] | None = None,
    ) -> Delivery:
        delivery = self.accept(
            delivered,
            existing=self.rows.lazy(),
            coverage=self.coverage,
            sessions=SESSIONS,
            as_of=as_of,
            window=window,
        )
        self.rows = self.contract.enforce(pl.concat([self.rows, delivery.rows]))
        for month in months:
            _, last = self.coverage.get(month, (EPOCH, as_of))
            self.coverage[month] = (EPOCH, max(as_of, last))
        return delivery

    def known_at(self, as_of: datetime) -> pl.DataFrame:
        return self.rows.filter(pl.col("knowledge_time") <= as_of)


def prices_table() -> FedTable:
    return FedTable(PRICES, accept_prices)


def actions_table() -> FedTable:
    return FedTable(CORPORATE_ACTIONS, accept_actions)


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
