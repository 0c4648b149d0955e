"""Files of minute bars that people download: their zones, their shapes, and open candles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from finpulse_assets.gateways.sources.files.times import Notation
from tests.fakes.minutes import utc

ALL = (datetime(2010, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
OWN = "ticker,bar_at,open,high,low,close,volume\n"
NEW_YORK = Notation(zone="America/New_York")


def read(path: Path, notation: Notation | None = None) -> pl.DataFrame:
    return pl.concat(
        [part.bars for part in FileMinuteSource(path, notation=notation).bars_1m(*ALL)]
    )


def session(folder: Path, first: str, *, minutes: int = 390, day: str = "2024-03-11") -> Path:
    """A file of one session whose first bar is at `first`, no zone named."""
    start = datetime.fromisoformat(f"{day} {first}")
    rows = [f"T,{start + timedelta(minutes=at)},1,2,0.5,1.5,7" for at in range(minutes)]
    path = folder / "bars.csv"
    path.write_text(OWN + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(("day", "share"), [("2024-03-11", "38%"), ("2024-01-11", "23%")])
def test_times_of_new_york_without_a_zone_are_refused(tmp_path: Path, day: str, share: str) -> None:
    path = session(tmp_path, "09:30", day=day)
    with pytest.raises(SourceError, match=rf"bars.csv name no zone \(first '{day} 09:30:00'\), and "
                       rf"as UTC only {share} of them lie in a session .* Hint: set "
                       r"FINPULSE_BARS_TIMEZONE \(--bars-timezone\)"):  # fmt: skip
        read(path)


def test_the_stated_zone_is_used(tmp_path: Path) -> None:
    bars = read(session(tmp_path, "09:30"), NEW_YORK)
    assert (bars["bar_at"].min(), bars["bar_at"].max()) == (
        utc("2024-03-11 13:30"), utc("2024-03-11 19:59"))  # fmt: skip
    # In winter the same hours are an hour later in UTC.
    winter = read(session(tmp_path, "09:30", day="2024-01-11"), NEW_YORK)
    assert winter["bar_at"].min() == utc("2024-01-11 14:30")


def test_times_of_the_session_in_utc_stay_as_they_are(tmp_path: Path) -> None:
    bars = read(session(tmp_path, "13:30"))
    assert bars["bar_at"].min() == utc("2024-03-11 13:30")


def test_a_parquet_of_local_times_is_held_against_the_session(tmp_path: Path) -> None:
    bars = pl.read_csv(session(tmp_path, "09:30"), try_parse_dates=True)
    path = tmp_path / "bars.parquet"
    bars.write_parquet(path)
    with pytest.raises(SourceError, match="FINPULSE_BARS_TIMEZONE"):
        read(path)
    assert read(path, NEW_YORK)["bar_at"].min() == utc("2024-03-11 13:30")
    bars.with_columns(pl.col("bar_at").dt.replace_time_zone("America/New_York")).write_parquet(path)
    assert read(path)["bar_at"].min() == utc("2024-03-11 13:30")


def test_a_time_with_a_zone_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(OWN + "T,2024-03-11T03:30:00Z,1,2,0.5,1.5,7\n")
    assert read(path, NEW_YORK)["bar_at"].item() == utc("2024-03-11 03:30")


METATRADER = {
    "EURUSD_M1.csv": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.03.11\t15:30:00\t1.1\t1.2\t1.0\t1.15\t9\t0\t3\n"
    ),
    "EURUSD.csv": "2024.03.11,15:30,1.1,1.2,1.0,1.15,9\n",
}


@pytest.mark.parametrize("name", METATRADER)
def test_metatrader_needs_the_zone_of_the_broker(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(METATRADER[name])
    with pytest.raises(SourceError, match=r"minute bars of MetaTrader are in that of the broker. "
                       "Hint: set FINPULSE_BARS_TIMEZONE"):  # fmt: skip
        read(path)
    row = read(path, Notation(zone="Europe/Athens")).row(0, named=True)
    assert (row["ticker"], row["bar_at"]) == ("EURUSD", utc("2024-03-11 13:30"))
    assert (row["open"], row["close"], row["volume"]) == (1.1, 1.15, 9.0)


HISTDATA = {
    "DAT_ASCII_EURUSD_M1_2024.csv": "20240711 083000;1.1;1.2;1.0;1.15;0\n",
    "DAT_MT_EURUSD_M1_2024.csv": "2024.07.11,08:30,1.1,1.2,1.0,1.15,0\n",
}


@pytest.mark.parametrize("name", HISTDATA)
@pytest.mark.parametrize("notation", [None, NEW_YORK])
def test_histdata_is_in_eastern_standard_time_all_year(
    tmp_path: Path, name: str, notation: Notation | None
) -> None:
    path = tmp_path / name
    path.write_text(HISTDATA[name])
    row = read(path, notation).row(0, named=True)
    assert (row["ticker"], row["bar_at"]) == ("EURUSD", utc("2024-07-11 13:30"))
    assert (row["open"], row["close"], row["problem"]) == (1.1, 1.15, None)


def test_minute_aggregates_of_polygon_are_read(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.ndjson"
    path.write_text('{"v":1100,"vw":44,"o":44,"c":44,"h":88,"l":22,"t":1710163800000,"n":5}\n')
    row = read(path).row(0, named=True)
    assert (row["ticker"], row["bar_at"], row["volume"]) == ("AAPL", utc("2024-03-11 13:30"), 1100)
    assert row["price_basis"] == "split_adjusted"


@pytest.mark.parametrize(
    ("day", "time"),
    [("20240311", "133000"), ("2024-03-11", "13:30"), ("2024.03.11", "1330"),
     ("2024-03-11", "2024-03-11T13:30:00Z")],
)  # fmt: skip
def test_a_day_and_a_time_apart_are_one(tmp_path: Path, day: str, time: str) -> None:
    path = tmp_path / "T.csv"
    path.write_text(f"Date,Time,Open,High,Low,Close,Volume\n{day},{time},1,2,0.5,1.5,7\n")
    row = read(path).row(0, named=True)
    assert (row["ticker"], row["bar_at"], row["problem"]) == ("T", utc("2024-03-11 13:30"), None)


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_candle_that_is_not_complete_has_a_problem(tmp_path: Path, ending: str) -> None:
    candles = pl.DataFrame(
        {"time": ["2024-03-11T13:30:00Z", "2024-03-11T13:31:00Z"], "o": 1.0, "h": 2.0, "l": 0.5,
         "c": 1.5, "volume": 7, "instrument": "T", "complete": [True, False]}
    )  # fmt: skip
    path = tmp_path / f"candles.{ending}"
    getattr(candles, f"write_{ending}")(path)
    assert read(path)["problem"].to_list() == [None, "complete is false, the bar is not final"]
