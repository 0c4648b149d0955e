"""`finpulse alerts`: the open ones, and who sees to them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.domain.monitoring.alert import Alert, Kind, Severity
from finpulse_assets.domain.monitoring.alert_state import AlertState, Observation, advance
from finpulse_assets.errors import AlertError, SettingError
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.settings import load_settings

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
STALE = Alert(Kind.ASSET_STALE, "raw/prices", "lacks [2]", NOON, Severity.WARNING, "x", size=2)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AlertStore:
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    store = AlertStore(load_settings().alerts)
    state, _ = advance(AlertState(), Observation(conditions=(STALE,)), ["d"], NOON)
    with store.claimed():
        store.save(state)
    return store


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["alerts", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_an_alert_is_listed_acknowledged_and_listed_again(store):
    assert f"{STALE.alert_id}  warning" in said()
    assert "lacks [2]" in said()
    assert "is acknowledged until" in said("ack", STALE.alert_id, "--for", "2d")
    assert "1 d 23 h more" in said()
    (listed,) = json.loads(said("--json"))["alerts"]
    assert listed["id"] == STALE.alert_id
    until = store.load().open[STALE.key].acknowledged_until
    assert timedelta(days=1.9) < until - datetime.now(UTC) < timedelta(days=2)


def test_an_empty_list_says_so(store):
    with store.claimed():
        store.save(AlertState())
    assert said() == "no alert is open\n"


@pytest.mark.parametrize("length", ["2", "d", "0d", "61d", "-1h", "2 d", "1y"])
def test_a_length_that_is_none_is_refused(store, length):
    with pytest.raises(SettingError, match="no length of time up to 60 days"):
        said("ack", STALE.alert_id, f"--for={length}")


def test_an_acknowledgement_waits_for_an_evaluator_and_then_says_so(store):
    with store.claimed(), pytest.raises(AlertError, match="another evaluator has held"):
        store.acknowledge(STALE.alert_id, NOON, patience=0)


def test_a_state_from_before_acknowledgements_is_read(store):
    content = json.loads(store.state_path.read_text())
    for held in content["open"]:
        del held["acknowledged_until"], held["alert"]["assets"]
    for held in content["outbox"]:
        del held["message"]["caused"]
    store.state_path.write_text(json.dumps(content))
    assert store.load().open[STALE.key].acknowledged_until is None
    assert store.load().outbox[0].message.caused == ()
