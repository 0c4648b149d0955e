"""Signals: what was said for a session, by which reasons, with which band, and what came."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from apps.dashboard.snapshot import Ask

SHOWN_CLOSES = 90
# A ticker needs so many tested predictions for a band of its own; else all tickers give it.
LEAST_FOR_BAND = 60
LEVEL = 0.9
ENDS, SIGNAL = ("lower", "upper"), "the signal"
REASON = re.compile(r"(\w+) ([+-][\d.e-]+)(?: \(([^)]*)\))?")
# A signal abstains for the reason that it gives; older ones give none, so two are looked for.
ABSTAINS = """(abstain_reason is not null or not is_proven
    or (probability_up >= 0.5) <> (expected_return >= 0))"""
CHAMPION = """
    (select coalesce(arg_max(champion_id, decision), '') from promotion)
"""


def strongest(ask: Ask, count: int = 10) -> pl.DataFrame:
    """Return the signals for the next session, those furthest from one half first."""
    return ask(
        f"""
        with live as (
            select *, {ABSTAINS} as abstains from daily_signals_as_of(now()) where origin = 'live'
            qualify session_date = max(session_date) over ()
        )
        select ticker, target_session_date, probability_up, probability_lower, probability_upper,
               expected_return, abstains, reasons, model_version
        from live order by abs(probability_up - 0.5) desc, ticker limit $count
        """,
        count=count,
    )


def last_session(ask: Ask) -> date | None:
    """Return the session whose signals are the newest, None without any."""
    return ask("select max(session_date) as day from daily_signals where origin = 'live'")["day"][0]


def past_sessions(ask: Ask, ticker: str) -> list[date]:
    """Return the sessions of which both what was said and what came are known, newest first."""
    return ask(
        f"""
        with said as (
            select session_date from daily_signals where ticker = $ticker and origin = 'live'
            union
            select session_date from out_of_sample_predictions
            where ticker = $ticker and candidate_id = {CHAMPION}
        )
        select session_date from said semi join (from fct_training_set where ticker = $ticker)
        using (session_date) order by session_date desc
        """,
        ticker=ticker,
    )["session_date"].to_list()


def said(ask: Ask, ticker: str, session: date) -> dict[str, object] | None:
    """Return what was said after a session of the one after it, live or else out of sample."""
    rows = ask(
        f"""
        with live as (
            select session_date, target_session_date, probability_up, expected_return, reasons,
                   {ABSTAINS} as abstains, 'live' as how, model_version, predicted_at,
                   abstain_reason, return_lower, return_upper
            from daily_signals_as_of(now())
            where ticker = $ticker and session_date = $session and origin = 'live'
        ), tested as (
            select said.session_date, sessions.next_session_date as target_session_date,
                   probability_up, expected_return, null as reasons,
                   (probability_up >= 0.5) <> (expected_return >= 0) as abstains,
                   'out of sample' as how, candidate_id as model_version,
                   null::timestamptz as predicted_at, null as abstain_reason,
                   null::double as return_lower, null::double as return_upper
            from out_of_sample_predictions as said join sessions using (session_date)
            where ticker = $ticker and said.session_date = $session
              and candidate_id = {CHAMPION}
        )
        from live union all by name from tested where not exists (from live)
        """,
        ticker=ticker, session=session,
    )  # fmt: skip
    return rows.row(0, named=True) if rows.height else None


def closes(ask: Ask, ticker: str, until: date, count: int = SHOWN_CLOSES) -> pl.DataFrame:
    """Return the last closes up to a session, in the shares of that session."""
    return ask(
        """
        with held as (
            from adjusted_prices where ticker = $ticker and session_date <= $until
            order by session_date desc limit $count
        )
        select session_date,
               adjusted_close / (select arg_max(adjustment_factor, session_date) from held) as close
        from held order by session_date
        """,
        ticker=ticker, until=until, count=count,
    )  # fmt: skip


def came(ask: Ask, ticker: str, session: date) -> dict[str, object] | None:
    """Return what the session after this one brought: its day, return and close."""
    rows = ask(
        """
        select target_session_date, return_next_session, is_up,
               bar.adjusted_close / said_at.adjustment_factor as close
        from fct_training_set as label
        join adjusted_prices as bar
          on bar.ticker = label.ticker and bar.session_date = label.target_session_date
        join adjusted_prices as said_at
          on said_at.ticker = label.ticker and said_at.session_date = label.session_date
        where label.ticker = $ticker and label.session_date = $session
        """,
        ticker=ticker, session=session,
    )  # fmt: skip
    return rows.row(0, named=True) if rows.height else None


def band(
    ask: Ask, ticker: str, session: date, signal: dict[str, object] | None = None
) -> dict[str, object]:
    """Return how far returns lay from what was expected, as quantiles of what was known then.

    A signal that holds a band of its own gives that one: its `scope` is "the signal".

    `lower` and `upper` are to be added to an expected return, null where nothing was tested before
    the session; `scope` says whose errors they are, `row_count` how many.
    """
    if signal and signal["return_lower"] is not None:
        own = {end: signal[f"return_{end}"] - signal["expected_return"] for end in ENDS}
        return own | {"row_count": None, "scope": SIGNAL}
    edge = (1 - LEVEL) / 2
    return ask(
        f"""
        with missed as (
            select ticker, return_next_session - expected_return as error
            from out_of_sample_predictions
            where candidate_id = {CHAMPION} and session_date < $session
              and expected_return is not null
        ), own as (select count(*) >= $least as is_enough from missed where ticker = $ticker)
        select quantile_cont(error, $low) as lower, quantile_cont(error, $high) as upper,
               count(*) as row_count, if(any_value(is_enough), $ticker, 'all tickers') as scope
        from missed, own where not is_enough or ticker = $ticker
        """,
        ticker=ticker, session=session, least=LEAST_FOR_BAND, low=edge, high=1 - edge,
    ).row(0, named=True)  # fmt: skip


def reasons_in_words(ask: Ask, reasons: str | None) -> pl.DataFrame:
    """Return the top reasons of a signal with what each feature means.

    Columns: feature, direction (up or down), log_odds, note, meaning, unit.
    """
    found = [
        {"feature": name, "direction": "up" if float(by) > 0 else "down", "log_odds": float(by),
         "note": note}
        for name, by, note in REASON.findall(reasons or "")
    ]  # fmt: skip
    frame = pl.DataFrame(
        found, {"feature": pl.String, "direction": pl.String, "log_odds": pl.Float64,
                "note": pl.String},
    )  # fmt: skip
    meanings = ask(
        "select column_name as feature, meaning, unit from catalogue "
        "where table_name = 'fct_daily_features'"
    )
    return frame.join(meanings, on="feature", how="left", maintain_order="left")


def known_then(ask: Ask, ticker: str, session: date) -> pl.DataFrame:
    """Return what the texts said of a ticker when a session was decided: one row or none."""
    return ask(
        """
        select text_count, tweet_count, headline_count, sentiment_mean, sentiment_disagreement
        from fct_daily_features where ticker = $ticker and session_date = $session
        """,
        ticker=ticker, session=session,
    )  # fmt: skip


def errors(ask: Ask, ticker: str) -> pl.DataFrame:
    """Return the mean absolute error of a ticker's tested predictions beside that of no change.

    Columns: row_count, model_error, no_change_error (fractions), hit_rate.
    """
    return ask(
        f"""
        select count(*) as row_count,
               avg(abs(return_next_session - expected_return)) as model_error,
               avg(abs(return_next_session)) as no_change_error,
               avg((predicts_up = is_up)::int) as hit_rate
        from out_of_sample_predictions
        where ticker = $ticker and candidate_id = {CHAMPION} and expected_return is not null
        """,
        ticker=ticker,
    )
