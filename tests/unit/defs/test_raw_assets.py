"""Source and raw assets on fakes: rows, metadata, checks, and how the lake's months come out."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.run.partitions import MONTHS as PARTITIONS
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    HEADLINES,
    PRICES,
    TICKERS,
    TWEETS,
    requests_table,
    source_table,
)
from tests.fakes.ingestion import ingest, ingest_assets, metadata_of
from tests.fakes.sources import (
    FakePriceSource,
    FakeTextSource,
    small_actions,
    small_prices,
    small_texts,
)

AS_OF = datetime(2024, 12, 4, tzinfo=UTC)
MONTHS = ("2024-11-01", "2024-12-01")
KINDS = ("tweets", "headlines", "prices", "corporate_actions")


def fake(name="fake", *, bars=None, texts=None, kinds=KINDS):
    origin = {"source": pl.lit("archive")}
    feed = FakeTextSource(
        tweets=(small_texts("1") if texts is None else texts).with_columns(**origin),
        headlines=small_texts("2").head(1).with_columns(**origin),
    )
    bars = small_prices() if bars is None else bars
    market = FakePriceSource(
        prices=bars.with_columns(**origin), corporate_actions=small_actions().with_columns(**origin)
    )
    return Source(name, kinds, feed, market)


def materialize(tmp_path, *members, as_of=AS_OF, months=MONTHS, **options):
    return ingest(tmp_path, *(members or [fake()]), as_of=as_of, months=months, **options)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The folder, result and lake of one run on the usual source; only read them."""
    folder = tmp_path_factory.mktemp("first")
    return folder, *materialize(folder)


@pytest.fixture
def filled(first, tmp_path):
    """A folder of its own in which that run has been."""
    return shutil.copytree(first[0], tmp_path / "filled")


def down(source):
    """Return the source as it is while its vendor does not answer."""

    def fail(*_):
        raise SourceError("the vendor does not answer", hint="try later")

    broken = SimpleNamespace(prices=fail, corporate_actions=fail, texts=fail, tickers=fail)
    return Source(source.name, source.kinds, broken, broken)


def test_months_hold_the_rows_that_became_known_in_them(first):
    _folder, result, lake = first
    assert result.success
    for table, rows in ((PRICES, (8, 4)), (TWEETS, (3, 1)), (HEADLINES, (1, 0))):
        counts = [lake.scan(table, [month]).collect().height for month in MONTHS]
        assert tuple(counts) == rows, table.name
    assert lake.scan(CORPORATE_ACTIONS).collect().height == 2
    assert lake.scan(PRICES).collect()["source"].unique().to_list() == ["fake"]


def test_a_source_keeps_what_was_delivered_with_its_requests(first):
    _folder, _result, lake = first
    tweets = lake.scan(source_table("fake", "tweets")).collect()
    assert tweets["origin"].unique().to_list() == ["archive"]
    assert tweets["delivered_at"].unique().to_list() == [AS_OF]
    requests = lake.scan(requests_table("fake")).collect()
    assert requests.select("kind", "status", "delivered_rows", "new_rows").rows() == [
        ("corporate_actions", "answered", 2, 2),
        ("headlines", "answered", 1, 1),
        ("prices", "answered", 12, 12),
        ("tweets", "answered", 4, 4),
    ]
    covered = lake.coverage(source_table("fake", "tweets"))
    assert covered["ticker"].unique().sort().to_list() == ["AAA", "BRK-B"]
    assert covered["month"].unique().sort().to_list() == list(MONTHS)


def test_metadata_counts_what_became_of_a_delivery(filled):
    again, lake = materialize(filled)
    counted = metadata_of(again, "source", "fake")
    assert (counted["delivered_rows"], counted["new_rows"], counted["repeated_rows"]) == (19, 0, 19)
    made = metadata_of(again, "raw", "tweets")
    assert made["changed_partitions"] == 0
    assert made["sources"] == "fake"
    assert made["dagster/row_count"] == lake.scan(TWEETS).collect().height == 4


def test_a_late_tweet_lands_in_the_month_of_the_run(filled):
    late = pl.DataFrame(
        {
            "text_id": ["late"],
            "ticker": ["AAA"],
            "event_time": [datetime(2024, 11, 26, 15, tzinfo=UTC)],
            "text": ["found in a drawer"],
        }
    )
    later = AS_OF + timedelta(days=1)
    texts = pl.concat([small_texts("1"), late], how="diagonal")
    # A backfill of November alone: what comes late is known in December.
    result, lake = materialize(filled, fake(texts=texts), as_of=later, months=MONTHS[:1])
    assert metadata_of(result, "source", "fake")["late_rows"] == 1
    row = lake.scan(TWEETS).filter(pl.col("text_id") == "late").collect().row(0, named=True)
    assert row["knowledge_time"] == later
    assert row["session_date"] == date(2024, 12, 5)


def test_texts_outside_the_universe_are_counted_and_named_not_refused(tmp_path):
    foreign = small_texts("1").with_columns(
        ticker=pl.when(pl.col("ticker") == "AAA").then(pl.lit("ZZZ")).otherwise("ticker")
    )
    result, lake = materialize(tmp_path, fake(texts=foreign))
    assert result.success
    made = metadata_of(result, "raw", "tweets")
    assert made["out_of_scope_rows"] == 2
    assert "ZZZ" in made["out_of_scope"]
    assert metadata_of(result, "source", "fake")["refused_rows"] == 0
    assert lake.scan(TWEETS).collect()["ticker"].unique().to_list() == ["BRK-B"]


def test_a_bad_delivery_stops_what_stands_on_it(tmp_path):
    @dg.asset(deps=[["raw", "prices"]])
    def reader() -> None: ...

    bars = small_prices().with_columns(
        low=pl.when(pl.col("ticker") == "AAA").then(-1.0).otherwise("low")
    )
    result, lake = materialize(tmp_path, fake(bars=bars), more=[reader])
    assert not result.success
    [check] = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert check.asset_key == dg.AssetKey(["source", "fake"])
    assert check.description.startswith(
        "prices: 6 of 12 delivered rows were refused (50.0%), the limit is 5.0%. "
        "Most common: low is -1.0, a price is above 0 (6 rows)."
    )
    assert not (lake.root / "raw" / "prices").exists()
    quarantine = lake.root / "quarantine" / "fake" / "prices" / "all.parquet"
    assert pl.read_parquet(quarantine).height == 6
    assert lake.coverage(source_table("fake", "prices")).is_empty(), "it is asked for again"


def test_a_source_that_is_down_hurts_its_own_rows_alone(tmp_path):
    market = fake("market", kinds=("prices", "corporate_actions"))
    bars = small_prices().filter(ticker="BRK-B")  # nobody lists the split of AAA to it
    backup = fake("backup", bars=bars, kinds=("prices",))
    wire = fake("wire", kinds=("tweets", "headlines"))
    materialize(tmp_path, market, backup, wire, months=MONTHS[:1], as_of=AS_OF - timedelta(days=6))
    result, lake = materialize(tmp_path, down(market), backup, down(wire))
    assert result.success
    failed = {c.asset_key.path[-1] for c in result.get_asset_check_evaluations() if not c.passed}
    assert failed == {"market", "wire"}
    prices = lake.scan(PRICES).group_by("source").agg(pl.max("session_date")).collect()
    assert dict(prices.iter_rows()) == {
        "market": date(2024, 11, 27),
        "backup": date(2024, 12, 3),
    }
    failures = lake.scan(requests_table("wire")).filter(status="failed").collect()
    assert failures["problem"].to_list() == ["the vendor does not answer. Hint: try later."] * 2
    again, lake = materialize(tmp_path, market, backup, wire)
    assert again.success
    assert lake.scan(TWEETS).collect().height == 4, "what it did not deliver is asked for again"


def test_the_only_source_of_prices_stops_the_run(filled):
    result, _lake = materialize(filled, down(fake()))
    assert not result.success
    [check] = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert check.check_name == "source_answered"
    assert "prices: the vendor does not answer" in check.description


def test_a_request_is_tried_again_before_it_counts_as_failed(tmp_path):
    asked = []
    source = fake()

    class Flaky(FakePriceSource):
        def prices(self, start, end):
            asked.append(start)
            if len(asked) < 3:
                raise SourceError("busy")
            return super().prices(start, end)

    flaky = Flaky(
        prices=small_prices().with_columns(source=pl.lit("x")), corporate_actions=small_actions()
    )
    source = Source("fake", KINDS, source.texts, flaky)
    result, lake = materialize(tmp_path, source, retries=(2, 0.0))
    assert result.success
    assert len(asked) == 3
    assert lake.scan(PRICES).collect().height == 12


def test_a_source_that_joins_or_leaves_the_list_remakes_the_table(tmp_path):
    one, other = fake("one"), fake("other", kinds=("tweets",))
    materialize(tmp_path, one)
    materialize(tmp_path, one, other, months=MONTHS)
    result, lake = materialize(tmp_path, one, months=MONTHS[1:])
    assert result.success
    assert lake.scan(TWEETS).collect()["source"].unique().to_list() == ["one"]


def test_history_before_the_first_day_is_counted(tmp_path):
    old = small_prices().with_columns(pl.col("session_date").dt.offset_by("-15y"))
    source = fake(bars=pl.concat([old, small_prices()]))
    result, _lake = materialize(tmp_path, source)
    assert result.success
    counted = metadata_of(result, "source", "fake")
    assert counted["cut_rows"] == 12
    assert counted["cut_history"] == (
        "12 rows before 2010-01-01 are not loaded, from 2009-11-25 to 2009-12-03"
    )


def test_one_month_alone_can_be_materialized_again(filled):
    before = {month: lake_file(filled, month).stat().st_mtime_ns for month in MONTHS}
    lake_file(filled, MONTHS[0]).unlink()
    result, lake = materialize(filled, months=MONTHS[:1])
    assert result.success
    assert lake.scan(PRICES, MONTHS[:1]).collect().height == 8
    assert lake_file(filled, MONTHS[1]).stat().st_mtime_ns == before[MONTHS[1]]


def lake_file(tmp_path, month):
    return Lake(tmp_path / "lake").path(PRICES, month)


def test_the_listing_is_kept_as_versions(filled):
    renamed = FakePriceSource(
        prices=small_prices().with_columns(source=pl.lit("x")), companies={"AAA": "Aardvark"}
    )
    source = Source("fake", KINDS, fake().texts, renamed)
    _result, lake = materialize(filled, source, as_of=AS_OF + timedelta(days=1))
    held = lake.scan(TICKERS).filter(ticker="AAA").collect()
    assert held.select("company", "valid_from").rows() == [
        (None, date(2024, 11, 25)),
        ("Aardvark", date(2024, 12, 4)),
    ]


def test_a_reader_of_a_month_that_was_never_written_is_refused(tmp_path):
    @dg.asset(ins={"prices": dg.AssetIn(["raw", "prices"])}, partitions_def=PARTITIONS)
    def reader(prices: pl.LazyFrame) -> None:
        prices.collect()

    materialize(tmp_path, months=MONTHS[1:])
    [raw] = [a for a in ingest_assets(fake()) if a.key == dg.AssetKey(["raw", "prices"])]
    result, _lake = materialize(tmp_path, assets=[reader, raw.to_source_assets()[0]])
    assert not result.success
    [failure] = [e for e in result.all_events if e.is_step_failure]
    assert "raw/prices lacks partition 2024-11-01" in failure.step_failure_data.error.to_string()


def test_every_partition_of_the_run_is_recorded(first, tmp_path):
    one_month, _lake = materialize(tmp_path, months=MONTHS[:1])
    for result, months in ((one_month, MONTHS[:1]), (first[1], MONTHS)):
        for node in ("raw__tweets", "source__fake"):
            events = result.asset_materializations_for_node(node)
            assert [event.partition for event in events] == list(months)
