"""`finpulse run --profile live` fills the graph from vendors on loopback, by base URLs alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import (
    BARS_1M,
    DAILY_SIGNALS,
    HEADLINES,
    HOLDINGS,
    LISTINGS,
    OPTIONS,
    PRICES,
    TEXT_SENTIMENT,
    TICKERS,
    TWEETS,
    requests_table,
)
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.deployed import vendor_settings
from tests.fakes.vendors.server import Clock, Vendors, running
from tests.integration.graph_cli import SMALL, finpulse, give_sentiment_model

COMPANIES = {
    "AAPL": "Apple", "AMZN": "Amazon", "BRK-B": "Berkshire", "MSFT": "Microsoft", "TSLA": "Tesla",
}  # fmt: skip
SOURCES = (
    "stooq,nasdaqtrader,edgar,edgar13f,yahoo_options,alphavantage,finnhub,newsapi,rss,gdelt,x,"
    "reddit,oanda,binance"
)
HISTORY = timedelta(days=230)
# Rates are kept, so that what is asked for is what a minute or two allow.
SHORT = {
    "alphavantage_gives": "headlines",
    "finnhub_days": "20",
    "gdelt_hours": "1",
    "oanda_days": "1",
    "binance_days": "1",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, trained_model: Path) -> Iterator[Path]:
    """The home of a finished live run, its report in `report.json`."""
    now = system_now()
    corpus = Corpus((now - HISTORY).date(), now.date(), COMPANIES, a_day=2)
    home = give_sentiment_model(trained_model, tmp_path_factory.mktemp("live"), "live")
    with running(Vendors(corpus, Clock(now), has_rates=False)) as vendors:
        settings = {
            f"FINPULSE_{name.upper()}": value
            for name, value in (vendor_settings(vendors) | SHORT).items()
        }
        start = (now - HISTORY).date().isoformat()
        chosen = {"FINPULSE_SOURCES": SOURCES, "FINPULSE_START_DATE": start}
        small = {name: value for name, value in SMALL.items() if name != "FINPULSE_AS_OF"}
        done = finpulse(
            home, "run", "--profile", "live", "--json", settings=small | settings | chosen
        )
    assert done.returncode == 0, done.stderr
    (home / "report.json").write_text(done.stdout)
    (home / "stderr.txt").write_text(done.stderr)
    return home


def test_the_run_fills_the_graph(live):
    lake = Lake(live / "live" / "lake")
    report = json.loads((live / "report.json").read_text())
    assert {row["ticker"] for row in report["signals"]} <= set(COMPANIES)
    assert lake.scan(DAILY_SIGNALS).collect().height >= 1
    assert lake.scan(TEXT_SENTIMENT).collect().height > 100
    prices = lake.scan(PRICES).collect()
    assert prices["source"].unique().to_list() == ["stooq"]
    assert set(prices["ticker"]) == set(COMPANIES)
    given = {
        table.name: set(lake.scan(table).collect()["source"].unique())
        for table in (TWEETS, HEADLINES)
    }
    assert given[TWEETS.name] == {"x", "reddit"}
    expected = {"edgar", "alphavantage", "finnhub", "newsapi", "rss"}
    assert given[HEADLINES.name] >= expected  # GDELT's hour may have had no story
    assert set(lake.scan(BARS_1M).collect()["ticker"]) == {"EUR_USD", "BTCUSDT"}


def test_the_universe_holdings_and_chains_are_there(live):
    lake = Lake(live / "live" / "lake")
    assert set(lake.scan(LISTINGS).collect()["source"]) == {"nasdaqtrader", "edgar"}
    assert set(lake.scan(OPTIONS).collect()["ticker"]) == set(COMPANIES)
    tickers = lake.scan(TICKERS).collect()
    assert tickers["sector"].null_count() == tickers["company"].null_count() == 0
    held = lake.scan(HOLDINGS).collect()
    assert held.filter(pl.col("knowledge_time").dt.date() <= pl.col("report_date")).is_empty()
    with duckdb.connect(str(live / "live" / "finpulse.duckdb"), read_only=True) as warehouse:
        universe = warehouse.sql("select ticker from dim_listings where is_listed").pl()
        known = warehouse.sql(
            "select count(institution_holder_share), count(*) from fct_daily_features"
        ).fetchall()
    assert set(universe["ticker"]) == set(COMPANIES)
    assert 0 < known[0][0] < known[0][1]  # before the first acceptance there is nothing


def test_every_source_has_answered(live):
    lake = Lake(live / "live" / "lake")
    for name in SOURCES.split(","):
        asked = lake.scan(requests_table(name)).collect()
        assert set(asked["status"]) == {"answered"}, asked.select("kind", "status", "problem")


def test_no_secret_stands_in_what_a_run_leaves(live):
    secrets = [f"secret-of-{name}-7461".encode() for name in SOURCES.split(",")]
    for path in (path for path in live.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path


def test_texts_are_known_when_they_were_told(live):
    """The first run of a source takes its archive at its word."""
    texts = Lake(live / "live" / "lake").scan(HEADLINES).collect()
    assert texts.filter(pl.col("knowledge_time") < pl.col("event_time")).is_empty()
    assert texts["event_time"].min() > datetime(2020, 1, 1, tzinfo=UTC)
