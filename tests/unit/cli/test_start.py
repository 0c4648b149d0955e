"""How a command starts: its first line before what takes seconds to import, and without the rest.

Each test asks an interpreter of its own: this one has imported everything by now.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from finpulse_assets.cli import doctor
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import SESSIONS
from finpulse_assets.settings import Settings, load_settings
from tests.fakes import serving as fakes
from tests.fakes.ports import free_port

ROOT = Path(__file__).parents[3]
GRAPH = {"dagster", "dagster_dbt", "dbt", "mlflow", "torch", "transformers", "bentoml"}
ASKED_FOR_A_GPU = {"torch"} if doctor._has_gpu_driver() else set()
CALENDAR = {"pandas", "exchange_calendars"}  # 1 s: what the last run wrote of it does
FRAMES = {"polars", "numpy", "duckdb", "lightgbm"}

MODULES_OF = """
import json, sys
from finpulse_assets.cli import app, predict
predict.PORT = int(sys.argv.pop())
try:
    app.main()
finally:
    print("\\n" + json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
FIRST_LINES = """
import contextlib, io, json, sys
from finpulse_assets.cli import app, predict
predict.PORT = int(sys.argv.pop())
absent = json.loads(sys.argv.pop())
sys.modules.update(dict.fromkeys(absent))  # whose import fails from now on
found = {}
for arguments in json.loads(sys.argv.pop()):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        with contextlib.suppress(ImportError):
            app.app(arguments, standalone_mode=False)
    found[arguments[0]] = said.getvalue()
print(json.dumps(found))
"""


def python(code: str, home: Path, *arguments: str) -> object:
    """Return what the last line that the code prints holds as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments, str(free_port())],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FINPULSE_HOME": str(home)},
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with a model, its features, the sessions and a snapshot."""
    settings = load_settings(home=tmp_path)
    models, lake = ModelStore(settings.models / "price"), Lake(settings.lake)
    models.save(fakes.model())
    models.decide(lambda _: fakes.promotion())
    lake.replace(ONLINE_FEATURES, fakes.online(), [WHOLE])
    ahead = build_sessions(date(2024, 1, 2), date.today() + timedelta(days=14))
    lake.replace(SESSIONS, ahead, [WHOLE])
    duckdb.connect(settings.root / "analytics.duckdb").close()
    return settings


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], GRAPH | CALENDAR | FRAMES),
        (["sql", "select 1"], (GRAPH | CALENDAR | FRAMES) - {"duckdb"}),
        (["status"], GRAPH | CALENDAR),
        (["doctor"], (GRAPH | CALENDAR) - ASKED_FOR_A_GPU),
        (["predict", "AAPL"], GRAPH),
    ],
)
def test_a_command_imports_only_what_it_needs(settings, arguments, absent):
    imported = python(MODULES_OF, settings.home, *arguments)
    assert "typer" in imported
    assert absent & set(imported) == set()


def test_every_command_says_at_once_what_it_does(settings):
    """Once the first line came after 8 s of imports."""
    days = ["--from", "2024-03-01", "--to", "2024-03-04"]
    commands = [
        ["demo"], ["run"], ["backfill", *days], ["status"], ["doctor"], ["sql"],
        ["simulate", "market"], ["rehearse", "--home", "rehearsal"], ["audit"],
        ["as-of", "2024-03-01"], ["serve"], ["predict", "AAPL"],
    ]  # fmt: skip
    absent = json.dumps(sorted(GRAPH | CALENDAR | FRAMES))
    said = python(FIRST_LINES, settings.home, json.dumps(commands), absent)
    assert {name: text.count("…\n") for name, text in said.items()} == {c[0]: 1 for c in commands}
