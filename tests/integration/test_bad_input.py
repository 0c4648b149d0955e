"""What a user gets wrong ends in one sentence, exit code 1, and nothing half-written."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from tests.integration.graph_cli import SMALL, environment, finpulse, give_sentiment_model

TICKERS = ("AAA", "BBB", "CCC")


@pytest.fixture
def sentiment_model(tmp_path, trained_model):
    """The home holds the model "tiny", as after an earlier run."""
    give_sentiment_model(trained_model, tmp_path, profile="files")


@pytest.fixture
def command_line(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command line in this process: (exit code, stderr)."""

    def run(*arguments: str, **settings: str) -> tuple[int, str]:
        from finpulse_assets.cli import app

        # The command line puts its options into the environment, where they outlive a test.
        for name in [name for name in os.environ if name.startswith("FINPULSE_")]:
            monkeypatch.delenv(name)
        for name, value in {
            **environment(tmp_path, {"FINPULSE_PUBLISH": "false"}),
            **settings,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["finpulse", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return int(ended.value.code or 0), " ".join(capsys.readouterr().err.split())

    return run


def bars(sessions: int = 90, tickers: tuple[str, ...] = TICKERS) -> pl.DataFrame:
    """Return daily bars in the documented columns, a saw-tooth that closes up and down."""
    days = build_sessions(date(2024, 1, 2), date(2024, 6, 28))["session_date"].head(sessions)
    frames = []
    for at, ticker in enumerate(tickers):
        close = pl.Series([50.0 + at + (day * (at + 3)) % 7 for day in range(len(days))])
        open_ = close + pl.Series([(day % 3 - 1) / 2 for day in range(len(days))])
        frames.append(
            pl.DataFrame({"ticker": [ticker] * len(days), "session_date": days}).with_columns(
                open=open_,
                high=close + 1,
                low=close - 1,
                close=close,
                volume_shares=pl.lit(1000),
            )
        )
    return pl.concat(frames)


def texts(count: int = 40) -> pl.DataFrame:
    """Return texts in the documented columns."""
    at = [datetime(2024, 1 + n % 5, 1 + n % 27, 15, n % 60, tzinfo=UTC) for n in range(count)]
    return pl.DataFrame(
        {
            "text_id": [str(n) for n in range(count)],
            "ticker": [TICKERS[n % 3] for n in range(count)],
            "event_time": at,
            "text": [f"${TICKERS[n % 3]} beats estimates, quarter {n}" for n in range(count)],
        }
    )


def written(path: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(path)
    return path


def nothing_half_written(root: Path) -> bool:
    """True when every Parquet file below `root` opens and no temporary file is left."""
    for path in root.rglob("*.parquet"):
        pl.read_parquet(path)
    return not list(root.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"FINPULSE_FOLDS": "many"}, "FINPULSE_FOLDS is 'many'"),
        ({"FINPULSE_PROFILE": "prod"}, "FINPULSE_PROFILE is 'prod'"),
        ({"FINPULSE_AS_OF": "soon"}, "FINPULSE_AS_OF is 'soon'"),
        ({"FINPULSE_AS_OF": "2999-01-01"}, "2999-01-01"),
        ({"FINPULSE_SIMULATOR_TICKERS": "0"}, "FINPULSE_SIMULATOR_TICKERS is '0'"),
        ({"FINPULSE_PROFILE": "files"}, "FINPULSE_PRICES_PATH is not set"),
        ({"DAGSTER_HOME": "relative"}, "DAGSTER_HOME is 'relative'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(command_line, settings, sentence):
    code, err = command_line("run", **settings)
    assert code == 1
    assert sentence in err
    assert "Traceback" not in err


def test_a_source_that_is_missing(command_line, tmp_path):
    code, err = command_line("run", "--profile", "files", "--prices", str(tmp_path / "no.parquet"))
    assert code == 1
    assert "no.parquet" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "empty"), (b"PAR1 and then nothing", "bad.parquet")],
    ids=["empty", "truncated"],
)
def test_a_source_that_is_no_table(command_line, tmp_path, content, sentence):
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    code, err = command_line("run", "--profile", "files", "--prices", str(path))
    assert code == 1
    assert sentence in err
    assert "Traceback" not in err


def test_a_source_of_another_shape_names_its_columns(command_line, tmp_path):
    path = written(tmp_path / "odd.parquet", pl.DataFrame({"apples": [1], "pears": [2]}))
    code, err = command_line("run", "--profile", "files", "--prices", str(path))
    assert code == 1
    assert "apples" in err
    assert "pears" in err


def test_days_that_can_be_read_in_two_ways_ask_for_their_order(command_line, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("date,symbol,open,high,low,close,volume\n05/02/2024,T,4,8,2,4,7\n")
    code, err = command_line("run", "--profile", "files", "--prices", str(path))
    assert code == 1
    assert "'05/02/2024' has no stated order, set FINPULSE_DAY_ORDER to mdy or dmy" in err
    code, err = command_line(
        "run", "--profile", "files", "--prices", str(path), "--day-order", "ymd"
    )
    assert "FINPULSE_DAY_ORDER is 'ymd'" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("sentiment_model")
def test_too_many_bad_rows_fail_the_blocking_check(command_line, tmp_path):
    frame = bars().with_columns(
        high=pl.when(pl.int_range(pl.len()) % 5 == 0).then(1.0).otherwise("high")
    )
    prices = written(tmp_path / "prices.parquet", frame)
    code, err = command_line(
        "run", "--profile", "files", "--prices", str(prices), FINPULSE_SENTIMENT_MODEL="tiny"
    )
    assert code == 1
    assert "source/files fails the check bad_rows_are_rare: prices: 54 of 270 delivered rows" in err
    assert "high 1.0 is below low" in err
    assert "Traceback" not in err
    refused = pl.read_parquet(tmp_path / "files/lake/quarantine/files/prices/all.parquet")
    assert refused.height == 54
    assert refused["reason"].str.contains("high 1.0 is below low").all()
    assert not (tmp_path / "files/lake/features/technical").exists(), "nothing downstream was made"
    assert nothing_half_written(tmp_path)


@pytest.mark.usefixtures("sentiment_model")
def test_three_days_of_history_say_how_many_are_needed(command_line, tmp_path):
    prices = written(tmp_path / "prices.parquet", bars(sessions=3))
    tweets = written(tmp_path / "tweets.parquet", texts().filter(pl.col("event_time").dt.day() < 3))
    code, err = command_line(
        "run", "--profile", "files", "--prices", str(prices), "--tweets", str(tweets),
        FINPULSE_SENTIMENT_MODEL="tiny",
    )  # fmt: skip
    assert code == 1
    assert "sessions" in err
    assert "needs" in err
    assert "Traceback" not in err
    assert nothing_half_written(tmp_path)


@pytest.mark.usefixtures("sentiment_model")
def test_a_gpu_that_is_not_there(command_line, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    prices = written(tmp_path / "prices.parquet", bars())
    tweets = written(tmp_path / "tweets.parquet", texts())
    code, err = command_line(
        "run", "--profile", "files", "--prices", str(prices), "--tweets", str(tweets),
        FINPULSE_SENTIMENT_MODEL="tiny", FINPULSE_DEVICE="cuda",
    )  # fmt: skip
    assert code == 1
    assert "CUDA" in err
    assert "auto" in err


def test_simulate_never_overwrites(command_line, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious")
    code, err = command_line("simulate", str(tmp_path / "out"))
    assert code == 1
    assert "not empty" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_status_before_any_run(tmp_path):
    done = finpulse(tmp_path, "status", settings=SMALL)
    assert done.returncode == 1
    assert "missing" in done.stdout
    assert "no model was promoted yet" in done.stdout
    assert "Traceback" not in done.stderr
