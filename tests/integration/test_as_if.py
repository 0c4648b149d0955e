"""A day of a ticker in a finished demo: what was known, what was said, what came."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.as_if import AsIf, as_if
from finpulse_assets.schemas import DAILY_SIGNALS, HEADLINES, TWEETS

LAST_SESSION, EARLIER = date(2024, 6, 28), date(2024, 6, 20)


@pytest.fixture
def lake(demo_home) -> Lake:
    return Lake(demo_home / "demo" / "lake")


@pytest.fixture
def warehouse(demo_home) -> Warehouse:
    return Warehouse(demo_home / "demo" / "finpulse.duckdb")


@pytest.fixture
def ticker(lake) -> str:
    return lake.scan(DAILY_SIGNALS).collect().sort("rank")["ticker"][0]


def test_it_shows_the_texts_that_were_known_at_the_decision(lake, warehouse, ticker):
    def known(day: date) -> tuple[AsIf, pl.DataFrame]:
        columns = ["text_id", "source", "knowledge_time", "session_date", "text"]
        of_lake = pl.concat(
            lake.scan(table).filter(ticker=ticker).select(columns) for table in (TWEETS, HEADLINES)
        ).collect()
        first = of_lake.sort("knowledge_time").unique(["source", "text_id"], keep="first")
        return as_if(warehouse, lake, ticker, day), first.filter(session_date=day)

    found = [known(day) for day in (EARLIER, LAST_SESSION)]
    assert sum(it.texts.height for it, _ in found) > 0
    for it, expected in found:
        assert sorted(it.texts["text"]) == sorted(expected["text"])
        assert (it.texts["knowledge_time"] <= it.decision_at).all()
        assert (it.texts["event_time"] <= it.texts["knowledge_time"]).all()


def test_it_shows_each_feature_with_its_place_among_the_tickers(lake, warehouse, ticker):
    found = as_if(warehouse, lake, ticker, EARLIER)
    rows = warehouse.query("select * from fct_daily_features where session_date = ?", [EARLIER])
    own = rows.filter(ticker=ticker)
    for name in ("return_1d", "sentiment_mean"):
        (shown,) = found.features.filter(feature=name).to_dicts()
        assert shown["value"] == own[name][0]
        known = rows[name].drop_nulls().drop_nans()
        place = ((known < shown["value"]).sum() + (known == shown["value"]).sum() / 2) / len(known)
        assert shown["place"] == pytest.approx(place)
    unknown = found.features.filter(pl.col("value").is_null())
    assert unknown["place"].null_count() == unknown.height
    assert found.tickers == rows.height


def test_it_shows_what_was_said_and_what_came(lake, warehouse, ticker):
    before, last = (as_if(warehouse, lake, ticker, day) for day in (EARLIER, LAST_SESSION))
    said = lake.scan(DAILY_SIGNALS).filter(ticker=ticker, session_date=LAST_SESSION).collect()
    assert last.signals.drop("is_current").equals(said)
    assert last.signals["is_current"].to_list() == [True]
    assert last.outcome is None
    assert before.signals.is_empty()
    came = warehouse.query("select * from fct_training_set where session_date = ?", [EARLIER])
    own = came.filter(ticker=ticker)["return_next_session"][0]
    assert before.outcome["return_next_session"] == own
    below = (came["return_next_session"] < own).sum()
    assert before.outcome["place"] == pytest.approx((below + 0.5) / came.height)


def test_the_command_prints_it_and_gives_all_as_json(demo_home, ticker):
    arguments = ["as-if", ticker.lower(), str(LAST_SESSION), "--home", str(demo_home)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    for part in (f"{ticker} on 2024-06-28", "Known: ", "Said: 1 version", "Came: nothing yet"):
        assert part in shown.output
    report = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert len(report["features"]) > 150
    assert report["signals"][0]["ticker"] == ticker


@pytest.mark.parametrize(
    ("asked", "day", "said"),
    [
        ("QQQQQ", LAST_SESSION, "QQQQQ has no features on 2024-06-28, .* the nearest are "),
        ("QQQQQ", date(2024, 6, 29), "no ticker has features on 2024-06-29. Hint: sessions go"),
    ],
)
def test_what_is_not_there_is_said(lake, warehouse, asked, day, said):
    with pytest.raises(SettingError, match=said):
        as_if(warehouse, lake, asked, day)
