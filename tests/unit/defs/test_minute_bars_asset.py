"""The asset of minute bars on fakes and files: months, metadata, check, and runs done again."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.run.sources import build_sources
from finpulse_assets.schemas import BARS_1M, source_table
from finpulse_assets.settings import load_settings
from tests.fakes.ingestion import ingest, metadata_of
from tests.fakes.minutes import fake_minutes, small_minutes, utc
from tests.fakes.sources import small_fakes

AS_OF = datetime(2024, 12, 4, tzinfo=UTC)
MONTHS = ("2024-10-01", "2024-11-01", "2024-12-01")


def materialize(tmp_path, minutes, *, months=MONTHS, as_of=AS_OF, **options):
    """Materialize the ingesting assets in process; return Dagster's result and the lake."""
    market = ("prices", "corporate_actions")
    kinds = (*market, "bars_1m") if minutes else market
    source = Source("fake", kinds, *small_fakes(), minutes)
    return ingest(tmp_path, source, as_of=as_of, months=months, **options)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The folder, result and lake of one run on the usual minutes; only read them."""
    folder = tmp_path_factory.mktemp("first")
    return folder, *materialize(folder, fake_minutes())


@pytest.fixture
def filled(first, tmp_path):
    """A folder of its own in which that run has been."""
    return shutil.copytree(first[0], tmp_path / "filled")


def told(result):
    return metadata_of(result, "raw", "bars_1m")


def files_of(lake):
    return {key: lake.path(BARS_1M, key).stat().st_mtime_ns for key in lake.partitions(BARS_1M)}


def test_months_hold_the_minutes_that_begin_in_them(first):
    _folder, result, lake = first
    assert result.success
    # 03:59 UTC on 2024-11-01 is October in New York.
    heights = [lake.scan(BARS_1M, [month]).collect().height for month in MONTHS]
    assert heights == [2, 6, 1]
    events = result.asset_materializations_for_node("raw__bars_1m")
    assert [event.partition for event in events] == list(MONTHS)
    first = lake.scan(BARS_1M, ["2024-11-01"]).sort("bar_at").collect().row(0, named=True)
    assert first["bar_at"] == utc("2024-11-01 04:00")
    assert (first["session_date"], first["known_at"]) == (
        date(2024, 11, 1), utc("2024-11-01 04:01"))  # fmt: skip


def test_metadata_says_what_is_there_and_what_is_missing(first):
    _folder, result, _lake = first
    metadata = told(result)
    assert metadata["dagster/row_count"] == metadata["rows_in_this_run"] == 9
    assert metadata["tickers"] == 2
    assert metadata["first_minute"] == "2024-10-31 23:59:00+00:00"
    assert metadata["last_minute"] == "2024-12-02 14:30:00+00:00"
    # AAA: 2 minutes of 19 full sessions and a half-day, from 2024-11-04 to 2024-12-02.
    assert metadata["minutes_present"]["AAA"] == pytest.approx(2 / (19 * 390 + 210))
    assert metadata["minutes_present"]["SPX500_USD"] == pytest.approx(1 / 390)
    assert "note" not in metadata
    assert metadata_of(result, "source", "fake")["delivered_rows"] == 9 + 12 + 2


def test_a_run_done_again_changes_no_file(filled):
    lake = Lake(filled / "lake")
    before = files_of(lake)
    shuffled = small_minutes().sample(fraction=1, shuffle=True, seed=3)
    again, lake = materialize(filled, fake_minutes(shuffled))
    assert told(again)["changed_partitions"] == 0
    assert files_of(lake) == before


def test_a_month_alone_leaves_the_others(filled):
    lake = Lake(filled / "lake")
    before = files_of(lake)
    lake.path(BARS_1M, MONTHS[1]).unlink()
    result, lake = materialize(filled, fake_minutes(), months=MONTHS[1:2])
    assert told(result)["changed_partitions"] == 1
    assert told(result)["rows_in_this_run"] == 6
    after = files_of(lake)
    assert {key: after[key] for key in (MONTHS[0], MONTHS[2])} == {
        key: before[key] for key in (MONTHS[0], MONTHS[2])
    }


def test_a_month_follows_its_source(filled):
    fewer = small_minutes().filter(pl.col("ticker") == "AAA", pl.col("bar_at") < utc("2024-12-01"))
    result, lake = materialize(filled, fake_minutes(fewer))
    assert told(result)["changed_partitions"] == 2
    assert lake.scan(BARS_1M, MONTHS[2:]).collect().is_empty()


def test_the_run_does_not_look_past_its_time(tmp_path):
    as_of = utc("2024-11-04 14:30:30")
    _result, lake = materialize(tmp_path, fake_minutes(), as_of=as_of)
    assert lake.scan(BARS_1M).collect()["known_at"].max() <= as_of


def test_without_a_source_the_table_is_empty_and_says_so(tmp_path):
    result, lake = materialize(tmp_path, None)
    assert result.success
    assert lake.scan(BARS_1M).collect().equals(BARS_1M.empty())
    assert told(result)["note"].startswith("no source of the list gives this kind of row")
    assert told(result)["dagster/row_count"] == 0
    assert lake.partitions(BARS_1M) == list(MONTHS)


def test_without_a_source_what_was_loaded_stays(filled):
    lake = Lake(filled / "lake")
    before = files_of(lake)
    result, lake = materialize(filled, None)
    assert result.success
    assert files_of(lake) == before


def test_bad_rows_are_quarantined_and_many_of_them_stop_the_run(tmp_path):
    bad = pl.col("ticker") == "AAA"
    bars = small_minutes().with_columns(volume=pl.when(bad).then(-1.0).otherwise("volume"))
    result, lake = materialize(tmp_path, fake_minutes(bars))
    assert not result.success
    [check] = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert check.description == (
        "bars_1m: 6 of 9 delivered rows were refused (66.7%), the limit is 5.0%. "
        "Most common: volume is -1.0, the limit is 0 (6 rows)."
    )
    assert not result.asset_materializations_for_node("raw__bars_1m")
    quarantine = lake.root / "quarantine" / "fake" / "bars_1m" / "all.parquet"
    assert pl.read_parquet(quarantine).height == 6


def test_a_dirty_file_costs_its_bad_rows(tmp_path):
    path = tmp_path / "aapl.csv"
    row = "2024-11-04T14:30:00Z,10,11,9,10.5,7"
    lines = [
        "time,open,high,low,close,volume",
        "2024-11-04T14:32:00Z,10,11,9,10.5,7",
        row,
        row,
        row.replace("10.5", "10.25"),
        "2204-11-04T14:31:00Z,10,11,9,10.5,7",
        "soon,10,11,9,10.5,7",
        "2024-11-04T14:33:00Z,NaN,11,9,10.5,7",
        "2024-11-04T14:34:30Z,10,11,9,10.5,7",
    ]
    path.write_text("\n".join(lines) + "\n")
    result, lake = materialize(tmp_path, FileMinuteSource(path))
    rows = lake.scan(source_table("fake", "bars_1m")).collect()
    assert rows.select("ticker", "close").rows() == [("AAPL", 10.5)] * 2
    assert rows["bar_at"].to_list() == [utc("2024-11-04 14:30"), utc("2024-11-04 14:32")]
    assert metadata_of(result, "source", "fake")["repeated_rows"] == 1
    quarantine = lake.root / "quarantine" / "fake" / "bars_1m" / "all.parquet"
    reasons = pl.read_parquet(quarantine)["reason"]
    assert sorted(reasons) == [
        "another bar of AAPL at 2024-11-04 14:30 came first, and differs",
        "bar_at 'soon' is not a time",
        "bar_at 2024-11-04 14:34:30.000000 is no whole minute",
        "bar_at 2204-11-04 14:31:00 lies in the future",
        "open is missing",
    ]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"profile": "demo", "as_of": "2019-03-29"}, "simulator"),
        ({"profile": "demo", "as_of": "2019-03-29", "simulator_minute_sessions": 0}, None),
        ({"profile": "files", "prices_path": "p.csv", "bars_1m_path": "b.csv"}, "files"),
        ({"profile": "files", "prices_path": "p.csv"}, None),
    ],
)
def test_the_settings_say_where_minute_bars_come_from(tmp_path, options, name):
    sources = build_sources(load_settings(home=tmp_path, **options))
    assert [source.name for source in sources.giving("bars_1m")] == ([name] if name else [])
