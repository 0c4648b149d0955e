"""The report of a finished demo: its facts are those of the tables, known at its time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.defs.serving.reports import STRONGEST, analyst_reports
from finpulse_assets.domain.reporting.facts import Unit
from finpulse_assets.errors import ReportError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.reporting.report import keep, make_report, reader_of
from finpulse_assets.orchestration.reporting.write import problems
from finpulse_assets.schemas import DAILY_SIGNALS, OUT_OF_SAMPLE
from finpulse_assets.settings import Settings, load_settings

NOW = datetime(2024, 7, 1, tzinfo=UTC)


@pytest.fixture
def settings(demo_home: Path) -> Settings:
    return load_settings(home=demo_home)


def test_every_report_is_sound_and_each_fact_stands_in_its_table(settings):
    signals = Lake(settings.lake).scan(DAILY_SIGNALS).collect()
    for ticker in signals["ticker"].unique().sort():
        made = make_report(settings, ticker, now=NOW)
        assert problems(made.written.text, made.facts) == []
        own = signals.filter(ticker=ticker).row(0, named=True)
        for name in (
            "probability_up",
            "expected_return",
            "rank",
            "target_session_date",
            "return_lower",
            "return_upper",
            "abstain_reason",
        ):
            fact = made.facts.get(name)
            assert (fact.value if fact else None) == own[name], name
            assert fact is None or fact.row["predicted_at"] == own["predicted_at"]
        assert bool(made.facts.abstains) == (own["abstain_reason"] is not None)


def test_a_past_day_knows_nothing_later_and_ends_with_what_came(settings):
    rows = Lake(settings.lake).scan(OUT_OF_SAMPLE).filter(candidate="ranking").collect()
    day = rows["session_date"].unique().sort()[-5]
    as_of = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    ticker = rows["ticker"][0]
    made = make_report(settings, ticker, now=NOW, as_of=as_of)
    came = rows.filter(ticker=ticker, session_date=day).row(0, named=True)
    assert made.facts.get("came").value == came["return_next_session"]
    assert made.facts.get("session_date").value == day
    assert "## Review" in made.written.text.split("\n\n")[-2]
    assert "Nothing was proven" in made.written.text
    times = [fact.value for fact in made.facts.of(Unit.TIME)]
    assert all(at <= as_of for at in times)
    closes = reader_of(settings).known(ticker, now=NOW, as_of=as_of).closes
    assert closes["session_date"].max() == day
    assert problems(made.written.text, made.facts) == []


def test_a_ticker_without_signals_is_refused_with_those_that_have(settings):
    with pytest.raises(ReportError, match=r"no signal of NONE is known.*signals are there of: \w+"):
        make_report(settings, "NONE", now=NOW)


def test_the_pages_hold_the_report_and_load_nothing(settings, tmp_path):
    (ticker,) = reader_of(settings).strongest(1)
    made = make_report(settings, ticker, now=NOW)
    page = keep(made, tmp_path)
    assert {path.name.removeprefix(made.name) for path in tmp_path.iterdir()} == {
        ".html", ".md", ".json", "-closes.png", "-texts.png"
    }  # fmt: skip
    html = page.read_text()
    assert html.count("<img") == html.count("data:image/png;base64,") == 2
    assert "http://" not in html.replace("http://t.co", "")
    assert f"]({made.name}-closes.png)" in (tmp_path / f"{made.name}.md").read_text()
    facts = json.loads((tmp_path / f"{made.name}.json").read_text())
    assert all(fact["table"] and fact["row"] for fact in facts["facts"])


def test_the_asset_reports_on_the_strongest_signals(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("finpulse_assets.defs.serving.reports.FOLDER", tmp_path)
    done = dg.materialize([analyst_reports], resources={"settings": settings, "now": lambda: NOW})
    assert done.success
    signals = Lake(settings.lake).scan(DAILY_SIGNALS).collect()
    strength = (pl.col("probability_up") - 0.5).abs()
    strongest = signals.sort(strength, "ticker", descending=[True, False])["ticker"].head(STRONGEST)
    found = {path.name.split("-2")[0] for path in tmp_path.glob("*.html")}
    assert found == set(strongest)
