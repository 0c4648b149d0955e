"""The platform itself: how far tables reach, what was asked and refused, how fast it answered."""

from __future__ import annotations

import polars as pl

from apps.dashboard.snapshot import Ask

# Table -> the column that says which session its rows reach.
REACHES = {
    "chosen_prices": "session_date",
    "tweets": "session_date",
    "headlines": "session_date",
    "fct_daily_features": "session_date",
    "daily_signals": "session_date",
    "outcomes": "session_date",
    "live_quality": "session_date",
    "feature_drift": "session_date",
    "text_drift": "session_date",
}
ACCEPTED = pl.col("delivered_rows") - pl.col("refused_rows")
RUN = pl.col("requested_at").dt.strftime("%Y-%m-%d %H:%M")


def freshness(ask: Ask, now: object) -> pl.DataFrame:
    """Return how far each table reaches, and how many decided sessions that is behind at `now`.

    A session counts from its decision time. Columns: table_name, row_count, reaches,
    sessions_behind.
    """
    each = " union all ".join(
        f"select '{table}' as table_name, count(*) as row_count, max({column}) as reaches "
        f"from {table}"
        for table, column in REACHES.items()
    )
    return ask(
        f"""
        with held as ({each})
        select table_name, row_count, reaches,
               if(reaches is null, null, (select count(*) from sessions where decision_at <= $now
                  and session_date > reaches)) as sessions_behind
        from held order by sessions_behind desc nulls last, table_name
        """,
        now=now,
    )


def calendar_end(ask: Ask) -> object:
    """Return the decision time of the last session that the snapshot knows of, UTC."""
    return ask("select max(decision_at) as last from sessions")["last"][0]


def snapshot_rows(ask: Ask) -> pl.DataFrame:
    """Return the rows of every table of the snapshot, the largest first."""
    return ask("select table_name, row_count from snapshot order by row_count desc, table_name")


def published(ask: Ask) -> dict[str, object]:
    """Return snapshot_id, as_of, published_at and finpulse_version."""
    return ask(
        "select snapshot_id, as_of, published_at, finpulse_version from snapshot limit 1"
    ).row(0, named=True)


def champion(ask: Ask) -> dict[str, object] | None:
    """Return the decision in force: the champion, its skills and the reasons; None before one."""
    found = ask("from promotion order by decision desc limit 1")
    return found.row(0, named=True) if found.height else None


def requests(ask: Ask) -> pl.DataFrame:
    """Return the last request to each source for each kind of row."""
    return ask("""
        from requests qualify row_number() over (partition by source, kind
        order by requested_at desc) = 1 order by status <> 'answered' desc, source, kind
    """)


def refused_by_run(ask: Ask) -> pl.DataFrame:
    """Return delivered, late and refused rows by run and source, the last 60 runs."""
    return ask("""
        select requested_at, source, sum(delivered_rows)::bigint as delivered_rows,
               sum(new_rows)::bigint as new_rows, sum(late_rows)::bigint as late_rows,
               sum(refused_rows)::bigint as refused_rows
        from requests group by requested_at, source
        qualify dense_rank() over (order by requested_at desc) <= 60 order by requested_at, source
    """)


def refusals(ask: Ask) -> pl.DataFrame:
    """Return why rows were refused, the most common reason first, with an example of each."""
    return ask("""
        select source, kind, reason, count(*) as row_count, max(first_seen_at) as last_seen_at,
               any_value(row_json) as example
        from quarantined_rows group by all order by row_count desc, reason limit 200
    """)


def feature_profile(ask: Ask) -> pl.DataFrame:
    """Return missing and outlying shares by feature, the worst first."""
    return ask("""
        select feature, family, row_count, missing_share,
               outlier_count / greatest(row_count, 1) as outlier_share, minimum, median, maximum
        from feature_profile order by greatest(missing_share, outlier_share) desc, feature
    """)


def coverage(ask: Ask, kind: str, source: str, days: int = 371) -> pl.DataFrame:
    """Return the rows by day that a source has for a kind of row, of the last year of its rows.

    Sessions without a row are in it with 0. Columns: session_date, row_count.
    """
    tables = {"tweets": "tweets", "headlines": "headlines", "prices": "prices",
              "bars_1m": "bars_1m"}  # fmt: skip
    table = tables[kind]
    return ask(
        f"""
        with counted as (
            select session_date, count(*) as row_count from {table}
            where source = $source
              and session_date > (select max(session_date) from {table}) - $days::int
            group by session_date
        )
        select sessions.session_date, coalesce(row_count, 0) as row_count
        from sessions left join counted using (session_date)
        where sessions.session_date between (select min(session_date) from counted)
                                        and (select max(session_date) from counted)
        order by session_date
        """,
        source=source, days=days,
    )  # fmt: skip


def covered(ask: Ask) -> pl.DataFrame:
    """Return the kinds of row that lie by day, and the sources that give them."""
    return ask(
        "select kind, source from sources where kind in ('tweets', 'headlines', 'prices', "
        "'bars_1m') order by kind <> 'tweets', kind, rank"
    )


def late_texts(ask: Ask, days: int = 90) -> pl.DataFrame:
    """Return the texts of the last days that were known only after the session they were due for.

    Columns: kind, source, text_count, late_count, late_share, median_delay_minutes.
    """
    return ask(
        """
        with texts as (
            select 'tweet' as kind, * from tweets union all by name
            select 'headline' as kind, * from headlines
        ), recent as (
            from texts where session_date > (select max(session_date) from texts) - $days::int
            qualify row_number() over (partition by kind, source, text_id, ticker
                                       order by knowledge_time) = 1
        ), placed as (
            select recent.*, due.session_date as session_due
            from recent asof join sessions as due on recent.event_time < due.decision_at
        )
        select kind, source, count(*) as text_count,
               count(*) filter (session_date > session_due) as late_count,
               late_count / count(*) as late_share,
               median(date_diff('second', event_time, knowledge_time) / 60)
                   filter (session_date > session_due) as median_delay_minutes
        from placed group by kind, source order by late_count desc, kind, source
        """,
        days=days,
    )
