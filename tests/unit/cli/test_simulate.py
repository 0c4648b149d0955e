"""`finpulse simulate`: the files that it writes, and that the files profile reads them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource

SMALL = ["--tickers", "3", "--sessions", "8", "--end", "2018-07-06"]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def simulate(folder: str, *options: str) -> dict[str, int]:
    done = CliRunner().invoke(app, ["simulate", folder, *SMALL, *options, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["rows"]


def test_minute_bars_are_written_and_read_back() -> None:
    rows = simulate("market")
    bars = pl.read_parquet("market/bars_1m.parquet")
    assert rows["bars_1m"] == bars.height
    # Five sessions by default, one of them the half-day of 2018-07-03.
    assert bars["session_date"].n_unique() == 5
    assert 3 * 4 * 350 < bars.height <= 3 * (4 * 390 + 210)
    window = (datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC))
    told = pl.concat(
        [part.bars for part in FileMinuteSource(Path("market/bars_1m.parquet")).bars_1m(*window)]
    ).sort("ticker", "bar_at")
    assert told.drop("problem").equals(bars.select(told.drop("problem").columns))
    assert told["problem"].null_count() == told.height


def test_the_number_of_sessions_can_be_chosen() -> None:
    assert simulate("two", "--minute-sessions", "2")["bars_1m"] < 3 * 2 * 390
    assert "bars_1m" not in simulate("none", "--minute-sessions", "0")
    assert not Path("none/bars_1m.parquet").exists()


def test_the_next_command_names_the_minute_bars() -> None:
    done = CliRunner().invoke(app, ["simulate", "market", *SMALL])
    assert "next: FINPULSE_BARS_1M_PATH=market/bars_1m.parquet finpulse run" in done.output
