"""Files of minute bars: shapes, spellings, formats, and the sentences for what cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from tests.fakes.minutes import utc

ALL = (datetime(2010, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
OWN = "ticker,bar_at,open,high,low,close,volume\n"
AT = "2020-10-01T00:00:00Z"
CANDLE = {"time": AT, "o": 3360.1, "h": 3361.0, "l": 3359.5, "c": 3360.4, "volume": 12,
          "bid": 3360.2, "ask": 3360.6, "instrument": "SPX500_USD"}  # fmt: skip
PLAIN = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 7}


def read(path: Path) -> pl.DataFrame:
    return pl.concat([part.bars for part in FileMinuteSource(path).bars_1m(*ALL)])


def write(folder: Path, name: str, *records: object) -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    return path


def test_candles_of_oanda_are_read(tmp_path: Path) -> None:
    row = read(write(tmp_path, "candles.ndjson", CANDLE)).row(0, named=True)
    assert (row["ticker"], row["bar_at"], row["volume"]) == ("SPX500_USD", utc("2020-10-01"), 12.0)
    assert [row[n] for n in ("open", "high", "low", "close")] == [3360.1, 3361.0, 3359.5, 3360.4]
    assert [row[n] for n in ("bid", "ask", "bid_size", "ask_size")] == [3360.2, 3360.6, None, None]
    assert (row["price_basis"], row["source"], row["problem"]) == ("unadjusted", "files", None)


@pytest.mark.parametrize("ending", ["ndjson", "parquet"])
def test_nested_candles_are_read(tmp_path: Path, ending: str) -> None:
    mid = {"o": "1.0", "h": "2.0", "l": "0.5", "c": "1.5"}
    candle = {"time": AT, "volume": 3, "instrument": "EUR_USD", "mid": mid,
              "bid": {"o": "0.9", "c": "1.4"}, "ask": {"o": "1.1", "c": "1.6"}}  # fmt: skip
    path = write(tmp_path, "candles.ndjson", candle)
    if ending == "parquet":
        path = tmp_path / "candles.parquet"
        pl.DataFrame([candle]).write_parquet(path)
    row = read(path).row(0, named=True)
    prices = ("open", "high", "low", "close", "bid", "ask")
    assert [row[name] for name in prices] == [1.0, 2.0, 0.5, 1.5, 1.4, 1.6]
    assert (row["ticker"], row["problem"]) == ("EUR_USD", None)


def test_a_nested_candle_may_have_plain_quotes(tmp_path: Path) -> None:
    mid = {"o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5}
    record = {"time": AT, "volume": 3, "mid": mid, "bid": 1.4, "ask": 1.6}
    row = read(write(tmp_path, "eur.ndjson", record)).row(0, named=True)
    assert (row["close"], row["bid"], row["ask"], row["ticker"]) == (1.5, 1.4, 1.6, "EUR")


@pytest.mark.parametrize("ticker", ["ticker", "symbol", "instrument"])
@pytest.mark.parametrize("time", ["bar_at", "time", "timestamp"])
def test_ticker_and_time_have_other_names(tmp_path: Path, ticker: str, time: str) -> None:
    row = read(write(tmp_path, "b.ndjson", {ticker: "brk.b", time: AT, **PLAIN})).row(0, named=True)
    assert (row["ticker"], row["bar_at"]) == ("BRK-B", utc("2020-10-01"))


def test_our_own_name_wins_over_others(tmp_path: Path) -> None:
    record = {"symbol": "X", "ticker": "Y", "time": "noon", "bar_at": AT, "o": 9.0, **PLAIN}
    row = read(write(tmp_path, "b.ndjson", record)).row(0, named=True)
    assert (row["ticker"], row["open"], row["problem"]) == ("Y", 1.0, None)


def test_a_file_without_tickers_is_named_after_one(tmp_path: Path) -> None:
    for name in ("aapl.ndjson", "brk.b.ndjson"):
        write(tmp_path, name, {"time": AT, **PLAIN})
    write(tmp_path, "z.ndjson", {"ticker": None, "time": AT, **PLAIN})
    assert read(tmp_path)["ticker"].to_list() == ["AAPL", "BRK-B", None]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-03-11T13:30:00Z", "2024-03-11 13:30"),
        ("2024-03-11 13:30", "2024-03-11 13:30"),  # without a zone: UTC, as in every file
        ("2024-03-11T09:30:00-04:00", "2024-03-11 13:30"),
        ("1710163800", "2024-03-11 13:30"),
        ("1710163800000", "2024-03-11 13:30"),
    ],
)
def test_times_are_utc_iso_or_epoch(tmp_path: Path, written: str, expected: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(OWN + f"T,{written},1,2,0.5,1.5,7\n")
    assert read(path)["bar_at"].item() == utc(expected)


def test_an_unreadable_cell_costs_a_row_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    rows = [
        "T,soon,1,2,0.5,1.5,7",
        "T,,1,2,0.5,1.5,7",
        "T,2024-03-11T13:30:00Z,one,2,0.5,1.5,7",
        "T,2204-03-11T13:30:00Z,1,2,0.5,1.5,7",
        "T,2024-03-11T13:31:00Z,1,2,0.5,1.5,7,8",
    ]
    path.write_text(OWN + "\n".join(rows) + "\n")
    untimed, month = FileMinuteSource(path).bars_1m(*ALL)
    assert (untimed.month, month.month) == (None, "2024-03-01")
    assert untimed.bars["problem"].to_list() == ["bar_at 'soon' is not a time", None, None]
    assert month.bars["problem"].to_list() == [
        "open 'one' is not a number", "the row has more fields than the header, 7"]  # fmt: skip
    assert list(FileMinuteSource(path).bars_1m(utc("2023-01-01"), utc("2023-01-02"))) != []


def test_a_file_of_unreadable_times_comes_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finpulse_assets.gateways.sources.minute_source._UNTIMED_AT_A_TIME", 2)
    path = write(tmp_path, "b.ndjson", *(CANDLE | {"time": f"day {i}"} for i in range(5)), CANDLE)
    parts = list(FileMinuteSource(path).bars_1m(*ALL))
    assert [part.month for part in parts] == [None, None, None, "2020-09-01"]
    assert [part.bars.height for part in parts] == [2, 2, 1, 1]
    problems = pl.concat([part.bars for part in parts])["problem"].to_list()
    assert problems == [*(f"bar_at 'day {i}' is not a time" for i in range(5)), None]


def test_a_line_that_is_no_json_costs_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "b.ndjson", CANDLE)
    path.write_text(path.read_text() + "broken {\n[1]\n")
    assert read(path)["problem"].to_list() == ["the line is not a JSON object"] * 2 + [None]


UNUSABLE = [
    ("none.csv", None, "none.csv does not exist. Hint: name a file, a folder or a glob"),
    ("b.csv", "", "b.csv is empty, 0 bytes"),
    ("b.json", "[]", r"ends in '.json', files end in .parquet, .csv"),
    ("b.parquet", "PAR1 not at all", "b.parquet cannot be read: "),
    ("b.csv", OWN + 'T,"2024-03', "b.csv cannot be read: "),
    (
        "b.csv",
        "ticker,date,open,high,low,close,volume\n",
        "columns ticker, date, .*no shape of minute bars has them; .*it lacks bar_at. Hint: rename "
        "columns to one of: minute bars, bar_at also as time or timestamp",
    ),
]


@pytest.mark.parametrize(("name", "content", "sentence"), UNUSABLE)
def test_an_unusable_path_is_one_sentence(
    tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=sentence):
        read(tmp_path / name)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(staging))
    path = write(tmp_path, "b.ndjson", CANDLE, CANDLE | {"time": "2020-11-02T00:00:00Z"})
    months = FileMinuteSource(path).bars_1m(*ALL)
    next(months)
    assert list(staging.iterdir()) != []
    months.close()
    assert list(staging.iterdir()) == []
