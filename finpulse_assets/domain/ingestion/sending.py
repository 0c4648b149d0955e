"""The times of messages: what may be believed of a row by when its message was sent.

A message says when its row was known; the broker says when the message was sent. Both are the same
at every repeat, so a row is judged alike however often, and by whomever, it is read.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from finpulse_assets.schemas import UTC

# Clocks of senders differ; a row may be this much ahead of the time of its sending.
SKEW = timedelta(minutes=1)


def judge_texts(rows: pl.DataFrame, sessions: pl.DataFrame, received_at: datetime) -> pl.DataFrame:
    """Return texts with knowledge_time filled, and with `problem` where the times contradict.

    A text is late where a decision lies between its knowledge time and its sending: it would change
    what that decision is said to have known.

    Args:
        rows: event_time, knowledge_time (null for the time of sending), problem and sent_at.
        sessions: `schemas.SESSIONS`.
        received_at: the present time (UTC).
    """
    known = pl.max_horizontal(pl.coalesce("knowledge_time", "sent_at"), "event_time")
    rows = rows.with_columns(knowledge_time=known.cast(UTC))
    late = _decisions(rows, "sent_at", sessions) - _decisions(rows, "knowledge_time", sessions) > 0
    return _judged(rows, sessions, received_at, late)


def judge_bars(rows: pl.DataFrame, sessions: pl.DataFrame, received_at: datetime) -> pl.DataFrame:
    """Return bars with `problem` where the times contradict; see `judge_texts`.

    A bar is sent once its session is decided: before, it may not be final. It is late once the next
    session is decided as well.

    Args:
        rows: session_date, knowledge_time (null for the close), problem and sent_at.
        sessions: `schemas.SESSIONS`.
        received_at: the present time (UTC).
    """
    own = sessions.select("session_date", "close_at", "decision_at")
    joined = rows.join(own, on="session_date", how="left", maintain_order="left")
    joined = joined.with_columns(knowledge_time=pl.coalesce("knowledge_time", "close_at"))
    is_early = (joined["sent_at"] < joined["decision_at"]).fill_null(False)
    early = pl.format(
        "sent at {}, before the decision of its session at {}: send the bar when it is final",
        _shown("sent_at"),
        _shown("decision_at"),
    )
    joined = joined.with_columns(problem=pl.coalesce("problem", pl.when(is_early).then(early)))
    passed = _decisions(joined, "sent_at", sessions) - _decisions(
        joined, "knowledge_time", sessions
    )
    return _judged(joined.drop("close_at", "decision_at"), sessions, received_at, passed > 1)


def _judged(
    rows: pl.DataFrame, sessions: pl.DataFrame, received_at: datetime, late: pl.Series
) -> pl.DataFrame:
    sent, known = pl.col("sent_at"), pl.col("knowledge_time")
    first = sessions["decision_at"].min()
    problem = pl.coalesce(
        "problem",
        pl.when(sent > received_at + SKEW).then(
            pl.format("sent at {}, which lies ahead of now", _shown("sent_at"))
        ),
        pl.when(sent < first).then(
            pl.format("sent at {}, before the calendar begins", _shown("sent_at"))
        ),
        pl.when(known > sent + SKEW).then(
            pl.format(
                "known at {}, after it was sent at {}", _shown("knowledge_time"), _shown("sent_at")
            )
        ),
        pl.when(late.fill_null(False)).then(
            pl.format(
                "late: known at {}, sent at {}, a decision later; sent again without a "
                "knowledge_time it counts from then on",
                _shown("knowledge_time"),
                _shown("sent_at"),
            )
        ),
    )
    return rows.with_columns(problem=problem)


def _decisions(rows: pl.DataFrame, column: str, sessions: pl.DataFrame) -> pl.Series:
    """Return how many sessions were decided by a time, null for null."""
    decided = sessions["decision_at"].sort()
    count = decided.search_sorted(rows[column].fill_null(decided[0]), side="right")
    return pl.select(pl.when(rows[column].is_not_null()).then(count.cast(pl.Int64))).to_series()


def _shown(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m-%d %H:%M:%S")
