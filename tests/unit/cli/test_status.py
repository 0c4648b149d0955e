"""`finpulse status`: one broken file hides nothing else, and open alerts are named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
import typer

from finpulse_assets.cli import status
from finpulse_assets.domain.evaluation.holdout import HoldoutRead
from finpulse_assets.domain.monitoring.alert import Alert, Kind, Severity
from finpulse_assets.domain.monitoring.alert_state import AlertState
from finpulse_assets.domain.monitoring.escalation import Condition
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import PRICES, TWEETS
from tests.fakes.serving import promotion
from tests.unit.domain.audit.moving_market import market


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with prices and tweets; the last month of prices is cut in half."""
    monkeypatch.setenv("FINPULSE_AS_OF", "2024-06-28T23:00")
    lake = Lake(tmp_path / "demo" / "lake")
    for table in (PRICES, TWEETS):
        frame = market()[table.name].with_columns(text_hash=pl.lit("x"))
        frame = frame.unique(table.key).select(table.column_names)
        months = frame[table.partition_column].dt.strftime("%Y-%m-01").unique().to_list()
        lake.replace(table, frame, months)
    return tmp_path


def told(home, capsys, **options) -> str:
    with pytest.raises(typer.Exit):
        status.status(home=home, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("broken", ["cut", "zeroed"])
def test_the_row_of_a_broken_table_says_so_and_names_the_file(home, capsys, broken):
    path = Lake(home / "demo" / "lake").path(PRICES, "2024-06-01")
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] if broken == "cut" else b"PAR1" + bytes(half) + whole[half + 4 :])
    said = json.loads(told(home, capsys, as_json=True))
    states = {it["table"]: it["state"] for it in said["tables"]}
    assert (states[PRICES.name], states[TWEETS.name]) == ("unreadable", "fresh")
    assert str(path) in said["unreadable"][PRICES.name]
    shown = told(home, capsys)
    assert "raw/prices" in shown and "unreadable" in shown and str(path) in shown


def test_open_alerts_are_named(home, capsys):
    at = datetime(2024, 6, 28, 22, tzinfo=UTC)
    alerts = [
        Alert(Kind.DRIFT, "features", "9 of 150 features drifted", at, Severity.WARNING, "status"),
        Alert(Kind.ASSET_STALE, "raw/prices", "2 sessions behind", at, Severity.CRITICAL, "status"),
    ]
    store = AlertStore(home / "demo" / "alerts")
    store.save(AlertState(open={it.key: Condition.begun(it, at) for it in alerts}))
    store.note_heartbeat(system_now())
    shown = told(home, capsys)
    assert "2 alerts open" in shown
    assert "drift:features (warning, since 2024-06-28 22:00 UTC): 9 of 150 features" in shown
    assert "asset_stale:raw/prices (critical, since 2024-06-28 22:00 UTC): 2 sessions" in shown


def test_the_champion_stands_with_its_skills_and_the_reads_of_the_holdout(home, capsys):
    store = ModelStore(home / "demo" / "models" / "price")
    store.decide(lambda _: promotion())
    at, day = datetime(2024, 6, 28, 22, tzinfo=UTC), date(2024, 6, 27)
    for number, name in enumerate(("a", "b"), start=1):
        read = HoldoutRead(name, day, day, number, (), "a reason", at)
        store.read_holdout(name, lambda _, read=read: read)
    said = json.loads(told(home, capsys, as_json=True))["model"]
    assert (said["skills"], said["holdout_reads"]) == (["ranking"], 2)
    shown = told(home, capsys)
    assert "(proven: ranking): rank IC +0.1000" in shown
    assert "the final holdout was read 2 times" in shown
