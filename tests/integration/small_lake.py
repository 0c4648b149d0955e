"""A small lake for integration tests, and what the marts must say of it, computed in Python."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.features import registry

TICKERS = ["AAPL", "BRK-B", "HOLE", "MSFT", "STIL", "TSLA"]
NEWCOMERS = ["LATE", "WISH"]  # LATE is listed late, WISH has texts and not one bar
KEY = ["ticker", "session_date"]
SOURCES = schemas.SOURCES.enforce(
    pl.DataFrame({"kind": ["prices"] * 2, "source": ["test", "spare"], "rank": [1, 2]})
)
HALT = 14  # position of the session that HOLE misses; no text falls into it
SECTORS = {"AAPL": "Tech", "MSFT": "Tech", "TSLA": "Cars"}
HORIZONS = {"open_to_close": 1, "close_to_close": 1, "overnight": 1, "sessions_5": 5,
            "sessions_20": 20}  # fmt: skip
LISTED = 20  # position of the first session in which LATE has a bar or a text


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


def bars(sessions: pl.DataFrame, tickers: list[str], rng: random.Random) -> pl.DataFrame:
    """Bars by ticker: HOLE misses one, STIL's has no trades once, AAPL's is corrected.

    A second source, less preferred, has three bars of MSFT that are quite different.
    """
    rows = []
    for ticker in tickers:
        first = {"LATE": LISTED, "WISH": len(sessions)}.get(ticker, 0)
        for n, (day, close_at) in enumerate(sessions.select("session_date", "close_at").rows()):
            if (ticker, n) == ("HOLE", HALT) or n < first:
                continue
            opened, closed = rng.uniform(50, 60), rng.uniform(50, 60)
            volume = 0 if (ticker, n) == ("STIL", HALT) else 1000
            rows.append((ticker, day, close_at, opened, closed, volume))
    day, known = sessions["session_date"][20], sessions["close_at"][35]
    rows.append(("AAPL", day, known, 40.0, 70.0, 1000))
    columns = ["ticker", "session_date", "knowledge_time", "open", "close", "volume_shares"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(source=pl.lit("test"))
    spare = frame.filter(ticker="MSFT")[5:8].with_columns(
        open=pl.lit(10.0), close=pl.lit(90.0), source=pl.lit("spare")
    )
    return schemas.PRICES.enforce(
        pl.concat([frame, spare]).with_columns(
            event_time="knowledge_time",
            high=pl.max_horizontal("open", "close"),
            low=pl.min_horizontal("open", "close"),
            price_basis=pl.lit("unadjusted"),
        )
    )


def texts(
    table: schemas.Table, sessions: pl.DataFrame, tickers: list[str], rng: random.Random
) -> pl.DataFrame:
    """Texts of 15 wordings in sessions 0, 1, 3, 4, 6 and so on, a fifth of them edited later."""
    rows = []
    for number in range(220):
        ticker = rng.choice(tickers)
        first_of_three = rng.randrange(LISTED // 3 + 1 if ticker == "LATE" else 0, 12)
        known = sessions["decision_at"][3 * first_of_three + rng.randrange(2)]
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


def traits(*texted: pl.DataFrame) -> pl.DataFrame:
    """Traits of the 15 wordings: two and two nearly copy each other, the last one is German."""
    said = pl.concat([it.select("text_hash", "session_date", "knowledge_time") for it in texted])
    known = said.group_by("text_hash", "session_date").agg(first_known_at=pl.min("knowledge_time"))
    wording = pl.col("text_hash").str.slice(-1).str.to_integer(base=16)
    is_german = wording == 14
    return schemas.TEXT_TRAITS.enforce(
        known.with_columns(
            language=pl.when(is_german).then(pl.lit("de")).otherwise(pl.lit("en")),
            is_counted=~is_german,
            group_hash=pl.format("{}", wording - wording % 2),
            cashtag_count=wording % 3,
        )
    )


def technical(prices: pl.DataFrame) -> pl.DataFrame:
    """Every technical feature, null in the first bar, else a value inside all ranges."""
    rows = prices.select(KEY).unique().sort(KEY)
    bars_seen = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("ticker").alias("bars_seen")
    value = pl.when(pl.col("bars_seen") > 1).then(1 / pl.col("bars_seen"))
    names = [feature.name for feature in registry.TECHNICAL]
    return rows.with_columns(bars_seen).with_columns(
        (value / (n + 1)).alias(name) for n, name in enumerate(names)
    )


def companies(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the tickers that have a sector."""
    return schemas.TICKERS.enforce(
        pl.DataFrame({"ticker": list(SECTORS), "sector": list(SECTORS.values())}).with_columns(
            company=pl.lit("c"), exchange=None, valid_from=sessions["session_date"][0],
            valid_to=None,
        )
    )  # fmt: skip


def write(lake: Path, name: str, frame: pl.DataFrame) -> None:
    """Write a table in two partitions, as the lake keeps it in months."""
    (lake / name).mkdir(parents=True)
    frame.head(frame.height // 2).write_parquet(lake / name / "2026-01.parquet")
    frame.tail(frame.height - frame.height // 2).write_parquet(lake / name / "2026-02.parquet")


def holdings(tickers: list[str]) -> pl.DataFrame:
    """What two managers reported of two quarters, the second one in February."""
    quarters = ((date(2025, 9, 30), datetime(2025, 11, 14, 21, 30, tzinfo=UTC)),
                (date(2025, 12, 31), datetime(2026, 2, 13, 21, 30, tzinfo=UTC)))  # fmt: skip
    rows = [
        {
            "ticker": ticker, "manager": manager, "filing_id": f"{manager}-{day}",
            "report_date": day, "is_addition": False, "shares": 100 * manager + day.month + at,
            "value_usd": 1.0, "event_time": known, "knowledge_time": known, "source": "test",
        }
        for at, ticker in enumerate(tickers)
        for manager in (1, 2)
        for day, known in quarters
    ]  # fmt: skip
    return schemas.HOLDINGS.enforce(pl.DataFrame(rows, schema=schemas.HOLDINGS.polars_schema))


def options(tickers: list[str], sessions: pl.DataFrame) -> pl.DataFrame:
    """A chain of each ticker an hour before every third decision."""
    rows = [
        {
            "ticker": ticker, "contract": f"{ticker}{side}", "expiry_date": date(2026, 6, 19),
            "side": side, "strike": 100.0, "underlying_price": 101.0, "volume_contracts": at + 1,
            "open_interest_contracts": 2 * at + 5, "implied_volatility": 0.2 + at / 100,
            "event_time": taken, "knowledge_time": taken, "source": "test",
        }
        for ticker in tickers
        for at, side in enumerate(("call", "put"))
        for taken in (it - timedelta(hours=1) for it in sessions["decision_at"][::3])
    ]  # fmt: skip
    return schemas.OPTIONS.enforce(pl.DataFrame(rows, schema=schemas.OPTIONS.polars_schema))


def write_lake(lake: Path, *, with_texts: bool, newcomers: bool = False) -> SimpleNamespace:
    rng = random.Random(20260105)
    tickers = [*TICKERS, *NEWCOMERS] if newcomers else TICKERS
    sessions = weekday_sessions(40)
    prices = bars(sessions, tickers, rng)
    tweets = texts(schemas.TWEETS, sessions, tickers, rng)
    headlines = texts(schemas.HEADLINES, sessions, tickers, rng)
    tables = {
        schemas.SOURCES: SOURCES,
        schemas.SESSIONS: sessions,
        schemas.PRICES: prices,
        schemas.TWEETS: tweets,
        schemas.HEADLINES: headlines,
        schemas.TEXT_SENTIMENT: scores(rng),
        schemas.TEXT_TRAITS: traits(tweets, headlines),
        schemas.CORPORATE_ACTIONS: schemas.CORPORATE_ACTIONS.empty(),
        schemas.TICKERS: companies(sessions),
        schemas.LISTINGS: schemas.LISTINGS.empty(),
        schemas.HOLDINGS: holdings(tickers),
        schemas.OPTIONS: options(tickers, sessions),
    }
    texted = (schemas.TWEETS, schemas.HEADLINES, schemas.TEXT_SENTIMENT, schemas.TEXT_TRAITS)
    for table, frame in tables.items():
        write(lake, table.name, table.empty() if table in texted and not with_texts else frame)
    write(lake, "features/technical", technical(prices))
    by_name = {table.name: frame for table, frame in tables.items()}
    return SimpleNamespace(
        by_name={**by_name, "features/technical": technical(prices)},
        **{name.split("/")[1]: frame for name, frame in by_name.items()},
    )


def expected_labels(lake: SimpleNamespace, as_of: datetime) -> pl.DataFrame:
    """Labels from a table of bars by position in the calendar, one horizon after the other."""
    known = lake.prices.filter(pl.col("source") == "test", pl.col("knowledge_time") <= as_of).sort(
        "knowledge_time"
    )
    bar = {(r["ticker"], r["session_date"]): r for r in known.iter_rows(named=True)}
    known_then = {
        (r["ticker"], r["session_date"]): r for r in technical(lake.prices).iter_rows(named=True)
    }
    calendar = lake.sessions.rows(named=True)
    out = []
    for ticker in sorted(set(known["ticker"])):
        for at, today in enumerate(calendar):
            for horizon, length in HORIZONS.items():
                span = calendar[at : at + length + 1]
                bars_of = [bar.get((ticker, day["session_date"])) for day in span]
                if len(span) <= length or None in bars_of:
                    continue
                is_close = horizon in ("close_to_close", "overnight")
                first, last = span[1], span[-1]
                entry = bars_of[0] if is_close else bars_of[1]
                if entry["volume_shares"] == 0 or bars_of[-1]["volume_shares"] == 0:
                    continue
                if horizon != "open_to_close" and last["decision_at"] > as_of:
                    continue
                then = known_then[ticker, last["session_date"]]
                gap = known_then[ticker, first["session_date"]]["return_overnight"]
                gain = {
                    "open_to_close": bars_of[-1]["close"] / bars_of[-1]["open"] - 1,
                    "close_to_close": then["return_1d"],
                    "overnight": then["return_overnight"],
                    "sessions_5": (1 + then["return_5d"]) / (1 + gap) - 1,
                    "sessions_20": (1 + then["return_20d"]) / (1 + gap) - 1,
                }[horizon]
                out.append((ticker, today["session_date"], horizon, today["decision_at"],
                            last["session_date"],
                            today["close_at"] if is_close else first["open_at"],
                            last["open_at"] if horizon == "overnight" else last["close_at"],
                            not is_close, gain))  # fmt: skip
    columns = [*KEY, "horizon", "decision_at", "target_session_date", "entry_at", "exit_at",
               "is_executable", "return"]  # fmt: skip
    found = pl.DataFrame(out, schema=columns, orient="row").cast(
        {name: schemas.UTC for name in ("decision_at", "entry_at", "exit_at")}
    )
    day, gain = ["session_date", "horizon"], pl.col("return")
    sector = pl.col("ticker").replace_strict(SECTORS, default=None)
    return found.with_columns(
        excess_over_session=gain - gain.mean().over(day),
        excess_over_sector=pl.when(sector.is_not_null()).then(
            gain - gain.mean().over(*day, sector)
        ),
        place_in_session=((gain.rank() - 0.5) / pl.len() - 0.5).over(day),
        is_up=gain > 0,
    ).sort(*KEY, "horizon")
