"""The warehouse: short read-only queries, and a sentence when there is nothing to read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from finpulse_assets.errors import WarehouseError
from finpulse_assets.gateways.warehouse.reader import Warehouse

WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    """A warehouse of one table, written by a connection that lives in New York."""
    path = tmp_path / "finpulse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'America/New_York'")
        connection.execute("""
            create table bars as
            select 'A' as ticker, timestamptz '2024-06-03 16:00:00-04' as close_at, 1.5 as close
            union all select 'B', timestamptz '2024-11-29 13:00:00-05', null
        """)
    return Warehouse(path)


def test_an_answer_is_a_frame(warehouse):
    frame = warehouse.query("select ticker, close_at from bars order by ticker")
    assert frame.schema == {"ticker": pl.String, "close_at": pl.Datetime("us", "UTC")}
    assert frame["close_at"].to_list() == [
        datetime(2024, 6, 3, 20, tzinfo=UTC),
        datetime(2024, 11, 29, 18, tzinfo=UTC),
    ]


def test_days_are_those_of_utc(warehouse):
    sql = "select cast(timestamptz '2024-06-03 21:00:00-04' as date)::varchar as day"
    assert warehouse.query(sql).item() == "2024-06-04"


def test_parameters_take_their_places(warehouse):
    frame = warehouse.query("select ticker from bars where close > ? or ticker = ?", [1, "Z"])
    assert frame.rows() == [("A",)]
    assert warehouse.query("select * from bars where ticker = ?", ["Z"]).is_empty()
    ordered = warehouse.query("select ticker from bars order by ticker desc limit 2")
    assert ordered.rows() == [("B",), ("A",)]


def test_views_over_the_lake_of_another_home_are_refused(tmp_path):
    """The views of a copied home read the lake that it was copied from, without a word."""
    old, new = tmp_path / "o'ld", tmp_path / "copy"
    lake = old / "lake" / "raw" / "prices"
    lake.mkdir(parents=True)
    pl.DataFrame({"close": [1.5]}).write_parquet(lake / "all.parquet")
    with duckdb.connect(str(old / "finpulse.duckdb")) as connection:
        files = str(lake / "*.parquet").replace("'", "''")
        connection.execute(f"create view stg_prices as from read_parquet('{files}')")
        connection.execute("create table marts as from stg_prices")
    shutil.copytree(old, new)
    assert Warehouse(old / "finpulse.duckdb").query("from stg_prices").rows() == [(1.5,)]
    copied = Warehouse(new / "finpulse.duckdb")
    assert copied.query("from marts").rows() == [(1.5,)], "tables are the copy's own"
    with pytest.raises(WarehouseError, match=r"read the lake of another home, .*o'ld.*finpulse ru"):
        copied.query("from stg_prices")
    with copied._open() as other:  # a second connection of this process
        copied._shut_in(other)
        assert copied.query("from marts").height == 1


def test_an_absent_file_is_named(tmp_path):
    path = tmp_path / "none.duckdb"
    with pytest.raises(
        WarehouseError, match=r"none\.duckdb does not exist\. Hint: run `finpulse r"
    ):
        Warehouse(path).query("select 1")
    assert not path.exists()


def test_a_file_that_is_no_warehouse_is_named(tmp_path):
    path = tmp_path / "odd.duckdb"
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(
        WarehouseError, match=r"odd\.duckdb cannot be opened: .* Hint: delete it and"
    ):
        Warehouse(path).query("select 1")


def test_a_writer_in_another_process_is_waited_for(warehouse):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(warehouse.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(
            WarehouseError, match=r"cannot be opened: .* Hint: wait for the run that"
        ):
            warehouse.query("select 1")
        writer.stdin.close()
        assert writer.wait() == 0
    assert warehouse.query("select count(*) from bars").item() == 2


@pytest.mark.parametrize("kept", [0, 12, 4096, 12288])
def test_a_file_cut_short_by_a_kill_is_dropped_with_its_log(warehouse, kept):
    log = warehouse.path.with_name("finpulse.duckdb.wal")
    log.write_bytes(b"changes")
    warehouse.path.write_bytes(warehouse.path.read_bytes()[:kept])
    assert "finpulse.duckdb cannot be opened: " in warehouse.drop_broken()
    assert not warehouse.path.exists()
    assert not log.exists()


def test_a_block_that_was_never_written_is_no_lock(warehouse):
    whole = warehouse.path.read_bytes()
    warehouse.path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(WarehouseError, match=r"Corrupt .* Hint: delete it and run"):
        warehouse.query("select 1")
    assert "Corrupt database file" in warehouse.drop_broken()


def test_a_file_that_opens_or_is_written_stays(warehouse, tmp_path):
    assert Warehouse(tmp_path / "none.duckdb").drop_broken() is None
    assert warehouse.drop_broken() is None
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(warehouse.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as writer:  # fmt: skip
        assert writer.stdout.readline() == "open\n"
        assert warehouse.drop_broken() is None
        writer.stdin.close()
    assert warehouse.query("select count(*) from bars").item() == 2


def test_a_missing_table_says_how_to_build_it(warehouse):
    with pytest.raises(
        WarehouseError, match=r"the query failed: .*fct_none.* Hint: run `finp"
    ) as it:
        warehouse.query("select * from fct_none")
    assert "\n" not in str(it.value)


def test_a_view_whose_file_is_gone_says_how_to_build_it(warehouse, tmp_path):
    source = tmp_path / "source.parquet"
    pl.DataFrame({"x": [1]}).write_parquet(source)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.read_parquet(str(source)).create_view("stg")
    assert warehouse.query("select x from stg").item() == 1
    source.unlink()
    with pytest.raises(WarehouseError, match=r"the query failed: .* Hint: run `finpulse run`"):
        warehouse.query("select x from stg")


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("selec 1", "Parser Error"),
        ("select nothing from bars", "Binder Error"),
        ("select cast('x' as integer)", "Conversion Error"),
        ("create table more (x integer)", "read-only"),
        ("delete from bars", "read-only"),
    ],
)
def test_a_query_that_cannot_run_is_a_sentence(warehouse, sql, what):
    with pytest.raises(WarehouseError, match=f"the query failed: .*{what}"):
        warehouse.query(sql)
    assert warehouse.query("select count(*) from bars").item() == 2
