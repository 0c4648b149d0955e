"""The alerts' sensor, its state and its heartbeat, also where a file or a process fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from finpulse_assets.cli.status_report import automation_status
from finpulse_assets.defs.monitoring.alerts import alerts
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.orchestration.alerting import tick as alerting
from finpulse_assets.orchestration.run.resources import alert_sender
from finpulse_assets.settings import load_settings
from tests.integration.alert_platform import (
    DEFS,
    FRIDAY,
    RUNBOOKS,
    Platform,
    decide,
    drift,
    fail_run,
    platform_in,
)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with platform_in(tmp_path) as made:
        yield made


def sensor_tick(platform: Platform, **settings: object) -> str:
    made = load_settings(home=platform.settings.home, as_of=FRIDAY, **settings)
    context = dg.build_sensor_context(
        instance=platform.instance,
        repository_def=DEFS.get_repository_def(),
        resources={
            "settings": made,
            "lake": platform.lake,
            "models": platform.models,
            "now": lambda: platform.at,
            "alert_sender": alert_sender(made),
        },
    )
    return alerts(context).skip_message


def test_the_sensor_notifies_pings_and_writes_its_heartbeat(platform):
    decide(platform, "m1", promoted=True)
    done = sensor_tick(
        platform,
        alert_urls=platform.http.url,
        heartbeat_url=platform.http.ping_url,
        runbook_url=RUNBOOKS,
    )
    assert done == "0 open, 1 new, 1 delivered, 0 waiting"
    assert f"{RUNBOOKS}/promotion.md" in platform.http.received[0].body
    assert platform.http.pings == ["/alive"]
    assert platform.store.heartbeat() is not None


def test_the_sensor_needs_no_destination_and_lives_through_a_bad_one(platform):
    decide(platform, "m1", promoted=True)
    assert sensor_tick(platform, alert_urls="") == "0 open, 1 new, 0 delivered, 0 waiting"
    decide(platform, "m2", promoted=True)
    bad = f"nonsense://token,{platform.http.url}"
    assert sensor_tick(platform, alert_urls=bad, heartbeat_url="nowhere") == (
        "0 open, 1 new, 1 delivered, 1 waiting"
    )
    platform.models.history_path.write_text("{")
    assert sensor_tick(platform).startswith("0 open, 0 new")


def test_a_state_that_cannot_be_written_sends_nothing_and_writes_no_heartbeat(
    platform, monkeypatch
):
    before = platform.store.heartbeat()

    def refuse(self: AlertStore, state: object) -> None:
        raise LakeError("the disk is full")

    drift(platform, begins=True)
    monkeypatch.setattr(AlertStore, "save", refuse)
    with pytest.raises(LakeError, match="the disk is full"):
        platform.tick()
    assert platform.http.received == []
    assert platform.store.heartbeat() == before
    monkeypatch.undo()
    assert platform.tick().sent == 2


def test_a_process_killed_after_sending_sends_again_after_the_back_off(platform, monkeypatch):
    drift(platform, begins=True)
    monkeypatch.setattr(alerting, "delivered", _killed)
    with pytest.raises(KeyboardInterrupt):
        platform.tick()
    monkeypatch.undo()
    assert platform.tick().sent == 1, "the mail; the webhook waits for its back-off"
    platform.at += timedelta(seconds=30)
    assert platform.tick().sent == 1
    ids = [m.body.rsplit("message: ", 1)[1] for m in platform.http.received]
    assert len(ids) == 2
    assert ids[0] == ids[1]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_without_apprise_the_sentence_says_what_to_install(platform, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    drift(platform, begins=True)
    tick = platform.tick()
    assert "apprise is not installed. Hint: pip install 'finpulse[monitoring]'" in tick.problems[0]
    assert (tick.sent, tick.waiting) == (0, 2)


def test_status_names_a_silent_automation_and_what_is_open(platform):
    platform.http.status = 500
    drift(platform, begins=True)
    platform.tick()
    fresh = automation_status(platform.settings, platform.at)
    (alert,) = fresh["open_alerts"]
    assert (alert["alert"], alert["severity"]) == ("drift:features", "warning")
    assert (fresh["last_seen"], fresh["undelivered"]) == (platform.at, 1)
    late = automation_status(platform.settings, platform.at + timedelta(minutes=11))
    assert "11 min ago, the limit is 10 min. Hint: start it" in late["error"]
    early = automation_status(platform.settings, platform.at - timedelta(hours=2))
    assert "2 h ahead of this clock: a clock was moved. Hint: " in early["error"]
    platform.store.heartbeat_path.unlink()
    assert automation_status(platform.settings, platform.at) == {}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("state.json", "{", "state.json cannot be read: .*Hint: delete it; what is open now"),
        ("state.json", '{"open": [{}]}', "state.json cannot be read: KeyError"),
        ("heartbeat.json", '{"at": "noon"}', "heartbeat.json cannot be read: ValueError"),
        ("heartbeat.json", '{"at": "2024-03-04T12:00"}', "has no zone"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, name, content, sentence):
    store = AlertStore(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(LakeError, match=sentence):
        store.load() if name == "state.json" else store.heartbeat()


def test_the_state_comes_back_as_it_was(platform):
    platform.http.status = 500
    fail_run(platform, begins=True)
    decide(platform, "m1", promoted=True)
    platform.tick()
    state = platform.store.load()
    assert len(state.outbox) == 2
    platform.store.save(state)
    assert platform.store.load() == state
    assert json.loads(platform.store.state_path.read_text())["decisions"] == {"promotion": "m1"}
