"""`finpulse tune` on a small home: a file with the best settings, chosen without the holdout."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.gateways.models.plan_file import read_plan
from finpulse_assets.orchestration.training import tuning
from tests.unit.defs.model_home import DAYS, ModelHome, after, labelled

SESSIONS, HELD = 90, 20
OPTIONS = {
    "FOLDS": 2, "MIN_TRAIN_SESSIONS": 40, "MODEL_THREADS": 1, "HOLDOUT_SESSIONS": HELD,
}  # fmt: skip


@pytest.fixture(autouse=True)
def options(monkeypatch) -> None:
    for name, value in OPTIONS.items():
        monkeypatch.setenv(f"FINPULSE_{name}", str(value))


def home_with(root: Path, rows: pl.DataFrame) -> Path:
    home = ModelHome(root / "demo", after(DAYS[SESSIONS]))
    home.root.mkdir()
    home.fill(rows)
    return root


def tuned(home: Path, trials: int = 3) -> dict:
    done = CliRunner().invoke(
        app, ["tune", "--trials", str(trials), "--home", str(home), "--json"]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_lies_in_the_holdout_changes_no_setting(tmp_path):
    rows = labelled(SESSIONS)
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    found = tuned(home_with(tmp_path / "one", rows))
    assert found["plan"]["trials"] == 3
    assert found["plan"]["last_session"] == str(DAYS[SESSIONS - HELD - 1])
    held = pl.col("session_date") >= DAYS[SESSIONS - HELD]
    turned = rows.with_columns(
        return_next_session=pl.when(held)
        .then(-pl.col("return_next_session"))
        .otherwise("return_next_session")
    )
    other = tuned(home_with(tmp_path / "other", turned))
    assert other["plan"] == found["plan"]


def test_the_file_is_read_where_a_setting_names_it_and_trials_add_up(tmp_path, monkeypatch):
    home = home_with(tmp_path, labelled(SESSIONS))
    path = Path(tuned(home, trials=2)["path"])
    assert path == home / "demo" / "ranking_plan.json"
    assert read_plan(path).split == "walk_forward"
    monkeypatch.setenv("FINPULSE_RANKING_PLAN", str(path))
    monkeypatch.setenv("FINPULSE_TUNING_SPLIT", "combinatorial")
    monkeypatch.setattr(tuning, "GROUPS", 4)
    monkeypatch.setattr(tuning, "TEST_GROUPS", 1)  # 4 folds instead of 15
    shown = CliRunner().invoke(app, ["tune", "--trials", "2", "--home", str(home)])
    assert shown.exit_code == 0, shown.output
    assert "4 tried, 0 stopped early; probability of overfitting" in shown.output
    assert "(in force)" in shown.output
    plan = read_plan(path)
    assert (plan.split, plan.trials) == ("combinatorial", 4)


def test_a_home_without_a_ranking_has_nothing_to_tune(tmp_path, monkeypatch):
    monkeypatch.setenv("FINPULSE_CANDIDATES", "lightgbm")
    home = home_with(tmp_path, labelled(SESSIONS))
    done = CliRunner().invoke(app, ["tune", "--home", str(home)])
    assert done.exit_code == 1 or "there is no ranking to tune" in str(done.exception)


def test_a_plan_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("FINPULSE_RANKING_PLAN", str(tmp_path / "absent.json"))
    home = home_with(tmp_path, labelled(SESSIONS))
    done = CliRunner().invoke(app, ["tune", "--home", str(home)])
    assert "absent.json, which cannot be read" in str(done.exception)
