"""The backtest of a home: as an asset, and as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.defs.models.backtest import backtest
from finpulse_assets.schemas import BACKTEST
from tests.unit.defs.model_home import DAYS, ModelHome, after, labelled, metadata

SESSIONS = 75  # the last 14 can be replayed
OPTIONS = {"FOLDS": 2, "MIN_TRAIN_SESSIONS": 40, "RESAMPLES": 200, "MODEL_THREADS": 1}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> ModelHome:
    """A home with marts, in which no model was ever made."""
    home = ModelHome(tmp_path_factory.mktemp("home") / "demo", after(DAYS[SESSIONS]))
    home.root.mkdir()
    home.fill(labelled(SESSIONS))
    return home


@pytest.fixture(scope="module")
def made(home) -> dict[str, object]:
    result = home.run(backtest)
    assert result.success
    return metadata(result, backtest)


def test_the_asset_holds_a_row_a_session_and_shows_numbers_plots_and_page(home, made):
    table = home.lake.scan(BACKTEST).collect()
    assert table["session_date"].to_list() == DAYS[SESSIONS - 14 : SESSIONS]
    assert made["sessions"] == "14"
    assert {"plot_path", "plot_months", "plot_rank_ic"} <= set(made)
    page = Path(made["tear_sheet"]).read_text(encoding="utf-8")
    assert f"Backtest, {DAYS[SESSIONS - 14]} to {DAYS[SESSIONS - 1]}" in page


def test_the_command_says_the_same(home, made, monkeypatch):
    for name, value in OPTIONS.items():
        monkeypatch.setenv(f"FINPULSE_{name}", str(value))
    table = home.lake.scan(BACKTEST).collect()
    done = CliRunner().invoke(app, ["backtest", "--home", str(home.root.parent), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [it["net"] for it in report["sessions"]] == table["net"].to_list()
    assert [it["candidate_id"] for it in report["decisions"]][-1] == table["champion_id"][-1]
    assert home.lake.scan(BACKTEST).collect().equals(table)
    shown = CliRunner().invoke(
        app, ["backtest", "--home", str(home.root.parent), "--from", str(DAYS[SESSIONS - 1])]
    )
    assert "sessions with a proven champion" in shown.output
    assert f"tear sheet: {home.root}/reports/backtest/{DAYS[SESSIONS - 1]}" in shown.output


def test_a_day_beyond_the_data_is_refused_at_the_start(home, monkeypatch):
    for name, value in OPTIONS.items():
        monkeypatch.setenv(f"FINPULSE_{name}", str(value))
    done = CliRunner().invoke(
        app, ["backtest", "--home", str(home.root.parent), "--to", "2031-01-02"]
    )
    assert done.exit_code == 1
    assert "--to is 2031-01-02, a backtest of this home can be from" in str(done.exception)
    assert "sessions," not in done.output
