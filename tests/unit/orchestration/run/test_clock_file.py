"""The clock file: ticks and status read how far the sources reached, and never a source."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from finpulse_assets.defs.monitoring.alerts import alerts
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.protocols import Extent
from finpulse_assets.gateways.sources.source import Source, Sources
from finpulse_assets.orchestration.automation.schedule import after_close_schedule
from finpulse_assets.orchestration.run.clock_file import (
    CLOCK_FILE,
    data_due,
    data_to_run,
    noted_clock,
)
from finpulse_assets.orchestration.run.resources import alert_sender, begin_run
from finpulse_assets.settings import Settings, load_settings

NOW = datetime(2024, 3, 12, 20, 30, tzinfo=UTC)
OPEN, CLOSE = datetime(2015, 1, 2, 14, 30, tzinfo=UTC), datetime(2015, 9, 30, 20, tzinfo=UTC)
DECISION = datetime(2015, 9, 30, 20, 15, tzinfo=UTC)


class Counted:
    """A source that says how far it reaches, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def extent(self) -> Extent:
        self.asked += 1
        return Extent(OPEN, CLOSE)


def listed(source: Counted) -> Sources:
    return Sources((Source("files", ("prices", "tweets"), source, source),))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a home that a run has read, from a file of prices."""
    prices = tmp_path / "prices.csv"
    prices.write_text("ticker\n")
    settings = load_settings(home=tmp_path / "home", profile="files", prices_path=prices)
    source = Counted()
    begin_run(settings, listed(source), now=lambda: NOW)
    assert source.asked == 2, "as texts and as prices, once each"
    return settings


def test_a_run_notes_what_its_sources_reach(settings):
    noted = noted_clock(settings)
    assert (noted.as_of, noted.data_until, noted.start_date) == (
        DECISION, DECISION, date(2015, 1, 2),
    )  # fmt: skip
    assert '"last": "2015-09-30T20:00:00+00:00"' in (settings.root / CLOCK_FILE).read_text()


def test_files_are_due_up_to_their_end_and_simulated_or_fetched_data_up_to_now(settings, tmp_path):
    assert data_due(settings, NOW) == DECISION
    for profile in ("demo", "live"):
        assert data_due(load_settings(home=tmp_path, profile=profile), NOW) == NOW
    past = load_settings(home=tmp_path, profile="live", as_of="2020-01-02")
    assert data_due(past, NOW) == datetime(2020, 1, 2, 23, 59, 59, tzinfo=UTC)


def test_before_the_first_run_nothing_is_due_and_a_run_may_find_anything(tmp_path):
    unread = load_settings(home=tmp_path, profile="files", prices_path=tmp_path / "none.csv")
    assert data_due(unread, NOW) is None
    assert data_to_run(unread, NOW) == NOW


def test_files_that_changed_since_the_last_run_are_worth_another(settings):
    assert data_to_run(settings, NOW) == DECISION
    newer = settings.prices_path.stat().st_mtime + 60
    os.utime(settings.prices_path, (newer, newer))
    assert data_to_run(settings, NOW) == NOW
    assert data_due(settings, NOW) == DECISION, "what is in them is known after the run only"


def test_a_file_added_to_a_folder_or_a_glob_is_a_change(tmp_path):
    for name, path in (("folder", tmp_path / "data"), ("glob", tmp_path / "data" / "*.csv")):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / "a.csv").write_text("ticker\n")
        given = load_settings(home=tmp_path / name, profile="files", prices_path=path)
        source = Counted()
        begin_run(given, listed(source), now=lambda: NOW)
        added = tmp_path / "data" / f"{name}.csv"
        added.write_text("ticker\n")
        later = added.stat().st_mtime + 60
        os.utime(added, (later, later))
        assert data_to_run(given, NOW) == NOW


def test_a_clock_file_that_cannot_be_read_is_a_sentence(settings):
    (settings.root / CLOCK_FILE).write_text('{"as_of": "noon"}')
    with pytest.raises(SettingError, match=r"clock\.json cannot be read: .*Hint: delete it"):
        noted_clock(settings)


def refuse(*_: object) -> None:
    raise AssertionError("a tick has asked a source")


def test_no_tick_of_the_alerts_or_the_schedule_asks_a_source(settings, monkeypatch):
    for source in (FilePriceSource, FileTextSource):
        monkeypatch.setattr(source, "extent", refuse)
        monkeypatch.setattr(source, "__init__", refuse)
    with dg.DagsterInstance.ephemeral() as instance:
        resources = {
            "settings": settings,
            "lake": Lake(settings.lake),
            "models": ModelStore(settings.models / "price"),
            "now": lambda: NOW,
            "alert_sender": alert_sender(settings),
        }
        context = dg.build_sensor_context(
            instance=instance,
            repository_def=dg.Definitions().get_repository_def(),
            resources=resources,
        )
        # Prices, features and signals lack the session at which the files end.
        assert alerts(context).skip_message.startswith("3 open, 3 new")
        everything = dg.AssetSelection.all()
        job = dg.define_asset_job("job", selection=everything)
        schedule = after_close_schedule(job, daily=everything, delay=DECISION - CLOSE)
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=NOW,
            resources=resources,
        )
        assert "end on 2015-09-30 20:15 UTC, before the session 2024-03-12" in (
            schedule(context).skip_message
        )
