"""The as-of macros of the analytics snapshot.

One rule: `t_as_of(ts)` is the table `t` as it was known at `ts`, in its columns. Of a table that
keeps versions it returns the version that counted then.
"""

from __future__ import annotations

import re

from finpulse_assets import schemas
from finpulse_assets.contract import Table
from finpulse_assets.gateways.snapshot.writer import SnapshotMacro
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

CHOICE = "int_prices_chosen"
_REFERENCE = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")


def snapshot_name(table: Table) -> str:
    """Return the name of a lake table in the snapshot: `raw/prices` is `prices`."""
    return table.name.split("/")[-1]


def prices_chosen_from(prices: str) -> str:
    """Return the SELECT of the bars that count, by the SQL of the dbt model that chooses them.

    Args:
        prices: the table, or the SELECT in brackets, that holds the versions to choose from.
    """
    sql = (PROJECT_DIR / f"models/intermediate/{CHOICE}.sql").read_text(encoding="utf-8")
    inputs = {"stg_prices": prices, "stg_sources": "sources", "stg_sessions": "sessions"}
    return _REFERENCE.sub(lambda match: inputs[match[1]], sql)


def _latest(table: Table) -> SnapshotMacro:
    """Return the macro of a versioned table: the version of each row that was known at ts."""
    name = snapshot_name(table)
    key = ", ".join(column for column in table.key if column != "knowledge_time")
    return SnapshotMacro(
        table=name,
        body=f"select * from {name} where knowledge_time <= ts::timestamptz qualify "  # noqa: S608
        f"row_number() over (partition by {key} order by knowledge_time desc) = 1",
        comment=f"{name} as they were known at ts: the latest version then, one row per "
        f"{key.replace(', ', ' and ')}",
    )


def as_of_macros() -> tuple[SnapshotMacro, ...]:
    """Return the macros that answer as of an earlier time."""
    return (
        _latest(schemas.PRICES),
        SnapshotMacro(
            table="chosen_prices",
            body=prices_chosen_from(
                "(select * from prices where knowledge_time <= ts::timestamptz)"
            ),
            comment="chosen_prices as they were known at ts: the best source known by the "
            "session's decision, in its latest version; one row per ticker and session_date",
        ),
        _latest(schemas.CORPORATE_ACTIONS),
        _latest(schemas.TWEETS),
        _latest(schemas.HEADLINES),
        SnapshotMacro(
            table="daily_signals",
            # Live before late, then the newest; a session comes whole from one version.
            body="select * from daily_signals where predicted_at <= ts::timestamptz qualify "
            "rank() over (partition by session_date order by origin = 'live' desc, "
            "predicted_at desc) = 1",
            comment="daily_signals as they stood at ts: the version of each session that counted "
            "then, one row per ticker and session_date; daily_signals_as_of(now()) gives today's",
        ),
        SnapshotMacro(
            table="fct_labels",
            # The outcome by the prices of then: a correction that came later is not in it.
            body="select labels.* replace (bars.close / bars.open - 1 as return_next_session, "
            "bars.close > bars.open as is_up) from fct_labels as labels "
            "inner join chosen_prices_as_of(ts) as bars on labels.ticker = bars.ticker "
            "and labels.target_session_date = bars.session_date "
            "where labels.exit_at <= ts::timestamptz",
            comment="fct_labels whose outcome was known at ts, valued by the prices known at ts",
        ),
        SnapshotMacro(
            table="fct_daily_features",
            body="select * from fct_daily_features where decision_at <= ts::timestamptz",
            comment="fct_daily_features that were decided at ts; every row holds what was known at "
            "its decision, so later knowledge has changed none",
        ),
        SnapshotMacro(
            table="fct_training_set",
            body="select features.*, labels.* exclude (ticker, session_date, decision_at) "
            "from fct_daily_features_as_of(ts) as features "
            "inner join fct_labels_as_of(ts) as labels using (ticker, session_date)",
            comment="fct_training_set as it was known at ts: its features, and the outcomes by the "
            "prices known at ts",
        ),
    )
