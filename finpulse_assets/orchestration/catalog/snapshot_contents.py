"""What the analytics snapshot holds: lake tables and marts as of a run, and the as-of macros.

The list of tables, the SELECT behind each, the macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from finpulse_assets import schemas
from finpulse_assets.contract import Table
from finpulse_assets.domain.catalogue import CatalogueTable, from_contract
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.snapshot.writer import WAREHOUSE, SnapshotMacro, SnapshotTable
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

CHOICE = "int_prices_chosen"
_REFERENCE = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")

# Lake table -> the column that says when a row was known; None where all is known in advance or
# the run itself made the rows as of its time.
LAKE_CONTENTS: dict[Table, str | None] = {
    schemas.SOURCES: None,
    schemas.SESSIONS: None,
    schemas.TICKERS: None,
    schemas.PRICES: "knowledge_time",
    schemas.CORPORATE_ACTIONS: "knowledge_time",
    schemas.TWEETS: "knowledge_time",
    schemas.HEADLINES: "knowledge_time",
    schemas.TEXT_SENTIMENT: "first_known_at",
    schemas.EVALUATION: None,
    schemas.OUT_OF_SAMPLE: None,
    schemas.DAILY_SIGNALS: "predicted_at",
    schemas.OUTCOMES: "matured_at",
    schemas.LIVE_QUALITY: None,
}


def _last_name(table: Table) -> str:
    return table.name.split("/")[-1]


def _latest(table: Table) -> SnapshotMacro:
    """Return the macro of a versioned table: the version of each row that was known at ts."""
    name = _last_name(table)
    key = ", ".join(column for column in table.key if column != "knowledge_time")
    return SnapshotMacro(
        name=f"{name}_as_of",
        body=f"select * from {name} where knowledge_time <= ts::timestamptz qualify "  # noqa: S608
        f"row_number() over (partition by {key} order by knowledge_time desc) = 1",
        comment=f"{name} as they were known at ts: the latest version then, one row per "
        f"{key.replace(', ', ' and ')}",
    )


def _chosen_prices() -> SnapshotMacro:
    """Return the macro of the bars that count, by the SQL of the dbt model that chooses them."""
    sql = (PROJECT_DIR / f"models/intermediate/{CHOICE}.sql").read_text(encoding="utf-8")
    inputs = {
        "stg_prices": "(select * from prices where knowledge_time <= ts::timestamptz)",
        "stg_sources": "sources",
        "stg_sessions": "sessions",
    }
    return SnapshotMacro(
        name="chosen_prices_as_of",
        body=_REFERENCE.sub(lambda match: inputs[match[1]], sql),
        comment="prices of the chosen source as they were known at ts: the best source known by "
        "the session's decision, in its latest version; one row per ticker and session_date",
    )


def as_of_macros() -> tuple[SnapshotMacro, ...]:
    """Return the macros that answer as of an earlier time."""
    return (
        _latest(schemas.PRICES),
        _chosen_prices(),
        _latest(schemas.CORPORATE_ACTIONS),
        _latest(schemas.TWEETS),
        _latest(schemas.HEADLINES),
        SnapshotMacro(
            name="signals_as_of",
            # Live before late, then the newest; a session comes whole from one version.
            body="select * from daily_signals where predicted_at <= ts::timestamptz qualify "
            "rank() over (partition by session_date order by origin = 'live' desc, "
            "predicted_at desc) = 1",
            comment="daily_signals as they stood at ts: the version of each session that counted "
            "then, one row per ticker and session_date; signals_as_of(now()) gives today's",
        ),
        SnapshotMacro(
            name="labels_as_of",
            # The outcome by the prices of then: a correction that came later is not in it.
            body="select labels.* replace (bars.close / bars.open - 1 as return_next_session, "
            "bars.close > bars.open as is_up) from fct_labels as labels "
            "inner join chosen_prices_as_of(ts) as bars on labels.ticker = bars.ticker "
            "and labels.target_session_date = bars.session_date "
            "where labels.exit_at <= ts::timestamptz",
            comment="fct_labels whose outcome was known at ts, valued by the prices known at ts",
        ),
        SnapshotMacro(
            name="features_as_of",
            body="select * from fct_daily_features where decision_at <= ts::timestamptz",
            comment="fct_daily_features that were decided at ts; every row holds what was known at "
            "its decision, so later knowledge has changed none",
        ),
        SnapshotMacro(
            name="training_set_as_of",
            body="select features.*, labels.* exclude (ticker, session_date, decision_at) "
            "from features_as_of(ts) as features "
            "inner join labels_as_of(ts) as labels using (ticker, session_date)",
            comment="fct_training_set as it was known at ts: its features, and the outcomes by the "
            "prices known at ts",
        ),
    )


def snapshot_tables(
    lake: Lake, marts: Iterable[CatalogueTable], *, as_of: datetime
) -> list[SnapshotTable]:
    """Return what to publish: lake tables under their last name, then the marts.

    Args:
        lake: where the Parquet files lie; a table without files is published without rows.
        marts: the dbt tables.
        as_of: rows known later are left out, so that the marts and the raw rows agree.
    """
    lake_tables = [
        SnapshotTable(
            from_contract(table, name=_last_name(table)), _selection(lake, table, known, as_of)
        )
        for table, known in LAKE_CONTENTS.items()
    ]
    return lake_tables + [
        SnapshotTable(mart, f"select * from {WAREHOUSE}.{mart.name} order by all")  # noqa: S608
        for mart in marts
    ]


def _selection(lake: Lake, table: Table, known_column: str | None, as_of: datetime) -> str:
    files = [str(lake.path(table, partition)) for partition in lake.partitions(table)]
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    if not files:
        nulls = ", ".join(f'null as "{name}"' for name in table.column_names)
        return f"select {nulls} where false"
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    moment = as_of.astimezone(UTC).isoformat()
    known = f"where {known_column} <= timestamptz '{moment}'" if known_column else ""
    return (
        f"select {columns} from read_parquet([{listed}], hive_partitioning = false) "  # noqa: S608
        f"{known} order by {', '.join(table.key)}"
    )
