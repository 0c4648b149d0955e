"""`finpulse doctor` tells where a setting came from, and never what a secret is."""

from __future__ import annotations

import json
import sys

import pytest

from finpulse_assets.cli import app


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
