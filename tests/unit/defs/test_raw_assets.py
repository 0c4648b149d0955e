"""The raw assets on fakes: rows, metadata, checks, and how the lake's partitions come out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from finpulse_assets.defs.features.assets import technical
from finpulse_assets.defs.market.assets import corporate_actions, prices, sessions, tickers
from finpulse_assets.defs.news.assets import headlines, tweets
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.orchestration.run.resources import Sources
from finpulse_assets.schemas import CORPORATE_ACTIONS, HEADLINES, PRICES, TWEETS
from finpulse_assets.settings import load_settings
from tests.fakes.sources import FakePriceSource, FakeTextSource, small_prices, small_texts

AS_OF = datetime(2024, 12, 4, tzinfo=UTC)
MONTHS = ("2024-11-01", "2024-12-01")
RAW = [sessions, tickers, prices, corporate_actions, tweets, headlines]


def materialize(tmp_path, assets=RAW, *, as_of=AS_OF, months=MONTHS, bars=None, texts=None):
    """Materialize assets in process on fakes; return Dagster's result and the lake."""
    lake = Lake(tmp_path / "lake")
    named = {"source": pl.lit("fake")}
    feed = FakeTextSource(
        tweets=(small_texts("1") if texts is None else texts).with_columns(**named),
        headlines=small_texts("2").head(1).with_columns(**named),
    )
    bars = small_prices() if bars is None else bars
    market = FakePriceSource(prices=bars.with_columns(**named))
    result = dg.materialize(
        assets,
        resources={
            "settings": load_settings(home=tmp_path),
            "lake": lake,
            "sources": Sources(feed, market),
            "clock": RunClock(as_of=as_of, start_date=date(2024, 11, 1)),
            "io_manager": lake_io_manager(lake),
        },
        tags={
            ASSET_PARTITION_RANGE_START_TAG: months[0],
            ASSET_PARTITION_RANGE_END_TAG: months[-1],
        },
        raise_on_error=False,
    )
    return result, lake


def metadata_of(result, *key):
    [event, *_] = result.asset_materializations_for_node("__".join(key))
    return {name: value.value for name, value in event.metadata.items()}


def test_months_hold_the_rows_that_became_known_in_them(tmp_path):
    result, lake = materialize(tmp_path)
    assert result.success
    for table, rows in ((PRICES, (8, 4)), (TWEETS, (3, 1)), (HEADLINES, (1, 0))):
        counts = [lake.scan(table, [month]).collect().height for month in MONTHS]
        assert tuple(counts) == rows, table.name
    assert lake.scan(CORPORATE_ACTIONS).collect().height == 0
    assert list(lake.coverage(TWEETS)) == list(MONTHS)


def test_metadata_counts_what_became_of_a_delivery(tmp_path):
    _result, _lake = materialize(tmp_path)
    again, lake = materialize(tmp_path)
    told = metadata_of(again, "raw", "tweets")
    assert told["delivered_rows"] == 4
    assert told["new_rows"] == 0
    assert told["repeated_rows"] == 4
    assert told["changed_partitions"] == 0
    assert told["dagster/row_count"] == lake.scan(TWEETS).collect().height == 4


def test_a_late_tweet_lands_in_the_month_of_the_run(tmp_path):
    materialize(tmp_path)
    late = pl.DataFrame(
        {
            "text_id": ["late"],
            "ticker": ["AAA"],
            "event_time": [datetime(2024, 11, 26, 15, tzinfo=UTC)],
            "text": ["found in a drawer"],
        }
    )
    later = AS_OF + timedelta(days=1)
    result, lake = materialize(
        tmp_path, as_of=later, texts=pl.concat([small_texts("1"), late], how="diagonal")
    )
    assert metadata_of(result, "raw", "tweets")["late_rows"] == 1
    row = lake.scan(TWEETS).filter(pl.col("text_id") == "late").collect().row(0, named=True)
    assert row["knowledge_time"] == later
    assert row["session_date"] == date(2024, 12, 5)


def test_the_blocking_check_stops_what_stands_on_bad_rows(tmp_path):
    bars = small_prices().with_columns(
        low=pl.when(pl.col("ticker") == "AAA").then(-1.0).otherwise("low")
    )
    result, lake = materialize(tmp_path, [*RAW, technical], bars=bars)
    assert not result.success
    [check] = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert check.asset_key == dg.AssetKey(["raw", "prices"])
    assert check.description == (
        "6 of 12 delivered rows were refused (50.0%), the limit is 5.0%. "
        "Most common: low is -1.0, a price is above 0 (6 rows)."
    )
    assert not (lake.root / "features").exists()
    quarantine = pl.read_parquet(lake.root / "quarantine" / "prices" / "all.parquet")
    assert quarantine.height == 6


def test_one_month_alone_can_be_materialized_again(tmp_path):
    materialize(tmp_path)
    before = {month: lake_file(tmp_path, month).stat().st_mtime_ns for month in MONTHS}
    lake_file(tmp_path, MONTHS[0]).unlink()
    result, lake = materialize(tmp_path, months=MONTHS[:1])
    assert result.success
    assert lake.scan(PRICES, MONTHS[:1]).collect().height == 8
    assert lake_file(tmp_path, MONTHS[1]).stat().st_mtime_ns == before[MONTHS[1]]


def lake_file(tmp_path, month):
    return Lake(tmp_path / "lake").path(PRICES, month)


def test_features_of_an_earlier_as_of_do_not_see_later_bars(tmp_path):
    materialize(tmp_path, [*RAW, technical])
    early = datetime(2024, 11, 27, 22, tzinfo=UTC)
    result, lake = materialize(tmp_path, [*RAW, technical], as_of=early, months=MONTHS[:1])
    assert result.success
    rows = pl.read_parquet(lake.root / "features" / "technical" / "all.parquet")
    assert rows["session_date"].max() == date(2024, 11, 27)


def test_a_reader_of_a_month_that_was_never_written_is_told_so(tmp_path):
    @dg.asset(ins={"prices": dg.AssetIn(["raw", "prices"])}, partitions_def=prices.partitions_def)
    def reader(prices: pl.LazyFrame) -> None:
        prices.collect()

    materialize(tmp_path, months=MONTHS[1:])
    result, _lake = materialize(tmp_path, [reader, prices.to_source_assets()[0]])
    assert not result.success
    [failure] = [e for e in result.all_events if e.is_step_failure]
    assert "raw/prices lacks partition 2024-11-01" in failure.step_failure_data.error.to_string()


@pytest.mark.parametrize("months", [MONTHS[:1], MONTHS])
def test_every_partition_of_the_run_is_recorded(tmp_path, months):
    result, _lake = materialize(tmp_path, months=months)
    events = result.asset_materializations_for_node("raw__tweets")
    assert [event.partition for event in events] == list(months)
