"""Publications whose every table says the same step, and a process that reads them in a loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb

from finpulse_assets.domain.catalogue import CatalogueColumn, CatalogueTable
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.gateways.snapshot.writer import SnapshotTable

ROWS_A_STEP = 500

# Prints the step of each opening; fails on an error or where two tables disagree.
READER = """
import sys, duckdb
path, last = sys.argv[1], int(sys.argv[2])
for _ in range(20_000):
    with duckdb.connect(path, read_only=True) as connection:
        [state] = connection.execute('''
            select (select max(step) from signals), (select min(step) from signals),
                   (select max(step) from scores), (select count(*) from signals),
                   (select max(row_count) from snapshot where table_name = 'signals'),
                   (select extract(day from max(as_of)) from snapshot)
        ''').fetchall()
    step, lowest, scored, rows, promised, day = state
    if not (step == lowest == scored == day and rows == promised == 500 * step):
        sys.exit(f"half a state: {state}")
    print(step, flush=True)
    if step == last:
        break
else:
    sys.exit("the last publication was never seen")
"""


def _table(name: str, selection: str) -> SnapshotTable:
    columns = (
        CatalogueColumn("number", "BIGINT", "ordinal"),
        CatalogueColumn("step", "BIGINT", "which publication"),
    )
    entry = CatalogueTable(name, "Steps.", "one row per number", "known at once", "test", columns)
    return SnapshotTable(entry, selection)


def publish_step(store: SnapshotStore, step: int) -> Published:
    """Write the warehouse of a step, as a run does, and publish it; three versions are kept."""
    rows = ROWS_A_STEP * step
    made = f"select range as number, {step} as step from range({rows})"  # noqa: S608
    warehouse = store.root / "finpulse.duckdb"
    with duckdb.connect(str(warehouse)) as writer:
        writer.execute(f"create or replace table signals as {made}")
    return store.publish(
        [_table("signals", "select * from warehouse.signals"), _table("scores", made)],
        [],
        as_of=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=step - 1),
        warehouse=warehouse,
        kept=3,
    )
