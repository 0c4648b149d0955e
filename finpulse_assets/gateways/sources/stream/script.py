"""Scripts: rows of any source as messages, each with the time at which it would have been sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
import polars as pl

from finpulse_assets.gateways.sources.stream.messages import Bar, Text
from finpulse_assets.schemas import SESSIONS


@dataclass(frozen=True)
class Timed:
    """A message and when it is sent (UTC)."""

    sent_at: datetime
    message: Text | Bar


def as_messages(
    *, tweets: pl.DataFrame, headlines: pl.DataFrame, prices: pl.DataFrame, sessions: pl.DataFrame
) -> Iterator[Timed]:
    """Yield what sources delivered as messages, in the order of their times.

    A text is sent when it was known, a bar once its session is decided: before, it is not final.

    Args:
        tweets, headlines: in the columns of a delivery, or those of a simulated market.
        prices: the same of bars; without a knowledge_time they were known at the close.
        sessions: `schemas.SESSIONS`.
    """
    texts = [
        rows.filter(_is_sound(rows)).with_columns(
            kind=pl.lit(kind), sent_at=pl.max_horizontal("knowledge_time", "event_time")
        )
        for kind, rows in (("tweet", tweets), ("headline", headlines))
    ]
    decided = SESSIONS.enforce(sessions).select("session_date", "decision_at")
    bars = prices.filter(_is_sound(prices)).join(decided, on="session_date", how="inner")
    bars = bars.with_columns(sent_at=pl.max_horizontal("knowledge_time", "decision_at"))
    script = [
        Timed(row.pop("sent_at"), model(**row))
        for model, frames in ((Text, texts), (Bar, [bars]))
        for frame in frames
        for row in frame.select(*_fields(model, frame), "sent_at").iter_rows(named=True)
    ]
    yield from sorted(script, key=lambda it: it.sent_at)


def left_out(rows: pl.DataFrame) -> int:
    """Return how many rows make no message, because a field that a message needs is null."""
    return rows.height - rows.filter(_is_sound(rows)).height


def _is_sound(rows: pl.DataFrame) -> pl.Expr:
    model = Bar if "session_date" in rows.columns else Text
    needed = [it.name for it in msgspec.structs.fields(model) if it.required and it.name != "kind"]
    return pl.all_horizontal(pl.col(needed).is_not_null())


def _fields(model: type[Text] | type[Bar], frame: pl.DataFrame) -> list[str]:
    return [name for name in model.__struct_fields__ if name in frame.columns]
