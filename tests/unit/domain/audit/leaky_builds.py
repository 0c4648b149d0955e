"""Builds of features that leak, each in the way of a well-known mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import polars as pl

from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.features.technical import build_technical_features

END = datetime(2024, 7, 1, tzinfo=UTC)
KEY = ["ticker", "session_date"]
BASE = ["return_1d", "return_20d", "rsi_14", "volatility_20d", "sector_return_1d"]

Tables = Mapping[str, pl.DataFrame]
Leak = Callable[[Tables], pl.DataFrame]


def once(build: Leak) -> Leak:
    """Remember a build by the size of each table: an earlier cut of one market is smaller."""
    built: dict[tuple[int, ...], pl.DataFrame] = {}

    def remembered(tables: Tables) -> pl.DataFrame:
        size = tuple(frame.height for frame in tables.values())
        if size not in built:
            built[size] = build(tables)
        return built[size]

    return remembered


@once
def sound(tables: Tables) -> pl.DataFrame:
    """Return technical features and the mean score of each session's texts."""
    rows = technical(tables)
    first = tables["raw/tweets"].sort("knowledge_time").unique(
        ["text_id", "ticker"], keep="first", maintain_order=True
    )  # fmt: skip
    scores = first.group_by(KEY).agg(pl.col("score").sort_by("text_id").mean())
    return rows.join(scores, on=KEY, how="left")


@once
def technical(tables: Tables) -> pl.DataFrame:
    rows = build_technical_features(
        tables["raw/prices"].lazy(), tables["raw/corporate_actions"].lazy(),
        tables["raw/sessions"], as_of=END, tickers=tables["raw/tickers"].lazy(),
    )  # fmt: skip
    return with_decisions(rows.select(*KEY, "bars_seen", *BASE), tables)


def with_decisions(rows: pl.DataFrame, tables: Tables, at: str = "decision_at") -> pl.DataFrame:
    decisions = tables["raw/sessions"].select("session_date", decision_at=at)
    return rows.join(decisions, on="session_date", how="left", maintain_order="left")


def bars(tables: Tables) -> pl.DataFrame:
    """Return the first version of each bar, by key."""
    ordered = tables["raw/prices"].sort(*KEY, "knowledge_time")
    return ordered.unique(KEY, keep="first", maintain_order=True)


def leaking(leak: Leak) -> Callable[[Tables], pl.DataFrame]:
    """Return the sound build with the column of `leak` beside it."""
    return lambda tables: sound(tables).join(
        leak(tables).select(*KEY, "leak"), on=KEY, how="left", maintain_order="left"
    )


def of_bars(expression: pl.Expr) -> Leak:
    return lambda tables: bars(tables).with_columns(leak=expression)


def of_features(expression: pl.Expr) -> Leak:
    return lambda tables: technical(tables).with_columns(leak=expression)


CLOSE = pl.col("close")
RETURN = pl.col("return_1d")


def decided_at_the_open(tables: Tables) -> pl.DataFrame:
    """A whole build: decided at the open, it holds the close of the same day."""
    day = bars(tables).with_columns(leak=CLOSE / pl.col("open") - 1, bars_seen=pl.lit(1))
    return with_decisions(day.select(*KEY, "bars_seen", "leak"), tables, at="open_at")


def without_the_delisted(tables: Tables) -> pl.DataFrame:
    """A whole build: only tickers that are still listed at the end of the data."""
    gone = tables["raw/tickers"].filter(pl.col("valid_to").is_not_null())["ticker"]
    return sound(tables).filter(~pl.col("ticker").is_in(gone.implode()))


def adjusted_backwards(kind: str) -> Leak:
    """Prices divided by all later splits, or less all later dividends, as vendors show them."""

    def leak(tables: Tables) -> pl.DataFrame:
        events = tables["raw/corporate_actions"].filter(pl.col("kind") == kind)
        rows = bars(tables).join(
            events.select("ticker", "ex_date", "value"), on="ticker", how="left"
        )
        later = pl.col("ex_date") > pl.col("session_date")
        factor = pl.col("value").log() if kind == "split" else pl.col("value") / CLOSE
        total = pl.when(later).then(factor).otherwise(0.0).sum().over(KEY)
        return rows.with_columns(leak=CLOSE.log() - total).unique(KEY)

    return leak


def texts_by(session: Callable[[pl.DataFrame, Tables], pl.DataFrame]) -> Leak:
    """Mean score of texts that are given a session in another way."""

    def leak(tables: Tables) -> pl.DataFrame:
        placed = session(tables["raw/tweets"].drop("session_date"), tables)
        return placed.group_by(KEY).agg(leak=pl.col("score").sort_by("text_id").mean())

    return leak


def by_event_time(texts: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    events = texts.with_columns(knowledge_time="event_time")
    return assign_sessions(events, tables["raw/sessions"])


def by_calendar_day(texts: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    return texts.with_columns(session_date=pl.col("knowledge_time").dt.date())


def by_start_of_hour(texts: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    hours = texts.with_columns(knowledge_time=pl.col("knowledge_time").dt.truncate("1h"))
    decisions = tables["raw/sessions"]
    inside = pl.col("knowledge_time") < decisions["decision_at"].max()
    return assign_sessions(hours.filter(inside), decisions)


def by_next_text(texts: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Each session gets the first text after its decision, as a join to the nearest would."""
    decisions = tables["raw/sessions"].select("session_date", "decision_at").sort("decision_at")
    placed = [
        decisions.join_asof(own.sort("knowledge_time"), left_on="decision_at",
                            right_on="knowledge_time", strategy="forward")
        for _, own in texts.group_by("ticker", maintain_order=True)
    ]  # fmt: skip
    return pl.concat(placed).drop_nulls("ticker")


def latest_edit(tables: Tables) -> pl.DataFrame:
    """The last version of a text, in the session in which its first version was known."""
    ordered = tables["raw/tweets"].sort("knowledge_time")
    first = ordered.unique(["text_id", "ticker"], keep="first").drop("score")
    last = ordered.unique(["text_id", "ticker"], keep="last").select("text_id", "ticker", "score")
    both = first.join(last, on=["text_id", "ticker"])
    return both.group_by(KEY).agg(leak=pl.col("score").sort_by("text_id").sum())


def corrected_prices(tables: Tables) -> pl.DataFrame:
    ordered = tables["raw/prices"].sort(*KEY, "knowledge_time")
    return ordered.unique(KEY, keep="last").with_columns(leak=CLOSE / pl.col("open") - 1)


def principal_component(tables: Tables) -> pl.DataFrame:
    columns = ["return_1d", "return_20d", "volatility_20d"]
    rows = technical(tables).drop_nulls(columns)
    if rows.is_empty():
        return rows.with_columns(leak=pl.lit(None, pl.Float64))
    values = rows.select(columns).to_numpy()
    _, _, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    return rows.with_columns(leak=pl.Series(values @ axes[0]))


def rank_among_survivors(tables: Tables) -> pl.DataFrame:
    """Rank among the tickers that have a bar in the last session of the data."""
    rows = technical(tables)
    last = tables["raw/prices"].filter(pl.col("session_date") == pl.col("session_date").max())
    alive = rows.filter(pl.col("ticker").is_in(last["ticker"].implode()))
    return alive.with_columns(leak=RETURN.rank().over("session_date"))


def rank_over_all_days(tables: Tables) -> pl.DataFrame:
    return technical(tables).with_columns(
        leak=RETURN.rank().over("ticker") / pl.len().over("ticker")
    )


def sessions_to_dividend(tables: Tables) -> pl.DataFrame:
    """Days to the next dividend, looked up in the list of all there ever were."""
    events = tables["raw/corporate_actions"].select("ticker", "ex_date").sort("ex_date")
    rows = bars(tables).sort("session_date")
    found = rows.join_asof(
        events,
        left_on="session_date",
        right_on="ex_date",
        by="ticker",
        strategy="forward",
        check_sortedness=False,
    )
    return found.with_columns(leak=(pl.col("ex_date") - pl.col("session_date")).dt.total_days())


def latest_sector(tables: Tables) -> pl.DataFrame:
    """The mean return of the sector that a ticker is in at the end of the data."""
    latest = tables["raw/tickers"].sort("valid_from").unique("ticker", keep="last")
    rows = technical(tables).join(latest.select("ticker", "sector"), on="ticker").sort(KEY)
    return rows.with_columns(leak=RETURN.mean().over("session_date", "sector"))


def late_bar_in_the_mean(tables: Tables) -> pl.DataFrame:
    """The market's mean over every bar of the day, those included that came days later."""
    rows = bars(tables).with_columns(change=CLOSE / pl.col("open") - 1).sort(KEY)
    return rows.with_columns(leak=pl.col("change").mean().over("session_date"))


# Name -> the leaky column. Every one must be found, and by its own name.
LEAKS: dict[str, Leak] = {
    "the next session's return": of_bars((CLOSE.shift(-1) / CLOSE - 1).over("ticker")),
    "off-by-one lag": of_bars(CLOSE.rolling_mean(5).shift(-1).over("ticker")),
    "centred window": of_bars(CLOSE.rolling_mean(5, center=True).over("ticker")),
    "backward fill": of_features(
        pl.when(RETURN > 0.01).then(RETURN).backward_fill().over("ticker")
    ),
    "interpolation across a gap": of_features(
        pl.when(RETURN > 0.01).then(RETURN).interpolate().over("ticker")
    ),
    "scaler fitted on all rows": of_features((RETURN - RETURN.mean()) / RETURN.std()),
    "scaler fitted on all of a ticker": of_features(
        (RETURN / RETURN.std()).over("ticker")
    ),
    "clipped at quantiles of all rows": of_features(
        RETURN.clip(RETURN.quantile(0.05), RETURN.quantile(0.95))
    ),
    "filled with the median of all rows": of_features(pl.col("return_20d").fill_null(
        pl.col("return_20d").median()
    )),
    "mean outcome of the ticker": of_bars((CLOSE / pl.col("open")).mean().over("ticker")),
    "percentile in the whole history": rank_over_all_days,
    "rank over the future universe": rank_among_survivors,
    "principal component of all rows": principal_component,
    "future split": adjusted_backwards("split"),
    "future dividend": adjusted_backwards("dividend"),
    "price corrected before its correction": corrected_prices,
    "late bar in the market's mean": late_bar_in_the_mean,
    "sector changed before its change": latest_sector,
    "late tweet counted early": texts_by(by_event_time),
    "tweet after the close": texts_by(by_calendar_day),
    "window stamped at its start": texts_by(by_start_of_hour),
    "join to the next text": texts_by(by_next_text),
    "edited text": latest_edit,
    "value of the week for each of its days": of_bars(
        CLOSE.last().over("ticker", pl.col("session_date").dt.truncate("1w"))
    ),
    "month's volume for each of its days": of_bars(
        pl.col("volume_shares").sum().over("ticker", pl.col("session_date").dt.truncate("1mo"))
    ),
    "sum from the end": of_bars(pl.col("volume_shares").cum_sum(reverse=True).over("ticker")),
    "days to the next dividend": sessions_to_dividend,
}  # fmt: skip
