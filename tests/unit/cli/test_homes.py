"""Every command that reads a home takes --home, and says in one sentence what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer
import yaml

from finpulse_assets.cli import app
from finpulse_assets.cli.graph_run import open_instance
from finpulse_assets.settings import load_settings

WITHOUT = {"simulate"}  # writes the files that it is given a folder for


def test_every_command_takes_a_home():
    commands = typer.main.get_command(app.app).commands
    options = {name: {o for p in it.params for o in p.opts} for name, it in commands.items()}
    assert {name for name, known in options.items() if "--home" not in known} == WITHOUT


@pytest.mark.parametrize(
    ("home", "sentence"), [("/proc/finpulse", "/proc cannot be written"), ("taken", "is a file")]
)
def test_a_run_on_a_home_that_cannot_be_written_ends_in_one_sentence(
    tmp_path, monkeypatch, capsys, home, sentence
):
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["finpulse", "demo", "--home", str(tmp_path / home)])
    for name in ("PROFILE", "HOME"):  # which the command puts into the environment
        monkeypatch.setenv(f"FINPULSE_{name}", "demo")
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert "Hint: set FINPULSE_HOME (or --home)" in err
    assert "unexpected" not in err


def test_no_newsletter_dialog_in_the_ui(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    project = Path(__file__).parents[3]
    for folder in (project, tmp_path):  # the project's own instance, and one in the home
        monkeypatch.chdir(folder)
        monkeypatch.setenv("DAGSTER_HOME", "")
        if folder == project:
            config = (project / ".dagster" / "dagster.yaml").read_text()
        else:
            with open_instance(load_settings(home=tmp_path)) as instance:
                assert instance.nux_enabled is False
            config = (tmp_path / "dagster" / "dagster.yaml").read_text()
        assert yaml.safe_load(config)["nux"] == {"enabled": False}
