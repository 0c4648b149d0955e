"""What `finpulse demo` and `finpulse run` hand to the run of the graph."""

import pytest
from typer.testing import CliRunner

from finpulse_assets.cli import run
from finpulse_assets.cli.app import app
from finpulse_assets.errors import FinPulseError


@pytest.mark.parametrize("command", ["demo", "run"])
@pytest.mark.parametrize("flags", [[], ["--force"]])
def test_a_forced_run_is_asked_for(command, flags, tmp_path, monkeypatch):
    asked = []

    def stop(settings, *, force):
        asked.append(force)
        raise FinPulseError("seen")

    monkeypatch.setattr(run, "run_graph", stop)
    for name in ("FINPULSE_HOME", "FINPULSE_PROFILE"):
        monkeypatch.setenv(name, "demo" if name.endswith("PROFILE") else str(tmp_path))
    CliRunner().invoke(app, [command, "--home", str(tmp_path), *flags])
    assert asked == [bool(flags)]
