"""`finpulse doctor` tells where a setting came from, and never what a secret is."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from finpulse_assets.cli import app
from finpulse_assets.cli import doctor as doctor_command
from finpulse_assets.cli.doctor import daemon_finding


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Return a function that runs doctor in an empty folder: (exit code, stdout)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["finpulse", "doctor", *arguments])
        try:
            app.main()
        except SystemExit as ended:
            return int(ended.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def test_secrets_are_set_or_not_set(doctor, monkeypatch):
    monkeypatch.setenv("FINPULSE_HUB_TOKEN", "hf_do_not_print_me")
    for arguments in ((), ("--json",)):
        code, out = doctor(*arguments)
        assert code == 0
        assert "hf_do_not_print_me" not in out
    rows = {row["name"]: row for row in json.loads(out)["settings"]}
    assert rows["FINPULSE_HUB_TOKEN"] == {
        "name": "FINPULSE_HUB_TOKEN",
        "value": "set",
        "from": "environment",
    }


def test_each_setting_says_where_it_came_from(doctor, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("FINPULSE_FOLDS=4\nFINPULSE_RESAMPLES=300\n")
    monkeypatch.setenv("FINPULSE_FOLDS", "3")
    _code, out = doctor("--json")
    rows = {row["name"]: row for row in json.loads(out)["settings"]}
    assert (rows["FINPULSE_FOLDS"]["value"], rows["FINPULSE_FOLDS"]["from"]) == ("3", "environment")
    assert (rows["FINPULSE_RESAMPLES"]["value"], rows["FINPULSE_RESAMPLES"]["from"]) == (
        "300",
        ".env",
    )
    assert rows["FINPULSE_SIMULATOR_SEED"]["from"] == "default"


def checks(out: str) -> dict[str, dict]:
    return {check["name"]: check for check in json.loads(out)["checks"]}


@pytest.mark.parametrize(
    ("home", "finding"), [("/proc/finpulse", "/proc cannot be written"), ("taken", "is a file")]
)
def test_a_home_that_cannot_be_written_fails(doctor, tmp_path, home, finding):
    (tmp_path / "taken").write_text("no folder")
    code, out = doctor("--json", "--home", str(tmp_path / home))
    assert code == 1
    assert not checks(out)["home"]["is_ok"]
    assert finding in checks(out)["home"]["finding"]


def test_torch_is_asked_where_a_device_of_a_gpu_is(doctor, monkeypatch):
    class FoundGpu:
        class cuda:
            is_available = staticmethod(lambda: True)
            get_device_name = staticmethod(lambda _: "H200")

    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1")
    monkeypatch.setitem(sys.modules, "torch", FoundGpu)
    for marks, finding in (
        (("null",), "H200"),
        (("none[0-9]",), "none found, scoring runs on the"),
    ):
        monkeypatch.setattr(doctor_command, "GPU_DEVICES", marks)
        assert checks(doctor("--json")[1])["GPU"]["finding"].startswith(finding)


def test_what_the_automation_stands_on_is_said(doctor, monkeypatch, tmp_path):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    _code, out = doctor("--json")
    found = {name: check["finding"] for name, check in checks(out).items()}
    assert found["Dagster instance"] == "dagster (DAGSTER_HOME is not set)"
    assert found["daemon"].startswith("none ever ran below")
    assert found["alert channels"].startswith("not set")
    assert found["heartbeat URL"].startswith("not set")
    monkeypatch.setenv("FINPULSE_ALERT_URLS", "json://localhost")
    monkeypatch.setenv("FINPULSE_HEARTBEAT_URL", "http://localhost/secret")
    monkeypatch.setenv("DAGSTER_HOME", "relative")
    code, out = doctor("--json")
    assert (code, checks(out)["Dagster instance"]["is_ok"]) == (1, False)
    assert (
        checks(out)["alert channels"]["finding"] == checks(out)["heartbeat URL"]["finding"] == "set"
    )
    assert "secret" not in json.dumps(checks(out))


def test_a_daemon_is_seen_by_its_heartbeat(tmp_path):
    at = datetime(2024, 3, 4, 12, tzinfo=UTC)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "id", []))
    for minutes, found in ((1, "runs, last seen at 2024-03-04 12:00 UTC"), (9, "silent since")):
        assert daemon_finding(tmp_path, at + timedelta(minutes=minutes)).startswith(found)


def test_what_the_profile_needs_and_is_absent_fails(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("FINPULSE_PROFILE", "files")
    monkeypatch.setenv("FINPULSE_PRICES_PATH", str(tmp_path / "absent.parquet"))
    code, out = doctor("--json")
    assert code == 1
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert not checks["prices_path"]["is_ok"]
    assert "absent.parquet" in checks["prices_path"]["finding"]


def test_a_server_that_does_not_answer_is_named(doctor, monkeypatch):
    monkeypatch.setenv("FINPULSE_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    code, out = doctor("--json")
    assert code == 1
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert "127.0.0.1:9 does not answer" in checks["MLflow"]["finding"]


def test_a_source_that_is_not_configured_says_why(doctor, monkeypatch):
    monkeypatch.setenv("FINPULSE_SOURCES", "simulator,files")
    code, out = doctor("--json")
    found = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 1
    assert found["source simulator"]["finding"].startswith("gives tweets, headlines, prices")
    assert "FINPULSE_PRICES_PATH is not set" in found["source files"]["finding"]
