"""Exploring: volume and polarity, what a feature has to do with the next return, families."""

from __future__ import annotations

import polars as pl

from apps.dashboard.snapshot import Ask
from finpulse_assets.domain.features.registry import ALL

Z = 1.96  # of a 95 % interval
POINTS = 2_000  # of a scatter; the means beside it are of all rows
TEXT_FEATURES = (
    "sentiment_mean", "tweet_sentiment_mean", "headline_sentiment_mean", "bullishness",
    "sentiment_disagreement", "text_count", "novelty_20d", "sentiment_change_20d",
)  # fmt: skip


def families() -> dict[str, list[str]]:
    """Return the features of each family, in the order of the registry."""
    found: dict[str, list[str]] = {}
    for feature in ALL:
        found.setdefault(feature.family, []).append(feature.name)
    return found


def units(ask: Ask) -> dict[str, str]:
    """Return the unit of every feature and of the label, empty for none."""
    rows = ask("select column_name, unit from catalogue where table_name = 'fct_training_set'")
    return dict(rows.iter_rows())


def volume(ask: Ask, sessions: int) -> pl.DataFrame:
    """Return texts and their polarity by session, all tickers together.

    Columns: session_date, tweet_count, headline_count, polarity (mean score weighted by texts).
    """
    return ask(
        """
        select session_date, sum(tweet_count)::bigint as tweet_count,
               sum(headline_count)::bigint as headline_count,
               sum(sentiment_mean * text_count) / sum(text_count) as polarity
        from fct_daily_sentiment group by session_date order by session_date desc limit $sessions
        """,
        sessions=sessions,
    ).reverse()


def correlations(
    ask: Ask, sessions: int, features: tuple[str, ...] = TEXT_FEATURES
) -> pl.DataFrame:
    """Return the rank correlation of features with the next return, its mean over sessions.

    Ranks are taken among the tickers of a session. `lower` and `upper` bound the mean by its
    scatter over sessions (95 %); `chance` is how large a mean would be by chance alone in 95 of 100
    cases, were ranks unrelated: 1.96 sqrt(sum of 1 / (tickers - 1)) / sessions.

    Args:
        sessions: how many of the last labelled sessions.
        features: columns of the training set.

    Columns: feature, mean, lower, upper, chance, session_count, row_count.
    """
    rows = ask(
        f"""
        select session_date, return_next_session, {", ".join(features)} from fct_training_set
        where session_date > (select min(session_date) - 1 from (select distinct session_date
              from fct_training_set order by session_date desc limit $sessions))
        """,
        sessions=sessions,
    )
    # Polars ranks within groups at a quarter of what SQL's windows cost.
    by_session = (
        rows.lazy()
        .with_columns(pl.col("return_next_session", *features).rank("min").over("session_date"))
        .group_by("session_date")
        .agg(
            *(pl.corr(name, "return_next_session").fill_nan(None).alias(name) for name in features),
            *(pl.col(name).count().alias(f"n_{name}") for name in features),
        )
        .sort("session_date")
        .collect()
    )
    means = pl.concat(_mean_over_sessions(by_session, name) for name in features)
    return means.filter(pl.col("session_count") > 1).sort(pl.col("mean").abs(), descending=True)


def _mean_over_sessions(by_session: pl.DataFrame, name: str) -> pl.DataFrame:
    known = by_session.drop_nulls(name)
    mean, tickers = pl.col(name).mean(), pl.col(f"n_{name}")
    half = Z * pl.col(name).std() / pl.len().sqrt()
    return known.select(
        feature=pl.lit(name), mean=mean, lower=mean - half, upper=mean + half,
        chance=Z * (1 / (tickers - 1)).sum().sqrt() / pl.len(),
        session_count=pl.len().cast(pl.Int64), row_count=tickers.sum().cast(pl.Int64),
    )  # fmt: skip


def pairs(ask: Ask, x: str, y: str, ticker: str | None) -> pl.DataFrame:
    """Return up to 2,000 rows of two columns, the same ones each time, chosen by hash.

    Columns: ticker, session_date, x, y.
    """
    return ask(
        f"""
        select ticker, session_date, {x}::double as x, {y}::double as y from fct_training_set
        where {x} is not null and {y} is not null and ($ticker is null or ticker = $ticker)
        order by hash(ticker, session_date) limit {POINTS}
        """,
        ticker=ticker,
    )


def pair_means(ask: Ask, x: str, y: str, ticker: str | None) -> pl.DataFrame:
    """Return mean and scatter of `y` in twentieths of `x`, of all rows.

    Columns: x, y, error (standard error by sessions), row_count, correlation.
    """
    return ask(
        f"""
        with held as (
            select session_date, {x}::double as x, {y}::double as y from fct_training_set
            where {x} is not null and {y} is not null and ($ticker is null or ticker = $ticker)
        ), placed as (select *, ntile(20) over (order by x) as part from held)
        select avg(x) as x, avg(y) as y,
               stddev_samp(y) / sqrt(count(distinct session_date)) as error,
               count(*) as row_count, (select corr(x, y) from held) as correlation
        from placed group by part order by part
        """,
        ticker=ticker,
    )


def family_over_time(ask: Ask, names: list[str], ticker: str | None, sessions: int) -> pl.DataFrame:
    """Return the features of a family by session: a ticker's values, or the median of all.

    Columns: session_date and the features.
    """
    shown = ", ".join(f"median({name}::double) as {name}" for name in names)
    return ask(
        f"""
        select session_date, {shown} from fct_daily_features
        where ($ticker is null or ticker = $ticker)
          and session_date > (select min(session_date) - 1 from (select distinct session_date
              from fct_daily_features order by session_date desc limit $sessions))
        group by session_date order by session_date
        """,
        ticker=ticker,
        sessions=sessions,
    )
