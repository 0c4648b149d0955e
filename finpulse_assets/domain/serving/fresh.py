"""A request with texts and bars that no source has delivered yet, and the rows made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec
import polars as pl

from finpulse_assets.domain.ingestion.quarantine import VISIBLE
from finpulse_assets.domain.serving.request import normal_symbol, refuse_repeats
from finpulse_assets.domain.serving.sentiment import TextScore, check_texts
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import RequestError
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS

MAX_TEXTS, MAX_BARS = 64, 20
SOURCE = "request"
FORM = (
    'send {"symbol": "...", "texts": [{"text": "...", "kind": "tweet" or "headline"}], "prices": '
    '[{"session_date": "2026-11-27", "open": ..., "high": ..., "low": ..., "close": ..., '
    f'"volume_shares": ...}}]}}: 1 to {MAX_TEXTS} texts, or 1 to {MAX_BARS} bars, or both'
)


class FreshText(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A text: what kind of one, and who wrote it."""

    text: str
    kind: Literal["tweet", "headline"] = "tweet"
    author: str | None = None


class FreshBar(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A session's bar, in the shares and the currency of the symbol's bars before."""

    session_date: date
    open: float
    high: float
    low: float
    close: float
    volume_shares: int


class FreshRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A symbol, with what is to be added to what is known of it."""

    symbol: str
    texts: list[FreshText] = []
    prices: list[FreshBar] = []


_REQUEST = msgspec.json.Decoder(FreshRequest)
_NAMES = re.compile(rb'"(?:texts|prices)"\s*:')


def is_fresh(body: bytes) -> bool:
    """Return whether a request brings texts or prices, as names and not as a symbol."""
    may_be = b'"texts"' in body or b'"prices"' in body  # most hold neither, and this is fast
    return may_be and _NAMES.search(body) is not None


def parse_fresh(body: bytes) -> FreshRequest:
    """Return the request in a JSON text, its symbol in the form of the lake.

    Raises:
        RequestError: it is not of the form, or a text or a bar cannot be used.
    """
    try:
        asked = _REQUEST.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"the request cannot be read: {error}", hint=FORM) from error
    refuse_repeats(body)
    counts = len(asked.texts), len(asked.prices)
    if not any(counts) or counts[0] > MAX_TEXTS or counts[1] > MAX_BARS:
        raise RequestError(f"there are {counts[0]} texts and {counts[1]} prices", hint=FORM)
    check_texts([it.text for it in asked.texts])
    for bar in asked.prices:
        is_bar = 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        if not is_bar or bar.high > 1e9 or bar.volume_shares < 0:
            raise RequestError(
                f"the bar of {bar.session_date} is none",
                hint="0 < low <= open and close <= high, and a volume of 0 or more",
            )
    days = [bar.session_date for bar in asked.prices]
    if len(set(days)) != len(days):
        raise RequestError("a session has two bars", hint="send one bar a session")
    return msgspec.structs.replace(asked, symbol=normal_symbol(asked.symbol))


def fresh_texts(
    texts: Sequence[FreshText], symbol: str, session_date: date, known_at: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return texts as `schemas.TWEETS` and `schemas.HEADLINES`, known at `known_at` (UTC)."""
    made = []
    for kind, table in (("tweet", TWEETS), ("headline", HEADLINES)):
        rows = [
            {
                "text_id": f"request-{at}",
                "ticker": symbol,
                "event_time": known_at,
                "knowledge_time": known_at,
                "session_date": session_date,
                "text": it.text,
                "text_hash": text_hash(it.text),
                "author": it.author,
                "is_retweet": False,
                "source": SOURCE,
            }
            for at, it in enumerate(texts)
            if it.kind == kind
        ]
        frame = pl.DataFrame(rows, schema=table.polars_schema)
        # A delivery of a text of which nothing can be seen is refused: it counts for nothing here.
        made.append(table.enforce(frame.filter(pl.col("text").str.contains(VISIBLE))))
    return made[0], made[1]


def fresh_scores(
    texts: Sequence[FreshText], scores: Sequence[TextScore], known_at: datetime
) -> pl.DataFrame:
    """Return the scores of texts as `schemas.TEXT_SENTIMENT`; no feature reads VADER's, 0."""
    rows = {
        text_hash(it.text): {
            "text_hash": text_hash(it.text),
            "first_known_at": known_at,
            "vader_score": 0.0,
            **score.model_dump(exclude={"label"}),
        }
        for it, score in zip(texts, scores, strict=True)
    }
    schema = TEXT_SENTIMENT.polars_schema
    return TEXT_SENTIMENT.enforce(pl.DataFrame(list(rows.values()), schema=schema))
