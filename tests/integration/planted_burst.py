"""A session of twenty honest texts, and bursts of a bot to plant in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.domain.texts.traits import text_traits
from tests.fakes.bursts import CHANGES, burst

CLAIM = "Buy $ACME now before it is too late, huge gains are coming and it is going to the moon"
HONEST = [
    "Acme beats estimates on revenue",
    "The chief financial officer leaves after eleven years",
    "Short interest fell again last week",
    "Not sure, the chart looks tired",
    "Anyone else waiting for the new plant?",
    "Margins have peaked if you ask me",
    "Regulator drops its inquiry",
    "Bought a few shares for my daughter",
    "Their support line is hopeless",
    "Downgraded to hold at Barclays",
    "Insiders sold in May",
    "Great quarter, weak guidance",
    "The dividend is safe for now",
    "Volume is drying up",
    "Rumours of a takeover once more",
    "Competitors cut prices on Monday",
    "I like the product",
    "Debt is due next spring",
    "Lawsuit settled out of court",
    "Watching from the sidelines",
]
BOT, NAMES = 1, 4  # voices that a bot gets with one name, and with a name for each text


def _names(count: int) -> list[str | None]:
    return [f"name {n}" for n in range(count)]


def _changed(change: str, authors: list[str | None]) -> tuple[list[str], list[str | None]]:
    return burst(CLAIM, change, len(authors)), authors


def most_moved(voices: int) -> float:
    """Return how far some voices can move twenty, whose scores and theirs lie between -1 and 1."""
    return 2 * voices / (len(HONEST) + voices)


# What is planted, and how many voices it may have.
BURSTS: dict[str, tuple[int, Callable[[], tuple[list[str], list[str | None]]]]] = {
    "one text, one author": (BOT, lambda: ([CLAIM] * 500, ["bot"] * 500)),
    "one text, many names": (BOT, lambda: ([CLAIM] * 500, _names(500))),
    "one text, no names": (BOT, lambda: ([CLAIM] * 500, [None] * 500)),
    "one author, all kinds of texts": (BOT, lambda: (
        [f"{chr(97 + n % 26) * (5 + n)} {text[::-1]}" for n in range(25) for text in HONEST],
        ["bot"] * 500,
    )),
    "near copies of the honest": (BOT, lambda: (
        [f"{text} indeed {n}" for n in range(25) for text in HONEST],
        ["bot"] * 500,
    )),
    **{
        f"one author, {change}": (BOT, partial(_changed, change, ["bot"] * 500))
        for change in CHANGES
    },
    **{
        f"many names, {change}": (NAMES, partial(_changed, change, _names(500)))
        for change in CHANGES
        if change != "two wrong letters"  # in ten words they are no slight change
    },
}  # fmt: skip


def tables_with(
    texts: list[str], authors: list[str | None], lake: dict[str, pl.DataFrame], ticker: str
) -> dict[str, pl.DataFrame]:
    """Return the lake with nothing said but twenty honest texts, and then the given ones.

    An honest text says -0.1, every other one 1. All count for the first session.
    """
    day, decision = lake["raw/sessions"].select("session_date", "decision_at").row(0)
    voices = [f"reader {n}" for n in range(len(HONEST))]
    said = list(zip([*HONEST, *texts], [*voices, *authors], strict=True))
    tweets = _tweets(said, ticker, day, decision - timedelta(hours=3))
    hashes = tweets.unique("text_hash", keep="first", maintain_order=True).select("text_hash")
    honest = pl.col("text_hash").is_in([text_hash(it) for it in HONEST])
    scored = hashes.with_columns(score=pl.when(honest).then(-0.1).otherwise(1.0))
    return {
        **lake,
        "raw/tweets": tweets,
        "raw/headlines": schemas.HEADLINES.empty(),
        "scored/text_sentiment": schemas.TEXT_SENTIMENT.enforce(
            scored.with_columns(
                first_known_at=pl.lit(decision).cast(schemas.UTC),
                p_positive=pl.col("score").clip(0),
                p_negative=-pl.col("score").clip(upper_bound=0),
                p_neutral=1 - pl.col("score").abs(),
                vader_score="score",
                is_truncated=False,
                model_fingerprint=pl.lit("f"),
            )
        ),
        "scored/text_traits": text_traits(tweets.lazy(), languages=["en"]),
    }


def _tweets(
    said: list[tuple[str, str | None]], ticker: str, day: object, first: datetime
) -> pl.DataFrame:
    rows = [
        {
            "text_id": f"id{n}", "ticker": ticker, "event_time": first + timedelta(seconds=n),
            "knowledge_time": first + timedelta(seconds=n), "session_date": day, "text": text,
            "text_hash": text_hash(text), "author": author, "is_retweet": False,
            "retweet_count": None, "like_count": None, "source": "test",
        }
        for n, (text, author) in enumerate(said)
    ]  # fmt: skip
    return schemas.TWEETS.enforce(pl.DataFrame(rows, schema=schemas.TWEETS.polars_schema))
