"""Settings: where a value comes from, what it becomes, and the sentence when it cannot be used."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.settings import Profile, Settings, load_settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Run in an empty folder without any FINPULSE_ variable."""
    for name in [name for name in os.environ if name.startswith("FINPULSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_demo(tmp_path):
    settings = load_settings()
    assert settings.profile is Profile.DEMO
    assert settings.root == tmp_path / ".finpulse" / "demo"
    assert settings.lake == settings.root / "lake"
    assert settings.warehouse == settings.root / "finpulse.duckdb"
    assert settings.models == settings.root / "models"
    assert settings.tracking_uri == f"sqlite:///{settings.root}/mlflow.db"
    assert settings.as_of is None


def test_each_profile_has_its_own_folder(tmp_path):
    roots = {load_settings(profile=profile, home=tmp_path / "h").root for profile in Profile}
    assert roots == {tmp_path / "h" / name for name in ("demo", "files", "live")}


def test_the_environment_wins_over_the_file_and_overrides_over_both(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(
        "# a comment\nFINPULSE_FOLDS=3\nFINPULSE_RESAMPLES=200\n"
        "FINPULSE_SIMULATOR_SEED=9\nOTHER=1\n"
    )
    monkeypatch.setenv("FINPULSE_RESAMPLES", "300")
    monkeypatch.setenv("FINPULSE_SIMULATOR_SEED", "8")
    settings = load_settings(simulator_seed=5, folds=None)
    assert (settings.folds, settings.resamples, settings.simulator_seed) == (3, 300, 5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2015-09-30", datetime(2015, 9, 30, 23, 59, 59, tzinfo=UTC)),
        (" 2015-09-30 ", datetime(2015, 9, 30, 23, 59, 59, tzinfo=UTC)),
        ("20150930", datetime(2015, 9, 30, 23, 59, 59, tzinfo=UTC)),
        (date(2015, 9, 30), datetime(2015, 9, 30, 23, 59, 59, tzinfo=UTC)),
        ("2015-09-30T20:15", datetime(2015, 9, 30, 20, 15, tzinfo=UTC)),
        ("2015-09-30 20:15:00.5", datetime(2015, 9, 30, 20, 15, 0, 500_000, tzinfo=UTC)),
        ("2015-09-30T20:15:00Z", datetime(2015, 9, 30, 20, 15, tzinfo=UTC)),
        ("2015-09-30T16:15-04:00", datetime(2015, 9, 30, 20, 15, tzinfo=UTC)),
        (datetime(2015, 9, 30, 20, 15), datetime(2015, 9, 30, 20, 15, tzinfo=UTC)),
    ],
)
def test_as_of_is_a_utc_time_or_the_end_of_a_day(given, expected):
    as_of = load_settings(as_of=given).as_of
    assert as_of == expected
    assert as_of.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AS_OF", "2015", "FINPULSE_AS_OF is '2015': it should be a day or a time such as 2015-09"),
        ("AS_OF", "30.09.2015", "FINPULSE_AS_OF is '30.09.2015': it should be a day or a time"),
        ("PROFILE", "prod", "FINPULSE_PROFILE is 'prod': .*'demo', 'files' or 'live'"),
        ("FOLDS", "0", "FINPULSE_FOLDS is '0': .*greater than or equal to 1. Hint: .*walk-forward"),
        ("FOLDS", "five", "FINPULSE_FOLDS is 'five': .*valid integer"),
        ("MAX_BAD_ROW_SHARE", "5", "FINPULSE_MAX_BAD_ROW_SHARE is '5': .*less than or equal to 1"),
        ("DECISION_DELAY_MINUTES", "361", "FINPULSE_DECISION_DELAY_MINUTES is '361': .* 360"),
        ("DEVICE", "tpu", "FINPULSE_DEVICE is 'tpu': .*auto.cpu.cuda"),
        ("START_DATE", "June", "FINPULSE_START_DATE is 'June': .*date"),
        ("TICKERS", " , ", "FINPULSE_TICKERS is ' , ': it should name at least one symbol. Hint: "),
        ("TICKERS", " , ", "FINPULSE_TICKERS is ' , ': it should name at least one symbol"),
    ],
)
def test_a_wrong_value_is_one_sentence(monkeypatch, name, value, sentence):
    monkeypatch.setenv(f"FINPULSE_{name}", value)
    with pytest.raises(SettingError, match=sentence) as caught:
        load_settings()
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("FINPULSE_HUB_TOKEN", "hunter2")
    settings = load_settings()
    assert settings.hub_token.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    with pytest.raises(SettingError, match="FINPULSE_HUB_TOKEN is set: ") as caught:
        load_settings(hub_token=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_secrets_are_marked_as_such():
    """The words of an error hide a value by this mark."""
    secret = {name for name, f in Settings.model_fields.items() if "Secret" in str(f.annotation)}
    marked = {name for name, f in Settings.model_fields.items() if "secret" in f.description}
    keys = {"alphavantage_key", "finnhub_key", "newsapi_key", "stooq_key", "oanda_token", "x_token"}
    keys |= {"reddit_client_secret"}
    keys |= {
        "hub_token",
        "alert_urls",
        "heartbeat_url",
        "service_key",
        "online_store",
        "kafka_options",
        "report_key",
    }
    assert secret == marked == keys


def test_tickers_are_upper_case_and_named_once(monkeypatch):
    monkeypatch.setenv("FINPULSE_TICKERS", " aapl, MSFT,,brk-b ,AAPL ")
    assert load_settings().ticker_list == ["AAPL", "MSFT", "BRK-B"]


def test_every_setting_says_what_it_means():
    assert all(field.description for field in Settings.model_fields.values())


def test_a_home_may_be_absolute(tmp_path):
    assert load_settings(home=Path("here")).root == tmp_path / "here" / "demo"
    assert load_settings(home=tmp_path / "there").root == tmp_path / "there" / "demo"


def test_a_tracking_server_stands_as_given(monkeypatch):
    monkeypatch.setenv("FINPULSE_MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert load_settings().tracking_uri == "http://mlflow:5000"


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("FINPULSE_TWEETS_PATH", "")
    monkeypatch.setenv("FINPULSE_AS_OF", "")
    settings = load_settings()
    assert settings.tweets_path is None
    assert settings.as_of is None


def test_a_misspelt_variable_is_named_with_its_neighbour(monkeypatch):
    monkeypatch.setenv("FINPULSE_PROFIL", "files")
    with pytest.raises(SettingError, match=r"FINPULSE_PROFIL is no setting.*mean FINPULSE_PROFILE"):
        load_settings()


def test_zones_and_orders_are_checked_by_name():
    assert load_settings(bars_timezone=" Europe/Athens ").bars_timezone == "Europe/Athens"
    assert load_settings(day_order="dmy").day_order == "dmy"
    with pytest.raises(SettingError, match="FINPULSE_BARS_TIMEZONE is 'New York': it should be an"):
        load_settings(bars_timezone="New York")
    with pytest.raises(SettingError, match="FINPULSE_DAY_ORDER is 'ymd'"):
        load_settings(day_order="ymd")


def test_options_of_the_kafka_client_are_read_by_name(monkeypatch):
    assert load_settings().client_options == {}
    monkeypatch.setenv("FINPULSE_KAFKA_OPTIONS", "security.protocol=SASL_SSL, sasl.password=a=b")
    options = {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    assert load_settings().client_options == options
    monkeypatch.setenv("FINPULSE_KAFKA_OPTIONS", "hunter2")
    with pytest.raises(SettingError, match="it should be name=value") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)
