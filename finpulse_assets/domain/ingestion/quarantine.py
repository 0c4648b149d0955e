"""Bad rows: the rules of texts, bars and actions, and the quarantine for rows that break one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from finpulse_assets.domain.ingestion.rule import NO_SYMBOL, UNREADABLE, Rule, missing, shown
from finpulse_assets.domain.texts.normalise import MAX_CHARACTERS
from finpulse_assets.schemas import OHLC, PRICE_BASES, QUARANTINE

MAX_JSON_CHARACTERS = 2_000
# Anything but white space, control characters, zero-width signs and direction marks.
VISIBLE = r"[^\s\p{Z}\p{Cc}\p{Cf}]"


def text_rules() -> list[Rule]:
    """Return the rules of tweets and headlines."""
    length = pl.col("text").str.len_chars()
    return [
        UNREADABLE,
        *missing("text_id", "ticker", "event_time"),
        NO_SYMBOL,
        Rule(~pl.col("text").str.contains(VISIBLE), pl.lit("text is empty")),
        Rule(
            length > MAX_CHARACTERS,
            pl.format("text has {} characters, the limit is 10000", length),
        ),
    ]


def price_rules(session_dates: pl.Series) -> list[Rule]:
    """Return the rules of daily bars; `session_dates` are the days on which the market traded."""
    negative = [
        Rule(
            ~(pl.col(name).is_finite() & (pl.col(name) > 0)),
            pl.format(name + " is {}, a price is above 0", pl.col(name)),
        )
        for name in OHLC
    ]
    return [
        UNREADABLE,
        *missing("ticker", "session_date", *OHLC, "volume_shares"),
        NO_SYMBOL,
        Rule(
            ~pl.col("session_date").is_in(session_dates.implode()),
            pl.format("{} is not a session of XNYS", pl.col("session_date")),
        ),
        *negative,
        Rule(
            pl.col("high") < pl.col("low"),
            pl.format("high {} is below low {}", pl.col("high"), pl.col("low")),
        ),
        Rule(
            pl.col("volume_shares") < 0,
            pl.format("volume_shares is {}, the limit is 0", pl.col("volume_shares")),
        ),
        Rule(
            ~pl.col("price_basis").fill_null("").is_in(PRICE_BASES),
            pl.format(
                "price_basis '{}' is none of " + ", ".join(PRICE_BASES),
                pl.col("price_basis").fill_null(""),
            ),
        ),
    ]


def action_rules(session_dates: pl.Series) -> list[Rule]:
    """Return the rules of splits and dividends."""
    return [
        UNREADABLE,
        *missing("ticker", "ex_date", "kind", "value"),
        NO_SYMBOL,
        Rule(
            ~pl.col("kind").is_in(["split", "dividend"]),
            pl.format("kind '{}' is neither split nor dividend", shown("kind")),
        ),
        Rule(
            ~(pl.col("value").is_finite() & (pl.col("value") > 0)),
            pl.format("value is {}, it should be above 0", pl.col("value")),
        ),
        Rule(
            ~pl.col("ex_date").is_in(session_dates.implode()),
            pl.format("{} is not a session of XNYS", pl.col("ex_date")),
        ),
    ]


def split_bad_rows(
    delivered: pl.DataFrame, rules: Sequence[Rule], *, as_of: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a delivery into good rows and a `schemas.QUARANTINE` frame of refused ones.

    The first broken rule in order gives the reason. `problem` is dropped from the good rows.
    """
    first_reason = pl.coalesce(
        *(pl.when(rule.broken.fill_null(True)).then(rule.reason) for rule in rules)
    )
    judged = delivered.with_columns(_reason=first_reason)
    good = judged.filter(pl.col("_reason").is_null()).drop("_reason", "problem")
    bad = judged.filter(pl.col("_reason").is_not_null())
    return good, _quarantine(bad, as_of)


def _quarantine(bad: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    reasons = bad["_reason"].to_list()
    rows = [
        json.dumps(_writable(row), default=str, ensure_ascii=False, sort_keys=True)
        for row in bad.drop("_reason", "problem").iter_rows(named=True)
    ]
    frame = pl.DataFrame(
        {
            "row_hash": [hashlib.sha256(row.encode()).hexdigest() for row in rows],
            "reason": reasons,
            "row_json": [row[:MAX_JSON_CHARACTERS] for row in rows],
            "first_seen_at": [as_of] * len(rows),
        },
        schema=QUARANTINE.polars_schema,
    )
    return QUARANTINE.enforce(frame.unique("row_hash", keep="first", maintain_order=True))


def _writable(row: dict[str, object]) -> dict[str, object]:
    """Return the row with NaN and infinity as text: JSON has no number for them."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
