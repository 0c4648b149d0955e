"""Messages: the JSON of texts and bars, its schema, and rows in the columns of a delivery.

What is no message of the schema (no JSON, a field too many, a value of another type) is a row of
the quarantine that says so; it stops nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import polars as pl

from finpulse_assets.domain.ingestion.quarantine import MAX_JSON_CHARACTERS
from finpulse_assets.gateways.sources.protocols import DELIVERED_PRICES, DELIVERED_TEXTS
from finpulse_assets.schemas import QUARANTINE, UTC, Kind

MAX_BYTES = 100_000  # a text has at most 10,000 characters
YEARS = (1990, 2100)  # as for times in files
Topic = Literal["texts", "bars"]

_Time = Annotated[datetime, msgspec.Meta(tz=True, description="ISO 8601 with a zone")]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Text(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A tweet or a headline about one ticker.

    A text about two tickers is two messages of one text_id. Without a knowledge_time it was known
    when it was sent.
    """

    kind: Literal["tweet", "headline"]
    text_id: _Name
    ticker: _Name
    event_time: _Time
    text: str
    knowledge_time: _Time | None = None
    author: str | None = None
    is_retweet: bool | None = None
    retweet_count: _Count | None = None
    like_count: _Count | None = None
    source: str | None = None


class Bar(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The daily bar of a session, final; without a knowledge_time it was known at the close."""

    ticker: _Name
    session_date: date
    open: float
    high: float
    low: float
    close: float
    volume_shares: _Count
    price_basis: str
    knowledge_time: _Time | None = None
    source: str | None = None


@dataclass(frozen=True)
class Message:
    """A message as it came.

    Attributes:
        topic: which schema it has.
        value: its bytes.
        sent_at: its time by the broker (UTC).
        place: topic, partition and offset, for sentences.
    """

    topic: Topic
    value: bytes
    sent_at: datetime
    place: str = ""


@dataclass(frozen=True)
class Read:
    """Rows by kind, in the columns of a delivery with sent_at, and what was no message.

    `malformed` is a `schemas.QUARANTINE` frame.
    """

    rows: dict[Kind, pl.DataFrame]
    malformed: pl.DataFrame


_DECODERS = {"texts": msgspec.json.Decoder(Text), "bars": msgspec.json.Decoder(Bar)}
_ENCODER = msgspec.json.Encoder()
_KINDS: dict[str, Kind] = {"tweet": "tweets", "headline": "headlines"}
_SCHEMAS = {
    "tweets": DELIVERED_TEXTS, "headlines": DELIVERED_TEXTS, "prices": DELIVERED_PRICES
}  # fmt: skip


def read_messages(messages: Sequence[Message], received_at: datetime) -> Read:
    """Read messages by the schema of their topic; none of them raises.

    Args:
        messages: of any topics.
        received_at: the present time (UTC), which the quarantine notes.
    """
    rows: dict[Kind, list[dict[str, Any]]] = {}
    malformed: list[tuple[str, str, str, datetime]] = []
    for message in messages:
        try:
            kind, row = _row(message)
        except (ValueError, OverflowError) as error:  # msgspec's own errors are ValueErrors
            malformed.append(_refused(message, str(error), received_at))
        else:
            rows.setdefault(kind, []).append(row)
    bad = pl.DataFrame(malformed, schema=QUARANTINE.polars_schema, orient="row")
    return Read(
        {kind: _frame(kind, found) for kind, found in rows.items()},
        QUARANTINE.enforce(bad.unique("row_hash", keep="first", maintain_order=True)),
    )


def schemas() -> dict[str, Any]:
    """Return the JSON Schema of each topic."""
    return {"texts": msgspec.json.schema(Text), "bars": msgspec.json.schema(Bar)}


def encode(message: Text | Bar) -> bytes:
    """Return a message's bytes, fields that say nothing left out."""
    told = {name: it for name, it in msgspec.structs.asdict(message).items() if it is not None}
    return _ENCODER.encode(told)


def _row(message: Message) -> tuple[Kind, dict[str, Any]]:
    if len(message.value) > MAX_BYTES:
        raise ValueError(f"the message has {len(message.value):,} bytes, the limit is {MAX_BYTES}")
    said = _DECODERS[message.topic].decode(message.value)
    row = {**msgspec.structs.asdict(said), "sent_at": message.sent_at}
    for name in ("event_time", "knowledge_time", "sent_at"):
        moment = row.get(name)
        if moment is not None and not YEARS[0] <= moment.year < YEARS[1]:
            raise ValueError(f"{name} is {moment.isoformat()}, outside of {YEARS[0]} to {YEARS[1]}")
    return _KINDS[row.pop("kind")] if message.topic == "texts" else "prices", row


def _frame(kind: Kind, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {**_SCHEMAS[kind], "sent_at": UTC}
    return pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)


def _refused(
    message: Message, problem: str, received_at: datetime
) -> tuple[str, str, str, datetime]:
    raw = message.value[: 4 * MAX_JSON_CHARACTERS].decode("utf-8", "replace")
    return (
        hashlib.sha256(message.value).hexdigest(),
        f"{message.place or message.topic}: {problem}",
        raw[:MAX_JSON_CHARACTERS],
        received_at,
    )
