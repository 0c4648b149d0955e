"""Texts: their scores by session, kind and source, and the texts themselves."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.dashboard.snapshot import Ask

OPINION = 0.2  # a score beyond it is an opinion, as in trading_signal
SIDES = {
    "all": "true",
    "positive": f"score > {OPINION}",
    "negative": f"score < -{OPINION}",
    "neutral": f"score between -{OPINION} and {OPINION}",
}
# The first version of each text of the rows that {where} leaves, with its score.
_SCORED = """
    with texts as (
        select 'tweet' as kind, * from tweets where {where} union all by name
        select 'headline' as kind, * from headlines where {where}
    ), first_known as (
        from texts qualify row_number() over (partition by kind, source, text_id, ticker
                                              order by knowledge_time) = 1
    ), scores as (
        select text_hash, any_value(score) as score from text_sentiment
        where text_hash in (select text_hash from first_known) group by text_hash
    ), scored as (
        select first_known.*, score from first_known left join scores using (text_hash)
    )
"""


def timeline(ask: Ask, ticker: str, sessions: int) -> pl.DataFrame:
    """Return mean score and count of a ticker's texts by session, kind and source.

    Args:
        sessions: how many of the last sessions.

    Columns: session_date, kind, source, sentiment_mean, text_count.
    """
    return ask(
        _SCORED.format(where=f"ticker = $ticker and session_date > ({_FROM})")
        + """
        select session_date, kind, source, avg(score) as sentiment_mean, count(*) as text_count
        from scored group by all order by session_date, kind, source
        """,
        ticker=ticker, sessions=sessions,
    )  # fmt: skip


_FROM = """
    select min(session_date) - 1 from (select distinct session_date from fct_daily_features
    order by session_date desc limit $sessions)
"""


def disagreement(ask: Ask, ticker: str, sessions: int) -> pl.DataFrame:
    """Return text_count, sentiment_mean and sentiment_disagreement of a ticker by session."""
    return ask(
        f"""
        select session_date, text_count, sentiment_mean, sentiment_disagreement
        from fct_daily_sentiment where ticker = $ticker and session_date > ({_FROM})
        order by session_date
        """,
        ticker=ticker, sessions=sessions,
    )  # fmt: skip


def behind_point(ask: Ask, ticker: str, session: date) -> pl.DataFrame:
    """Return the texts that count for a ticker and session, the strongest opinion first."""
    return ask(
        _SCORED.format(where="ticker = $ticker and session_date = $session")
        + """
        select kind, source, author, knowledge_time, score, text from scored
        order by abs(score) desc nulls last, knowledge_time limit 200
        """,
        ticker=ticker, session=session,
    )  # fmt: skip


def news(
    ask: Ask,
    *,
    first: date,
    last: date,
    tickers: list[str],
    kinds: list[str],
    sources: list[str],
    side: str,
    words: str,
    limit: int,
    offset: int,
) -> pl.DataFrame:
    """Return a page of texts, the newest first, and how many there are in all.

    Args:
        first: the first session, `last` the last one.
        tickers: those to show, all for none; so `kinds` and `sources`.
        side: a key of SIDES.
        words: what the text contains, whatever its case; all for none.
        limit: texts a page; `offset` of them are left out.

    Columns: ticker, kind, source, author, knowledge_time, score, text, total.
    """
    where = "session_date between $first and $last"
    values: dict[str, object] = {"first": first, "last": last, "limit": limit, "offset": offset}
    if tickers:
        where += " and list_contains($tickers::varchar[], ticker)"
        values["tickers"] = tuple(tickers)
    if sources:
        where += " and list_contains($sources::varchar[], source)"
        values["sources"] = tuple(sources)
    if words.strip():
        where += " and contains(lower(text), lower($words))"
        values["words"] = words.strip()
    chosen = "kind = $kind" if len(kinds) == 1 else "true"
    if len(kinds) == 1:
        values["kind"] = kinds[0]
    return ask(
        _SCORED.format(where=where)
        + f"""
        select ticker, kind, source, author, knowledge_time, score, text, count(*) over () as total
        from scored where {SIDES[side]} and {chosen}
        order by knowledge_time desc, ticker, text_id limit $limit offset $offset
        """,
        **values,
    )


def text_sources(ask: Ask) -> list[str]:
    """Return the sources of texts, preferred ones first."""
    return ask(
        "select source from sources where kind in ('tweets', 'headlines') "
        "group by source order by min(rank), source"
    )["source"].to_list()


def reach(ask: Ask) -> tuple[date, date] | None:
    """Return the first and the last session with a text, None without any."""
    row = ask(
        "select min(session_date) as first, max(session_date) as last from "
        "(select session_date from tweets union all select session_date from headlines)"
    ).row(0)
    return None if row[0] is None else row
