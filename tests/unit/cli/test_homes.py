"""Every command that reads a home takes --home, and says in one sentence what is wrong with it."""

from __future__ import annotations

import sys

import pytest
import typer

from finpulse_assets.cli import app

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
