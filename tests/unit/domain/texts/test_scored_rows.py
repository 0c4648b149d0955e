"""The scored texts of a month: one row per distinct text and month, every one with a score."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.contract import Table
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.domain.texts.scored_rows import distinct_texts, sentiment_rows, words_of
from finpulse_assets.errors import SchemaError
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS


def rows(table: Table, *texts: tuple[str, datetime]) -> pl.LazyFrame:
    """Return rows of (text, knowledge_time)."""
    return table.enforce(
        pl.DataFrame(
            [
                {
                    "text_id": str(at),
                    "ticker": "AAPL",
                    "event_time": known,
                    "knowledge_time": known,
                    "session_date": date(2024, 6, 3),
                    "text": text,
                    "text_hash": text_hash(text),
                    "author": None,
                    "is_retweet": False,
                    "retweet_count": None,
                    "like_count": None,
                    "source": "test",
                }
                for at, (text, known) in enumerate(texts)
            ],
            schema=table.polars_schema,
        )
    ).lazy()


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


TWEETED = rows(
    TWEETS,
    ("Up &amp; away", at(6, 3)),
    ("RT @ann: Up & away", at(6, 2)),
    ("Up & away", at(7, 5)),
    ("down", at(7, 1, 3)),  # still June in New York
)
HEADED = rows(HEADLINES, ("Up &  away", at(6, 1)), ("flat", at(7, 9)))


def test_a_text_is_scored_once_a_month():
    found = distinct_texts(TWEETED, HEADED)
    assert found.rows() == [
        (text_hash("Up & away"), at(6, 1)),
        (text_hash("down"), at(7, 1, 3)),
        (text_hash("Up & away"), at(7, 5)),
        (text_hash("flat"), at(7, 9)),
    ]


def test_the_order_of_rows_does_not_count():
    backwards = [frame.collect().reverse().lazy() for frame in (TWEETED, HEADED)]
    assert distinct_texts(*backwards).equals(distinct_texts(TWEETED, HEADED))


def test_words_are_normal_and_only_those_asked_for():
    asked = pl.Series([text_hash("flat"), text_hash("Up & away"), text_hash("never said")])
    found = words_of(TWEETED, HEADED, asked)
    assert sorted(found["text"]) == ["Up & away", "flat"]
    assert found["text_hash"].to_list() == [text_hash(text) for text in found["text"]]
    assert words_of(TWEETED, HEADED, asked.clear()).is_empty()


def test_no_texts_have_no_scores():
    found = distinct_texts(TWEETS.empty().lazy(), HEADLINES.empty().lazy())
    assert found.is_empty()
    assert sentiment_rows(found, scores(found), "f").equals(TEXT_SENTIMENT.empty())


def scores(texts: pl.DataFrame) -> pl.DataFrame:
    """Return a score for each distinct text; "flat" has no opinion."""
    is_flat = pl.col("text_hash") == text_hash("flat")
    return texts.unique("text_hash").select(
        "text_hash",
        p_positive=pl.when(is_flat).then(0.0).otherwise(0.75),
        p_negative=pl.lit(0.125),
        p_neutral=pl.when(is_flat).then(0.875).otherwise(0.125),
        is_truncated=pl.lit(False),
        vader_score=pl.when(is_flat).then(-0.25).otherwise(0.5),
    )


def test_every_text_meets_its_scores():
    texts = distinct_texts(TWEETED, HEADED)
    found = sentiment_rows(texts, scores(texts).reverse(), "finger")
    assert found.select("text_hash", "first_known_at").sort(pl.all()).equals(texts.sort(pl.all()))
    up, down, flat = (text_hash(text) for text in ("Up & away", "down", "flat"))
    assert dict(found.select("text_hash", "score").iter_rows()) == {
        up: 0.625, down: 0.625, flat: -0.125,
    }  # fmt: skip
    assert dict(found.select("text_hash", "vader_score").iter_rows()) == {
        up: 0.5, down: 0.5, flat: -0.25,
    }  # fmt: skip
    assert found["model_fingerprint"].unique().to_list() == ["finger"]


def test_a_text_without_a_score_is_refused():
    texts = distinct_texts(TWEETED, HEADED)
    partial = scores(texts).filter(pl.col("text_hash") != text_hash("flat"))
    with pytest.raises(SchemaError, match=r"has nulls where none may be: p_positive \(1\)"):
        sentiment_rows(texts, partial, "finger")
