"""Messages of the stream as tests send them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from finpulse_assets.gateways.sources.stream.messages import Bar, Message, Text, encode

NOON = datetime(2024, 7, 2, 16, 0, tzinfo=UTC)  # of New York; the session is decided at 20:15
ONE_MINUTE = timedelta(minutes=1)


def text(number: int = 1, **said: Any) -> Text:
    given = {
        "kind": "tweet",
        "text_id": f"id{number}",
        "ticker": "ACME",
        "event_time": NOON,
        "text": f"$ACME beats estimates for the {number}th time",
    }
    return Text(**{**given, **said})


def bar(**said: Any) -> Bar:
    given = {
        "ticker": "ACME",
        "session_date": date(2024, 7, 1),
        "open": 10.0,
        "high": 11.0,
        "low": 9.0,
        "close": 10.5,
        "volume_shares": 1000,
        "price_basis": "unadjusted",
    }
    return Bar(**{**given, **said})


def sent(message: Text | Bar, at: datetime = NOON) -> Message:
    """Return a message as a consumer hands it over, sent at a time."""
    return Message("bars" if isinstance(message, Bar) else "texts", encode(message), at, "topic 0")


def texts_of(rows: pl.DataFrame, kind: str) -> list[Text]:
    """Return the messages of rows as a source of texts delivers them."""
    names = [name for name in Text.__struct_fields__ if name in rows.columns]
    return [Text(kind=kind, **row) for row in rows.select(names).iter_rows(named=True)]
