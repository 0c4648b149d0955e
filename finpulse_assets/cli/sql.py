"""`finpulse sql`: one query on the analytics snapshot, read-only, while a run may be writing."""

from __future__ import annotations

import csv
import json
import math
import sys
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable
from rich.text import Text

from finpulse_assets.cli.console import Home, begin, errors, results
from finpulse_assets.errors import WarehouseError
from finpulse_assets.settings import load_settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.snapshot.reader import QueryResult, SnapshotReader
    from finpulse_assets.gateways.snapshot.store import SnapshotStore

TABLE_ROWS = 100
LEAST_WIDTH = 10  # characters a column; below that rows are printed as blocks
STDIN = "-"


def sql(
    query: Annotated[
        str | None, typer.Argument(help="One SELECT; - reads it from stdin; none lists the tables.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Rows to print; default: 100 in a table, all in JSON and CSV."),
    ] = None,
    home: Home = None,
    version: Annotated[
        str | None, typer.Option(help="Ask an older version: its id or the name of its file.")
    ] = None,
) -> None:
    """Ask the analytics snapshot one query; without one, list its tables.

    It is opened read-only and may be asked while a run writes. Times are UTC. Examples: `finpulse
    sql` · `finpulse sql "from daily_signals order by session_date desc, rank limit 5"` · `finpulse
    sql --csv "from prices_as_of('2026-03-02')" > prices.csv`
    """
    if as_json and as_csv:
        raise WarehouseError("--json and --csv were both given", hint="choose one")
    root = load_settings(home=home).root
    begin("asking the snapshot of", root)
    from finpulse_assets.gateways.snapshot.reader import SnapshotReader
    from finpulse_assets.gateways.snapshot.store import SnapshotStore

    store = SnapshotStore(root)
    reader = SnapshotReader(store.version(version) if version else store.current)
    if query is None:
        _overview(store, reader, as_json=as_json, as_csv=as_csv)
        return
    shown = TABLE_ROWS if limit is None and not (as_json or as_csv) else limit
    text = sys.stdin.read() if query == STDIN else query
    _print(reader.query(text, limit=shown), as_json=as_json, as_csv=as_csv)


def _overview(store: SnapshotStore, reader: SnapshotReader, *, as_json: bool, as_csv: bool) -> None:
    """Print the tables; for people also the macros and which version this is."""
    tables = reader.tables()
    _print(tables, as_json=as_json, as_csv=as_csv)
    if as_json or as_csv:
        return
    results.print()
    _print(reader.macros(), as_json=False, as_csv=False)
    snapshot_id, as_of = reader.query("select snapshot_id, as_of from snapshot limit 1").rows[0]
    results.print(
        f"\nsnapshot {snapshot_id}, as of {as_of:%Y-%m-%d %H:%M} UTC; "
        f"{len(store.versions())} kept in {store.folder}",
        highlight=False,
        soft_wrap=True,
    )


def _print(result: QueryResult, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        rows = [dict(zip(result.columns, map(_json_value, row), strict=True))
                for row in result.rows]  # fmt: skip
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows([_csv_value(value) for value in row] for row in result.rows)
    else:
        _print_table(result)
    if result.is_cut:
        errors.print(f"cut after {len(result.rows):,} rows, --limit sets how many", highlight=False)


def _print_table(result: QueryResult) -> None:
    """Print rows side by side, or each as a block of lines where the columns are many."""
    names = [Text(_printable(name)) for name in result.columns]  # Text: what a tweet says must
    rows = [[Text(_cell(value)) for value in row] for row in result.rows]  # not be markup
    if len(names) * LEAST_WIDTH <= results.width:
        table = RichTable(box=None)
        for name in names:
            table.add_column(name)
        for row in rows:
            table.add_row(*row)
        results.print(table)
        return
    for number, row in enumerate(rows, start=1):
        block = RichTable("column", f"row {number}", box=None)
        for name, value in zip(names, row, strict=True):
            block.add_row(name, value)
        results.print(block)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return _printable(str(value))


def _printable(text: str) -> str:
    """Return one line without control characters: a text must not steer the terminal.

    >>> _printable("up\\x1b[31m now\\nthen")
    'up [31m now then'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def _csv_value(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _json_value(value: object) -> object:
    """Return what JSON can hold; a number that is none becomes null, as JSON has no name for it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json_value(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _json_value(each) for name, each in value.items()}
    return str(value)
