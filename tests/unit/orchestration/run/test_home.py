"""A home holds one data set, read forward in time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.home import claim_home, with_remembered_files
from finpulse_assets.schemas import COVERAGE, source_table
from finpulse_assets.settings import load_settings

AS_OF = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
CLOCK = RunClock(AS_OF, date(2024, 6, 1))
MOMENT = timedelta(microseconds=1)


def test_the_same_data_set_is_welcome_again(tmp_path):
    for effect in (0.6, 0.6):
        claim_home(load_settings(home=tmp_path, simulator_effect=effect), CLOCK)
    assert (tmp_path / "demo" / "home.json").exists()


def test_another_data_set_is_refused(tmp_path):
    claim_home(load_settings(home=tmp_path, simulator_effect=0.6), CLOCK)
    with pytest.raises(SettingError, match=r"simulator_effect 0\.6.*simulator_effect 0\.0.*--home"):
        claim_home(load_settings(home=tmp_path, simulator_effect=0), CLOCK)


def test_a_home_older_than_a_planted_market_effect_has_none(tmp_path):
    claim_home(load_settings(home=tmp_path), CLOCK)
    path = tmp_path / "demo" / "home.json"
    held = json.loads(path.read_text())
    del held["sources"]["simulator"]["simulator_market_effect"]
    write_json(path, held)
    with pytest.raises(SettingError, match=r"simulator_market_effect 1\.0"):
        claim_home(load_settings(home=tmp_path, simulator_market_effect=1), CLOCK)
    claim_home(load_settings(home=tmp_path), CLOCK)


def test_a_longer_market_is_the_same_market(tmp_path):
    claim_home(load_settings(home=tmp_path, simulator_sessions=100), CLOCK)
    claim_home(load_settings(home=tmp_path, simulator_sessions=200), CLOCK)


def test_a_home_that_knows_more_refuses_to_look_back(tmp_path):
    settings = load_settings(home=tmp_path)
    lake, tweets = Lake(settings.lake), source_table("simulator", "tweets")
    lake.append(tweets, tweets.empty(), ["2024-06-01"])
    span = {"ticker": "A", "month": "2024-06-01", "first_at": AS_OF, "last_at": AS_OF + MOMENT}
    lake.cover(tweets, pl.DataFrame([span], schema=COVERAGE.polars_schema))
    claim_home(settings, CLOCK)
    earlier = RunClock(AS_OF - timedelta(days=3), date(2024, 6, 1))
    with pytest.raises(
        SettingError, match=r"was read up to 2024-06-28 20:15.*as-of time 2024-06-25"
    ):
        claim_home(settings, earlier)


def test_files_are_remembered(tmp_path):
    given = load_settings(
        home=tmp_path, profile="files", prices_path=tmp_path / "p.csv", tweets_path=tmp_path / "t"
    )
    claim_home(given, CLOCK)
    again = with_remembered_files(load_settings(home=tmp_path, profile="files"))
    assert again.prices_path == tmp_path / "p.csv"
    assert again.tweets_path == tmp_path / "t"
    assert again.headlines_path is None
    claim_home(again, CLOCK)


def test_a_home_of_an_earlier_version_is_refused_in_one_sentence(tmp_path):
    settings = load_settings(home=tmp_path)
    write_json(settings.root / "source.json", {"simulator_seed": "7"})
    with pytest.raises(
        SettingError, match=r"was made by another version of FinPulse.*set FINPULSE_HOME.*--home"
    ):
        claim_home(settings, CLOCK)


def test_a_source_may_join_and_none_may_become_another(tmp_path):
    claim_home(load_settings(home=tmp_path), CLOCK)
    prices = tmp_path / "p.csv"
    both = {"home": tmp_path, "sources": "simulator,files", "prices_path": prices}
    claim_home(load_settings(**both), CLOCK)
    with pytest.raises(SettingError, match=r"prices_path .*p\.csv.*prices_path .*q\.csv"):
        claim_home(load_settings(**{**both, "prices_path": tmp_path / "q.csv"}), CLOCK)


def test_how_the_files_write_times_is_part_of_the_data_set(tmp_path):
    files = {"home": tmp_path, "profile": "files"}
    given = load_settings(**files, prices_path=tmp_path / "p.csv", bars_timezone="America/New_York")
    claim_home(given, CLOCK)
    again = with_remembered_files(load_settings(**files))
    assert (again.bars_timezone, again.day_order) == ("America/New_York", None)
    other = load_settings(**files, prices_path=tmp_path / "p.csv", bars_timezone="Europe/London")
    with pytest.raises(SettingError, match="bars_timezone America/New_York, this run's is bars_t"):
        claim_home(other, CLOCK)


def test_a_zone_that_a_refusal_asked_for_may_be_stated(tmp_path):
    files = {"home": tmp_path, "profile": "files", "prices_path": tmp_path / "p.csv"}
    claim_home(load_settings(**files), CLOCK)
    claim_home(load_settings(**files, bars_timezone="America/New_York"), CLOCK)
    with pytest.raises(
        SettingError, match=r"bars_timezone America/New_York, this run's is .* None"
    ):
        claim_home(load_settings(**files), CLOCK)
