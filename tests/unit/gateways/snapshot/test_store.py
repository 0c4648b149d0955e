"""The snapshot store: versions, pruning, what a failure leaves, and what a query may do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.catalogue import CatalogueColumn, CatalogueTable
from finpulse_assets.errors import WarehouseError
from finpulse_assets.gateways.snapshot import store as analytics_snapshot
from finpulse_assets.gateways.snapshot.reader import SnapshotReader
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.gateways.snapshot.writer import SnapshotMacro, SnapshotTable

AS_OF = datetime(2026, 3, 2, 21, 15, tzinfo=UTC)
ENTRY = CatalogueTable(
    name="bars",
    title="It's a test.",
    grain="one row per ticker",
    known_at="known at the close",
    source="test",
    columns=(
        CatalogueColumn("ticker", "VARCHAR", "the trader's symbol"),
        CatalogueColumn("close", "DOUBLE", "last price", "USD", nullable=True),
    ),
)
MACRO = SnapshotMacro("bars", "select * from bars where close <= ts", "bars up to ts")
WRITER = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


ROW = "select 'A' as ticker, 1.5 as close"


def publish(store: SnapshotStore, rows: str | pl.DataFrame = ROW, **options) -> Published:
    given = {"as_of": AS_OF, "warehouse": store.root / "finpulse.duckdb", **options}
    return store.publish([SnapshotTable(ENTRY, rows)], [MACRO], **given)


def closes(path: Path) -> list[float]:
    return [row[0] for row in SnapshotReader(path).query("select close from bars order by 1").rows]


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


def test_a_published_file_has_rows_comments_catalogue_and_macro(store):
    published = publish(store)
    assert published.rows == {"bars": 1, "catalogue": 18}
    assert published.path.name == f"finpulse-20260302T211500Z-{published.snapshot_id}.duckdb"
    reader = SnapshotReader(store.current)
    comments = dict(reader.query("select table_name, comment from duckdb_tables()").rows)
    assert comments["bars"] == "It's a test. One row per ticker. Known at the close."
    [(comment,)] = reader.query(
        "select comment from duckdb_columns() where table_name = 'bars' and column_name = 'close'"
    ).rows
    assert comment == "last price [USD]"
    assert reader.query("from bars_as_of(1)").rows == []
    assert reader.query("from bars_as_of(2)").rows == [("A", 1.5)]
    assert reader.query("select as_of, row_count from snapshot where table_name = 'bars'").rows == [
        (AS_OF, 1)
    ]


def test_a_frame_is_published_as_a_selection_is(store):
    selected = publish(store)
    rows = pl.DataFrame({"close": [1.5], "ticker": ["A"]})
    assert publish(store, rows).snapshot_id == selected.snapshot_id
    with pytest.raises(WarehouseError, match='does not have a column with name "closed"'):
        publish(store, rows.rename({"close": "closed"}))


def test_the_stable_name_is_the_newest_version_and_nobody_writes_it(store):
    first = publish(store)
    second = publish(store, "select 'A' as ticker, 2.5 as close")
    assert closes(store.current) == [2.5]
    assert closes(first.path) == [1.5]
    assert store.versions() == [second.path, first.path]
    assert store.current.samefile(second.path)
    assert second.path.stat().st_mode & 0o222 == 0


def test_the_last_versions_are_kept(store):
    paths = [
        publish(
            store,
            f"select 'A' as ticker, {n} as close",
            kept=3,
            now=lambda n=n: AS_OF + timedelta(minutes=n),
        ).path
        for n in range(6)
    ]
    assert store.versions() == paths[:2:-1]
    for number, path in enumerate(reversed(store.versions())):  # as a copy of the home may
        os.utime(path, (9 - number, 9 - number))
    store.current.unlink()
    assert store.versions() == paths[:2:-1]
    assert sorted(path.name for path in store.folder.iterdir()) == sorted(
        path.name for path in paths[3:]
    )


def test_a_clock_set_back_never_prunes_the_current_version(store):
    publish(store, now=lambda: datetime(2096, 10, 2, tzinfo=UTC))
    newest = publish(store, "select 'A' as ticker, 2.5 as close", kept=1)
    assert store.versions() == [newest.path]
    assert closes(store.current) == [2.5]


def test_the_same_content_adds_no_version_and_becomes_current_again(store):
    first = publish(store)
    publish(store, "select 'A' as ticker, 2.5 as close")
    again = publish(store)
    assert (again.path, again.is_new) == (first.path, False)
    assert closes(store.current) == [1.5]
    assert store.versions()[0] == first.path


def test_the_order_of_rows_is_no_content_but_a_value_is(store):
    def id_of(values: str) -> str:
        rows = f"select * from (values {values}) as rows(ticker, close)"  # noqa: S608
        return publish(store, rows).snapshot_id

    assert id_of("('A', 1), ('B', null)") == id_of("('B', null), ('A', 1)")
    assert id_of("('A', 1), ('B', null)") != id_of("('A', null), ('B', 1)")
    assert (
        publish(store, as_of=datetime(2026, 3, 3, tzinfo=UTC)).snapshot_id
        != publish(store).snapshot_id
    )


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("select * from warehouse.bars", 'schema "warehouse" does not exist'),
        ("select null as ticker, 1 as close", "NOT NULL constraint failed"),
        ("select 'A' as ticker, 1 as closed", 'does not have a column with name "closed"'),
        ("select * from read_parquet('/absent/prices.parquet')", "No files found"),
    ],
)
def test_a_failed_publication_leaves_the_one_before_it(store, selection, message):
    before = publish(store)
    with pytest.raises(WarehouseError, match=f"the snapshot cannot be written: .*{message}"):
        publish(store, selection)
    assert closes(store.current) == [1.5]
    assert list(store.folder.iterdir()) == [before.path]


def test_a_warehouse_that_a_run_is_writing_is_named(store):
    warehouse = store.root / "finpulse.duckdb"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(warehouse)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as writer:  # fmt: skip
        writer.stdout.readline()
        with pytest.raises(WarehouseError, match="wait for the run that is writing"):
            publish(store)
        writer.stdin.write("\n")


def test_what_a_killed_run_left_is_removed(store):
    publish(store)
    for name in (".building-0badf00d.duckdb", ".building-0badf00d.duckdb.wal"):
        (store.folder / name).write_bytes(b"half")
    published = publish(store, "select 'A' as ticker, 2.5 as close")
    assert sorted(store.folder.iterdir()) == sorted([published.path, *store.versions()[1:]])


def test_a_disk_that_refuses_is_one_sentence(store, monkeypatch):
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(analytics_snapshot, "_seal", full)
    with pytest.raises(WarehouseError, match=r"cannot be written to .*No space left on device"):
        publish(store)
    assert list(store.folder.iterdir()) == []
    assert not store.current.exists()


def test_a_file_system_without_hard_links_gets_a_copy(store, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(analytics_snapshot.os, "link", refuse)
    published = publish(store)
    assert closes(store.current) == [1.5]
    assert not store.current.samefile(published.path)


def test_an_older_version_is_found_by_its_id(store):
    first = publish(store)
    publish(store, "select 'A' as ticker, 2.5 as close")
    for name in (first.snapshot_id, first.path.stem, first.path.name):
        assert store.version(name) == first.path
    with pytest.raises(WarehouseError, match=f"no snapshot x. Hint: kept are: .*{first.path.stem}"):
        store.version("x")


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> SnapshotReader:
    store = SnapshotStore(tmp_path_factory.mktemp("read"))
    publish(store, "select chr(65 + range::int) as ticker, range as close from range(5)")
    return SnapshotReader(store.current)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("insert into bars values ('B', 1)", "type INSERT was refused"),
        ("create temp table mine as from bars", "type CREATE was refused"),
        ("copy bars to 'stolen.csv'", "type COPY was refused"),
        ("attach ':memory:' as other", "type ATTACH was refused"),
        ("set enable_external_access = true", "type SET was refused"),
        ("pragma threads = 1", "type PRAGMA was refused|type SET was refused"),
        ("load httpfs", "type LOAD was refused"),
        ("explain analyze insert into bars values ('B', 1)", "read-only mode"),
        ("with x as (insert into bars values ('B', 1) returning *) from x", "read-only mode"),
        ("from read_csv('/etc/hosts')", "file system operations are disabled"),
        ("from glob('/*')", "file system operations are disabled"),
        ("select 1; select 2", "there are 2 statements"),
        ("", "there are 0 statements"),
        ("-- nothing", "there are 0 statements"),
        ("select clos from bars", 'Hint: Candidate bindings: "close"'),
        ("from bar", "Table with name bar does not exist. Hint: Did you mean"),
        ("select 1 +", "syntax error at or near"),
        ("select 'a'::int", "Could not convert string"),
        ("select * from bars where", "syntax error at or near"),
    ],
)
def test_a_refusal_is_one_sentence_with_a_hint(reader, sql, message):
    with pytest.raises(WarehouseError, match=message) as refused:
        reader.query(sql)
    assert "\n" not in str(refused.value)
    assert refused.value.hint
    assert not Path("stolen.csv").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from bars", "from bars", "with b as (from bars) from b",
        "pivot bars on ticker using max(close)", "describe bars", "summarize bars", "show tables",
        "explain select 1", "select 1;", "unpivot bars on close",
    ],
)  # fmt: skip
def test_every_form_of_a_query_is_answered(reader, sql):
    assert reader.query(sql).rows


@pytest.mark.parametrize(("limit", "rows", "is_cut"), [(None, 5, False), (5, 5, False),
                                                       (4, 4, True), (0, 0, True)])  # fmt: skip
def test_a_limit_says_whether_it_cut(reader, limit, rows, is_cut):
    result = reader.query("from bars", limit=limit)
    assert (len(result.rows), result.is_cut) == (rows, is_cut)


def test_times_are_utc_wherever_the_reader_lives(reader):
    [(text,)] = reader.query("select max(as_of)::varchar from snapshot").rows
    assert text == "2026-03-02 21:15:00+00"


def test_an_absent_or_broken_snapshot_says_what_to_do(tmp_path):
    with pytest.raises(WarehouseError, match=r"does not exist. Hint: run `finpulse run`"):
        SnapshotReader(tmp_path / "analytics.duckdb").query("select 1")
    (tmp_path / "analytics.duckdb").write_bytes(b"no database at all" * 1000)
    with pytest.raises(WarehouseError, match=r"cannot be opened: .* Hint: delete it and run"):
        SnapshotReader(tmp_path / "analytics.duckdb").query("select 1")


@settings(max_examples=15, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_survives_as_comment_and_value(tmp_path_factory, text):
    store = SnapshotStore(tmp_path_factory.mktemp("any"))
    column = CatalogueColumn("words", "VARCHAR", text + ".")
    entry = CatalogueTable("texts", text, "one row", "known", "test", (column,))
    literal = "'" + text.replace("'", "''") + "'"
    table = SnapshotTable(entry, f"select {literal} as words")
    store.publish([table], [], as_of=AS_OF, warehouse=store.root / "none.duckdb")
    with duckdb.connect(str(store.current), read_only=True) as connection:
        assert connection.execute("from texts").fetchall() == [(text,)]
        [(comment,)] = connection.execute(
            "select comment from duckdb_columns() where column_name = 'words'"
        ).fetchall()
    assert comment == text + "."
