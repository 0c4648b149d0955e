"""A small lake for integration tests, and what the marts must say of it, computed in Python.

Belongs here: six tickers, forty weekday sessions, texts with edits, repeats and late arrivals, and
the values that follow from them, by other means than the SQL. Does not belong here: assertions.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev
from types import SimpleNamespace

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.features import registry

TICKERS = ["AAPL", "BRK-B", "HOLE", "MSFT", "STIL", "TSLA"]
KEY = ["ticker", "session_date"]
HALT = 14  # position of the session that HOLE misses; no text falls into it


def weekday_sessions(count: int) -> pl.DataFrame:
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(2 * count)]
    days = [day for day in days if day.weekday() < 5][: count + 1]
    frame = pl.DataFrame({"session_date": days[:-1], "next_session_date": days[1:]})
    at = pl.col("session_date").cast(schemas.UTC)
    return schemas.SESSIONS.enforce(
        frame.with_row_index("session_index", offset=6500).with_columns(
            (at + pl.duration(hours=14, minutes=30)).alias("open_at"),
            (at + pl.duration(hours=21)).alias("close_at"),
            (at + pl.duration(hours=21, minutes=15)).alias("decision_at"),
            pl.lit(False).alias("is_half_day"),
        )
    )


def bars(sessions: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    """Bars of six tickers; HOLE misses one, STIL does not trade in one, AAPL has a correction."""
    rows = []
    for ticker in TICKERS:
        for n, (day, close_at) in enumerate(sessions.select("session_date", "close_at").rows()):
            if (ticker, n) == ("HOLE", HALT):
                continue
            opened, closed = rng.uniform(50, 60), rng.uniform(50, 60)
            volume = 0 if (ticker, n) == ("STIL", HALT) else 1000
            rows.append((ticker, day, close_at, opened, closed, volume))
    day, known = sessions["session_date"][20], sessions["close_at"][35]
    rows.append(("AAPL", day, known, 40.0, 70.0, 1000))
    columns = ["ticker", "session_date", "knowledge_time", "open", "close", "volume_shares"]
    return schemas.PRICES.enforce(
        pl.DataFrame(rows, schema=columns, orient="row").with_columns(
            event_time="knowledge_time",
            high=pl.max_horizontal("open", "close"),
            low=pl.min_horizontal("open", "close"),
            price_basis=pl.lit("unadjusted"),
            source=pl.lit("test"),
        )
    )


def texts(table: schemas.Table, sessions: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    """Texts of 15 wordings in sessions 0, 1, 3, 4, 6 and so on, a fifth of them edited later."""
    rows = []
    for number in range(220):
        ticker = rng.choice(TICKERS)
        known = sessions["decision_at"][3 * rng.randrange(12) + rng.randrange(2)]
        known -= timedelta(minutes=rng.randrange(1, 300))
        versions = [known, known + timedelta(days=2)] if rng.random() < 0.2 else [known]
        for at in versions:
            wording = f"{rng.randrange(15):064x}"
            author = rng.choice(["ann", "bob", "eve", None])
            rows.append((f"id{number}", ticker, at, wording, author, rng.random() < 0.3))
    columns = ["text_id", "ticker", "knowledge_time", "text_hash", "author", "is_retweet"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").sort("knowledge_time")
    decisions = sessions.select("session_date", "decision_at").sort("decision_at")
    frame = frame.join_asof(
        decisions, left_on="knowledge_time", right_on="decision_at", strategy="forward",
        allow_exact_matches=False,
    ).drop("decision_at")  # fmt: skip
    return table.enforce(
        frame.with_columns(
            event_time="knowledge_time", text=pl.lit("words"), retweet_count=None,
            like_count=None, source=pl.lit("test"),
        )
    )  # fmt: skip


def scores(rng: random.Random) -> pl.DataFrame:
    """Scores of the 15 wordings in each of two months, as the monthly partitions hold them."""
    rows = []
    for n in range(15):
        score = rng.choice([-0.2, 0.2, rng.uniform(-1, 1)])
        for month in (1, 2):
            rows.append((f"{n:064x}", datetime(2026, month, 2, tzinfo=UTC), score, -score / 2))
    columns = ["text_hash", "first_known_at", "score", "vader_score"]
    return schemas.TEXT_SENTIMENT.enforce(
        pl.DataFrame(rows, schema=columns, orient="row").with_columns(
            p_positive=pl.col("score").clip(0),
            p_negative=-pl.col("score").clip(upper_bound=0),
            p_neutral=1 - pl.col("score").abs(), is_truncated=False, model_fingerprint=pl.lit("f"),
        )
    )  # fmt: skip


def technical(prices: pl.DataFrame) -> pl.DataFrame:
    """Every technical feature, null in the first bar, else a value inside all ranges."""
    rows = prices.select(KEY).unique().sort(KEY)
    bars_seen = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("ticker").alias("bars_seen")
    value = pl.when(pl.col("bars_seen") > 1).then(1 / pl.col("bars_seen"))
    names = registry.feature_names(with_text=False)
    return rows.with_columns(bars_seen).with_columns(
        (value / (n + 1)).alias(name) for n, name in enumerate(names)
    )


def write(lake: Path, name: str, frame: pl.DataFrame) -> None:
    """Write a table in two partitions, as the lake keeps it in months."""
    (lake / name).mkdir(parents=True)
    frame.head(frame.height // 2).write_parquet(lake / name / "2026-01.parquet")
    frame.tail(frame.height - frame.height // 2).write_parquet(lake / name / "2026-02.parquet")


def write_lake(lake: Path, *, with_texts: bool) -> SimpleNamespace:
    rng = random.Random(20260105)
    sessions = weekday_sessions(40)
    prices = bars(sessions, rng)
    tables = {
        schemas.SESSIONS: sessions,
        schemas.PRICES: prices,
        schemas.TWEETS: texts(schemas.TWEETS, sessions, rng),
        schemas.HEADLINES: texts(schemas.HEADLINES, sessions, rng),
        schemas.TEXT_SENTIMENT: scores(rng),
        schemas.CORPORATE_ACTIONS: schemas.CORPORATE_ACTIONS.empty(),
        schemas.TICKERS: schemas.TICKERS.empty(),
    }
    texted = (schemas.TWEETS, schemas.HEADLINES, schemas.TEXT_SENTIMENT)
    for table, frame in tables.items():
        write(lake, table.name, table.empty() if table in texted and not with_texts else frame)
    write(lake, "features/technical", technical(prices))
    return SimpleNamespace(**{table.name.split("/")[1]: frame for table, frame in tables.items()})


def messages(lake: SimpleNamespace, as_of: datetime) -> pl.DataFrame:
    """Every text known at `as_of`, in its first version, with its score."""
    kinds = [lake.headlines.with_columns(kind=pl.lit("headline")),
             lake.tweets.with_columns(kind=pl.lit("tweet"))]  # fmt: skip
    known = pl.concat(kinds).filter(pl.col("knowledge_time") <= as_of).sort("knowledge_time")
    first = known.unique(["kind", "text_id", "ticker"], keep="first", maintain_order=True)
    score = lake.text_sentiment.unique("text_hash").select("text_hash", "score", "vader_score")
    return first.join(score, on="text_hash").sort("knowledge_time", "kind", "text_id")


def expected_sentiment(lake: SimpleNamespace, as_of: datetime) -> pl.DataFrame:
    every = messages(lake, as_of)
    copies = every.unique([*KEY, "text_hash"], keep="first", maintain_order=True)
    counts = every.group_by(KEY).agg(
        pl.col("author").drop_nulls().n_unique().alias("author_count"),
        pl.col("is_retweet").mean().alias("retweet_share"),
    )
    return (
        copies.group_by(KEY)
        .agg(
            pl.len().alias("text_count"),
            (pl.col("kind") == "tweet").sum().alias("tweet_count"),
            (pl.col("kind") == "headline").sum().alias("headline_count"),
            pl.col("score").mean().alias("sentiment_mean"),
            pl.col("score").std(ddof=0).alias("sentiment_std"),
            (pl.col("score") > 0.2).mean().alias("positive_share"),
            (pl.col("score") < -0.2).mean().alias("negative_share"),
            pl.col("vader_score").mean().alias("sentiment_vader_mean"),
        )
        .join(counts, on=KEY)
        .join(lake.sessions.select("session_date", "decision_at"), on="session_date")
        .sort(KEY)
    )


def expected_text_features(
    lake: SimpleNamespace, as_of: datetime, rows: pl.DataFrame
) -> pl.DataFrame:
    """The windows by brute force: the scores of all sessions of a window in one list."""
    index = {day: n for n, day in enumerate(lake.sessions["session_date"])}
    copies = messages(lake, as_of).unique([*KEY, "text_hash"])
    listed: dict[tuple[str, int], list[float]] = {}
    for ticker, day, score in copies.select(*KEY, "score").rows():
        listed.setdefault((ticker, index[day]), []).append(score)
    out = []
    for ticker, day in rows.select(KEY).rows():
        n, own = index[day], listed.get((ticker, index[day]), [])
        window = {
            k: [s for m in range(n - k + 1, n + 1) for s in listed.get((ticker, m), [])]
            for k in (3, 5, 20)
        }
        means = {k: fmean(v) if v else None for k, v in window.items()}
        market = [fmean(listed[t, n]) for t in TICKERS if (t, n) in listed]
        out.append({
            "ticker": ticker, "session_date": day, "text_count": len(own),
            "sentiment_mean": fmean(own) if own else None,
            "sentiment_std": pstdev(own) if own else None,
            **{f"sentiment_mean_{k}d": means[k] for k in means},
            "sentiment_change_20d": fmean(own) - means[20] if own else None,
            "text_count_to_mean_20d":
                len(own) / (len(window[20]) / min(20, n + 1)) if window[20] else None,
            "market_sentiment_mean": fmean(market) if market else None,
            "sentiment_minus_market": fmean(own) - fmean(market) if own else None,
        })  # fmt: skip
    return pl.DataFrame(out, infer_schema_length=None)


def expected_labels(lake: SimpleNamespace, as_of: datetime) -> pl.DataFrame:
    """Labels from a table of bars by position in the calendar."""
    known = lake.prices.filter(pl.col("knowledge_time") <= as_of).sort("knowledge_time")
    bar = {(r["ticker"], r["session_date"]): r for r in known.iter_rows(named=True)}
    calendar = lake.sessions.rows(named=True)
    out = []
    for ticker in TICKERS:
        for today, target in pairwise(calendar):
            now = bar.get((ticker, today["session_date"]))
            then = bar.get((ticker, target["session_date"]))
            if now is None or then is None or then["volume_shares"] == 0:
                continue
            gain = then["close"] / then["open"] - 1
            out.append((ticker, today["session_date"], today["decision_at"],
                        target["session_date"], target["open_at"], target["close_at"],
                        gain, gain > 0))  # fmt: skip
    columns = [*KEY, "decision_at", "target_session_date", "entry_at", "exit_at",
               "return_next_session", "is_up"]  # fmt: skip
    return pl.DataFrame(out, schema=columns, orient="row").cast(
        {name: schemas.UTC for name in ("decision_at", "entry_at", "exit_at")}
    )
