"""What the analytics snapshot holds: lake tables, marts and the models' history as of a run.

The list of tables, and the rows of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.audit.quality import FEATURE_PROFILE
from finpulse_assets.domain.catalogue import CatalogueTable, from_contract
from finpulse_assets.domain.evaluation.promotion import Promotion, history_table
from finpulse_assets.domain.features.adjusted_prices import ADJUSTED_PRICES, adjusted_prices
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.snapshot.writer import WAREHOUSE, SnapshotTable
from finpulse_assets.orchestration.catalog.snapshot_macros import (
    CHOICE,
    prices_chosen_from,
    snapshot_name,
)
from finpulse_assets.schemas import (
    BARS_1M,
    FEATURE_IMPORTANCE,
    PROMOTION_HISTORY,
    QUARANTINE,
    requests_table,
)

# Minute bars are many, and a snapshot is a whole file each time.
MINUTE_SESSIONS = 20
# Lake table -> the column that says when a row was known; None where all is known in advance or
# the run itself made the rows as of its time.
LAKE_CONTENTS: dict[Table, str | None] = {
    schemas.SOURCES: None,
    schemas.SESSIONS: None,
    schemas.TICKERS: None,
    schemas.PRICES: "knowledge_time",
    schemas.CORPORATE_ACTIONS: "knowledge_time",
    BARS_1M: "known_at",
    schemas.LISTINGS: "knowledge_time",
    schemas.HOLDINGS: "knowledge_time",
    schemas.OPTIONS: "knowledge_time",
    schemas.TWEETS: "knowledge_time",
    schemas.HEADLINES: "knowledge_time",
    schemas.TEXT_SENTIMENT: "first_known_at",
    schemas.TEXT_TRAITS: "first_known_at",
    schemas.EVALUATION: None,
    schemas.OUT_OF_SAMPLE: None,
    schemas.FOLD_IMPORTANCE: None,
    schemas.DAILY_SIGNALS: "predicted_at",
    schemas.OUTCOMES: "matured_at",
    schemas.LEDGER: "answered_at",
    schemas.ANSWER_OUTCOMES: "matured_at",
    schemas.LIVE_QUALITY: None,
    schemas.FEATURE_DRIFT: None,
    schemas.TEXT_DRIFT: None,
    FEATURE_PROFILE: None,
}
TITLES = {BARS_1M: f"The last {MINUTE_SESSIONS} sessions; all of them lie in lake/{BARS_1M.name}."}
CHOSEN_PRICES = replace(
    from_contract(
        schemas.PRICES,
        name="chosen_prices",
        title="The bars that labels are made of, of one source a session.",
        source=f"prices, by the choice of {CHOICE}",
    ),
    grain="one row per ticker and session: the best source known by the session's decision, in its "
    "latest version",
    key=("ticker", "session_date"),
)
ADJUSTED = from_contract(
    ADJUSTED_PRICES,
    title="The close for charts and for returns over several sessions.",
    source="chosen_prices and corporate_actions",
)
PROMOTION = from_contract(
    PROMOTION_HISTORY, name="promotion", source="the history of models/promotion"
)
IMPORTANCE = from_contract(
    FEATURE_IMPORTANCE,
    name="feature_importance",
    title="What the champion's probability stands on; no rows where its model was removed since.",
    source="the champion of models/promotion",
)
_SOURCE = Column("source", pl.String, "which source was asked")
_KIND = Column("kind", pl.String, "tweets, headlines, prices, corporate_actions or bars_1m")


def _of_all_sources(name: str, table: Table, *added: Column) -> CatalogueTable:
    """Return the entry of what lies by source in the lake and is one table here."""
    united = replace(table, columns=(*added, *table.columns), key=(*(c.name for c in added),
                     *table.key))  # fmt: skip
    return from_contract(united, name=name, source=f"lake/{table.name}")


REQUESTS = _of_all_sources("requests", requests_table("<name>"), _SOURCE)
REFUSED = _of_all_sources(
    "quarantined_rows", replace(QUARANTINE, name="quarantine/<name>/<kind>"), _SOURCE, _KIND
)
# What stands in no lake and in no dbt model, or by source in the lake.
SNAPSHOT_ONLY = (CHOSEN_PRICES, ADJUSTED, PROMOTION, IMPORTANCE, REQUESTS, REFUSED)


def snapshot_tables(
    lake: Lake, marts: Iterable[CatalogueTable], models: ModelStore, *, as_of: datetime
) -> list[SnapshotTable]:
    """Return what to publish: lake tables under their last name, the marts, and what is made here.

    Args:
        lake: where the Parquet files lie; a table without files is published without rows.
        marts: the dbt tables.
        models: the price models and the decisions about them.
        as_of: rows known later are left out, so that the marts and the raw rows agree.
    """
    lake_tables = [
        SnapshotTable(
            from_contract(table, name=snapshot_name(table), title=TITLES.get(table, "")),
            _selection(lake, table, known, as_of),
        )
        for table, known in LAKE_CONTENTS.items()
    ]
    chosen = f"select * from ({prices_chosen_from('prices')}) order by ticker, session_date"  # noqa: S608
    decisions = [it for it in models.history() if it.decided_at <= as_of]
    return [
        *lake_tables,
        SnapshotTable(CHOSEN_PRICES, chosen),
        SnapshotTable(ADJUSTED, _adjusted(lake, as_of)),
        *(
            SnapshotTable(mart, f"select * from {WAREHOUSE}.{mart.name} order by all")  # noqa: S608
            for mart in marts
        ),
        SnapshotTable(PROMOTION, history_table(decisions)),
        SnapshotTable(IMPORTANCE, _importance(models, decisions)),
        SnapshotTable(REQUESTS, _requests(lake, as_of)),
        SnapshotTable(REFUSED, _refused(lake, as_of)),
    ]


def _adjusted(lake: Lake, as_of: datetime) -> pl.DataFrame:
    return adjusted_prices(
        lake.read_or_empty(schemas.PRICES),
        lake.read_or_empty(schemas.CORPORATE_ACTIONS),
        lake.read_or_empty(schemas.SESSIONS).collect(),
        as_of=as_of,
        sources=lake.read_or_empty(schemas.SOURCES).collect(),
    )


def _importance(models: ModelStore, decisions: list[Promotion]) -> pl.DataFrame:
    """Return `FEATURE_IMPORTANCE` of the champion after these decisions."""
    champion = decisions[-1].champion.candidate_id if decisions else None
    if champion not in models.candidates():
        return FEATURE_IMPORTANCE.empty()
    shares = models.load(champion).importance().with_row_index("rank", offset=1)
    return FEATURE_IMPORTANCE.enforce(shares.with_columns(candidate_id=pl.lit(champion)))


def _requests(lake: Lake, as_of: datetime) -> str:
    """Return the SELECT of the requests to every source that was ever asked."""
    names = sorted(path.parent.name for path in lake.root.glob("source/*/requests"))
    parts = (
        (f"'{name}' as source", _selection(lake, requests_table(name), "requested_at", as_of))
        for name in names
    )
    return _united(parts, REQUESTS)


def _refused(lake: Lake, as_of: datetime) -> str:
    """Return the SELECT of the refused rows of every source and kind."""
    parts = []
    for folder in sorted(lake.root.glob("quarantine/*/*")):
        table = replace(QUARANTINE, name=str(folder.relative_to(lake.root)))
        rows = _selection(lake, table, "first_seen_at", as_of)
        parts.append((f"'{folder.parent.name}' as source, '{folder.name}' as kind", rows))
    return _united(parts, REFUSED)


def _united(parts: Iterable[tuple[str, str]], entry: CatalogueTable) -> str:
    selects = [f"select {names}, * from ({rows})" for names, rows in parts]  # noqa: S608
    none = ", ".join(f'null as "{column.name}"' for column in entry.columns)
    united = " union all ".join(selects or [f"select {none} where false"])
    return f"select * from ({united}) order by {', '.join(entry.key)}"  # noqa: S608


def _selection(lake: Lake, table: Table, known_column: str | None, as_of: datetime) -> str:
    files = [str(lake.path(table, partition)) for partition in lake.partitions(table)]
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    if not files:
        nulls = ", ".join(f'null as "{name}"' for name in table.column_names)
        return f"select {nulls} where false"
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    moment = as_of.astimezone(UTC).isoformat()
    known = f"where {known_column} <= timestamptz '{moment}'" if known_column else ""
    last = f"qualify dense_rank() over (order by session_date desc) <= {MINUTE_SESSIONS}"
    return (
        f"select {columns} from read_parquet([{listed}], hive_partitioning = false) "  # noqa: S608
        f"{known} {last if table is BARS_1M else ''} order by {', '.join(table.key)}"
    )
