"""Recent texts: the first version of each that was known, with its newest score."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.serving.news import recent_texts
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS

NOON = datetime(2024, 6, 28, 12, tzinfo=UTC)


def texts(table, rows: list[tuple[str, str, str, int]]) -> pl.LazyFrame:
    """Return texts of (id, ticker, words, hours before noon)."""
    frame = pl.DataFrame(rows, schema=["text_id", "ticker", "text", "hours"], orient="row")
    at = pl.lit(NOON) - pl.duration(hours="hours")
    return table.enforce(
        frame.with_columns(
            event_time=at, knowledge_time=at, session_date=pl.lit(date(2024, 6, 28)),
            text_hash="text", author=pl.lit(None, pl.String), is_retweet=False,
            retweet_count=pl.lit(None, pl.Int64), like_count=pl.lit(None, pl.Int64),
            source=pl.lit("files"),
        ).drop("hours")
    ).lazy()  # fmt: skip


def scores(**found: float) -> pl.LazyFrame:
    rows = [(words, NOON, score) for words, score in found.items()]
    frame = pl.DataFrame(rows, schema=["text_hash", "first_known_at", "score"], orient="row")
    nothing = dict.fromkeys(("p_positive", "p_negative", "p_neutral", "vader_score"), 0.0)
    marks = {"is_truncated": pl.lit(False), "model_fingerprint": pl.lit("m")}
    values = {name: pl.lit(value) for name, value in nothing.items()}
    return TEXT_SENTIMENT.enforce(frame.with_columns(**values, **marks)).lazy()


def test_the_newest_that_were_known_come_once_with_their_scores():
    tweets = texts(TWEETS, [("1", "A", "old", 9), ("2", "A", "edit", 2), ("2", "A", "first", 5),
                            ("3", "B", "unscored", 1), ("4", "B", "ahead", -1)])  # fmt: skip
    headlines = texts(HEADLINES, [("1", "A", "head", 3)])
    found = recent_texts(
        tweets, headlines, scores(old=0.1, first=0.2, edit=0.3, head=0.4, ahead=0.5),
        as_of=NOON, count=2,
    )  # fmt: skip
    assert sorted(found.select("kind", "text", "score").rows()) == [
        ("headline", "head", 0.4), ("tweet", "first", 0.2),
    ]  # fmt: skip
    assert found["knowledge_time"].max() == NOON - timedelta(hours=3)
