"""Raw tweets of given words and times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.schemas import TWEETS


def tweets(said: Iterable[tuple[str, datetime]]) -> pl.DataFrame:
    """Return raw tweets of (text, knowledge time)."""
    rows = [
        {
            "text_id": f"{known:%Y%m%d%H}-{text}", "ticker": "AAPL", "event_time": known,
            "knowledge_time": known, "session_date": known.date(), "text": text,
            "text_hash": text_hash(text), "author": None, "is_retweet": False,
            "retweet_count": None, "like_count": None, "source": "test",
        }
        for text, known in said
    ]  # fmt: skip
    return TWEETS.enforce(pl.DataFrame(rows, schema=TWEETS.polars_schema))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
