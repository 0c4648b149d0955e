"""The list of sources: names, order, and what is not configured."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.orchestration.run import sources as module
from finpulse_assets.orchestration.run.sources import (
    build_sources,
    configured_sources,
    listed_sources,
    planted_sentence,
    sources_of,
)
from finpulse_assets.settings import load_settings


@pytest.mark.parametrize(
    ("profile", "names"), [("demo", ["simulator"]), ("files", ["files"]), ("live", ["yahoo"])]
)
def test_a_profile_has_its_own_source(profile, names):
    assert [source.name for source in listed_sources(load_settings(profile=profile))] == names


def test_a_simulated_market_says_how_large_its_planted_effect_is(tmp_path):
    said = planted_sentence(load_settings(home=tmp_path, simulator_effect=0.4))
    assert said.endswith("an opinion of one deviation moves the next session by 0.4 deviations.")
    both = load_settings(home=tmp_path, simulator_effect=0.4, simulator_market_effect=1)
    assert planted_sentence(both).endswith(
        ", and the mood of all tickers of one deviation moves the next session by 1 deviations."
    )
    none = planted_sentence(load_settings(home=tmp_path, simulator_effect=0))
    assert none == "The market is simulated, and no effect is planted in it."
    files = {"profile": "files", "prices_path": tmp_path / "p"}
    assert planted_sentence(load_settings(home=tmp_path, **files)) is None


def test_the_list_is_an_order(tmp_path):
    given = {"home": tmp_path, "sources": " Files, simulator,files", "prices_path": tmp_path / "p"}
    settings = load_settings(**given)
    assert sources_of(settings, "prices") == ["files", "simulator"]
    assert sources_of(settings, "tweets") == ["simulator"]
    assert [source.name for source in build_sources(settings).members] == ["files", "simulator"]


def test_a_name_that_is_no_source_is_named_with_its_nearest():
    with pytest.raises(SettingError, match=r"names 'simulater', which is no source.*simulator"):
        listed_sources(load_settings(sources="simulater"))


def test_a_source_that_is_not_configured_is_left_out_and_says_why(tmp_path):
    settings = load_settings(home=tmp_path, sources="simulator,files")
    assert [source.name for source in configured_sources(settings)] == ["simulator"]
    absent = module.KNOWN["files"].absence(settings)
    assert "FINPULSE_PRICES_PATH is not set" in absent


def test_without_a_source_of_prices_there_is_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(SettingError, match=r"no source of prices.*needs the package yfinance"):
        build_sources(load_settings(home=tmp_path, profile="live"))


def test_settings_say_how_files_write_days_and_times(tmp_path):
    (tmp_path / "p.csv").write_text(
        "date,symbol,open,high,low,close,volume\n05/02/2024,T,44,88,22,44,7\n"
    )
    (tmp_path / "T.csv").write_text(
        "time,open,high,low,close,volume\n2024-05-02 09:30:00,44,88,22,44,7\n"
    )
    settings = load_settings(
        home=tmp_path, sources="files", prices_path=tmp_path / "p.csv",
        bars_1m_path=tmp_path / "T.csv", day_order="dmy", bars_timezone="America/New_York",
    )  # fmt: skip
    [source] = build_sources(settings).members
    span = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    assert source.ask("prices", *span)["session_date"].to_list() == [date(2024, 2, 5)]
    [month] = source.minutes.bars_1m(*span)
    assert month.bars["bar_at"].to_list() == [datetime(2024, 5, 2, 13, 30, tzinfo=UTC)]
