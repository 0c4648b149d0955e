"""What a file has beside its shape: columns that every shape reads, and the names of the others."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from finpulse_assets.gateways.sources.protocols import Outside

ALL = (datetime(2000, 1, 3, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
TEXT = {"text_id": "1", "ticker": "T", "event_time": "2024-05-01T10:00:00Z", "text": "up"}
BAR = {"date": "2024-05-01", "symbol": "T", "open": 4.0, "high": 8.0, "low": 2.0, "close": 4.0,
       "volume": 7}  # fmt: skip
NOW = datetime(2024, 6, 3, 16, tzinfo=UTC)


def ndjson(folder: Path, *records: object, name: str = "data.ndjson") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    return path


def csv(folder: Path, content: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def bars(path: Path) -> list[dict[str, object]]:
    return FilePriceSource(prices=path).prices(*ALL).to_dicts()


def test_a_key_of_the_last_line_is_a_column(tmp_path: Path) -> None:
    late = {**TEXT, "text_id": "late", "knowledge_time": "2024-05-08T10:00:00Z"}
    path = ndjson(tmp_path, *(TEXT | {"text_id": str(at)} for at in range(1_001)), late)
    source = FileTextSource(tweets=path)
    frame = source.texts("tweets", *ALL)
    assert frame["knowledge_time"].drop_nulls().to_list() == [datetime(2024, 5, 8, 10, tzinfo=UTC)]
    week = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 7, tzinfo=UTC))
    assert "late" not in source.texts("tweets", *week)["text_id"]


def test_a_changed_file_has_its_new_keys(tmp_path: Path) -> None:
    source = FileTextSource(tweets=ndjson(tmp_path, TEXT))
    assert source.texts("tweets", *ALL)["author"].to_list() == [None]
    ndjson(tmp_path, TEXT | {"author": "ann"})
    assert source.texts("tweets", *ALL)["author"].to_list() == ["ann"]


def test_optional_columns_are_read_in_every_shape_of_prices(tmp_path: Path) -> None:
    known = "2024-05-02T12:00:00Z"
    stated = {"price_basis": "unadjusted", "knowledge_time": known, "source": "mine"}
    [row] = bars(ndjson(tmp_path, BAR | stated))
    assert (row["price_basis"], row["source"]) == ("unadjusted", "mine")
    assert row["knowledge_time"] == datetime(2024, 5, 2, 12, tzinfo=UTC)
    [row] = bars(ndjson(tmp_path, BAR | {"price_basis": None}))
    assert (row["price_basis"], row["source"]) == ("split_adjusted", "sp500")


def test_an_adjusted_close_is_read_in_every_shape_of_prices(tmp_path: Path) -> None:
    documented = {"ticker": "T", "session_date": "2024-05-01", "volume_shares": 7,
                  **{name: BAR[name] for name in ("open", "high", "low", "close")}}  # fmt: skip
    [row] = bars(ndjson(tmp_path, documented | {"adj_close": 1.0}))
    assert [row[name] for name in ("open", "high", "low", "close")] == [1.0, 2.0, 0.5, 1.0]
    assert row["price_basis"] == "total_return"
    # What the file states about its own bars stands.
    [row] = bars(ndjson(tmp_path, documented | {"adj_close": 1.0, "price_basis": "unadjusted"}))
    assert (row["close"], row["price_basis"]) == (4.0, "unadjusted")


def test_a_daily_candle_that_is_not_complete_has_a_problem(tmp_path: Path) -> None:
    rows = bars(ndjson(tmp_path, BAR | {"complete": True}, BAR | {"complete": False}))
    assert [row["problem"] for row in rows] == [None, "complete is false, the bar is not final"]


def test_optional_columns_are_read_in_every_shape_of_texts(tmp_path: Path) -> None:
    stocknet = {"tweet_id": 1, "symbol": "T", "created_at": TEXT["event_time"], "text": "up",
                "knowledge_time": "2024-05-08T10:00:00Z", "like_count": 5,
                "rt_likes": 9}  # fmt: skip
    row = FileTextSource(tweets=ndjson(tmp_path, stocknet)).texts("tweets", *ALL).row(0, named=True)
    assert row["knowledge_time"] == datetime(2024, 5, 8, 10, tzinfo=UTC)
    assert row["like_count"] == 5


def test_columns_that_nothing_reads_are_named(tmp_path: Path) -> None:
    texts = FileTextSource(tweets=ndjson(tmp_path, TEXT, TEXT | {"mood": "sad", "it's": 1}))
    assert texts.ignored_columns("tweets") == {"data.ndjson": ["mood", "it's"]}
    assert texts.ignored_columns("headlines") == {}
    for name in ("a", "b"):
        pl.DataFrame([BAR | {"vwap": 3.0}]).write_parquet(tmp_path / f"{name}.parquet")
    prices = FilePriceSource(prices=tmp_path / "*.parquet")
    assert prices.ignored_columns("prices") == {"a.parquet and 1 more": ["vwap"]}
    assert prices.ignored_columns("corporate_actions") == {}
    candle = {"time": "2024-05-01T14:00:00Z", "mid": {"o": 1, "h": 1, "l": 1, "c": 1}, "volume": 1,
              "instrument": "T", "granularity": "M1", "complete": True}  # fmt: skip
    minutes = FileMinuteSource(ndjson(tmp_path, candle, name="m.ndjson"))
    assert minutes.ignored_columns("bars_1m") == {"m.ndjson": ["granularity"]}


def test_a_row_of_the_future_is_delivered_with_a_sentence(tmp_path: Path) -> None:
    path = ndjson(tmp_path, TEXT, TEXT | {"text_id": "2", "event_time": "2611-05-01T10:00:00Z"})
    source = FileTextSource(tweets=path, now=lambda: NOW)
    window = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    frame = source.texts("tweets", *window)
    assert frame["problem"].to_list() == [None, "event_time 2611-05-01 lies in the future"]
    ahead = BAR | {"date": "2204-05-01"}
    frame = FilePriceSource(prices=ndjson(tmp_path, BAR, ahead), now=lambda: NOW).prices(*window)
    assert frame["problem"].to_list() == [None, "session_date 2204-05-01 lies in the future"]


def test_rows_outside_the_window_are_counted(tmp_path: Path) -> None:
    other = TEXT | {"event_time": "2024-04-02T10:00:00Z"}
    later = TEXT | {"event_time": "2024-06-01T10:00:00Z"}
    path = ndjson(tmp_path, TEXT, other, later, TEXT | {"event_time": "2611-05-01T10:00:00Z"})
    source = FileTextSource(tweets=path, now=lambda: NOW)
    window = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    outside = source.outside("tweets", *window)
    assert outside == Outside(2, date(2024, 4, 2), date(2024, 6, 1))
    assert str(outside) == "2 rows from 2024-04-02 to 2024-06-01"
    old = BAR | {"date": "2024-03-01"}
    prices = FilePriceSource(prices=ndjson(tmp_path, BAR, old, BAR | {"date": None}))
    assert prices.outside("prices", *window) == Outside(1, date(2024, 3, 1), date(2024, 3, 1))
    assert prices.outside("corporate_actions", *window) == Outside(0)


MIDNIGHTS = [
    ("2024-05-01 00:00:00", "2024-05-02 00:00:00"),
    ("2024-05-01T00:00", "2024-05-02T00:00"),
    ("2024-05-01T00:00:00Z", "2024-05-02T00:00:00.000Z"),
    ("2024-05-01T00:00:00-04:00", "2024-05-02T00:00:00-04:00"),
    ("2024-05-01T04:00:00Z", "2024-05-02T04:00:00Z"),  # midnight of New York
    ("20240501000000", "202405020000"),
    ("1714521600", "1714608000"),
    ("Wed May 01 00:00:00 +0000 2024", "Thu May 02 00:00:00 +0000 2024"),
]


@pytest.mark.parametrize("times", MIDNIGHTS)
def test_texts_at_midnights_alone_are_refused_as_bare_days_are(
    tmp_path: Path, times: tuple[str, str]
) -> None:
    path = ndjson(tmp_path, *(TEXT | {"event_time": time} for time in times))
    frame = FileTextSource(tweets=path).texts("tweets", *ALL)
    assert frame["event_time"].to_list() == [None, None]
    assert frame["problem"].str.contains(
        r"^event_time 2024-05-01 0\d:00 UTC is a bare day, as are most times of the file"
    ).to_list() == [True, False]
    assert frame["problem"].null_count() == 0
    with pytest.raises(SourceError, match=r"none of the 2 tweets in .*data.ndjson has a usable time"
                       ", the first one: event_time 2024-05-01 0"):  # fmt: skip
        FileTextSource(tweets=path).extent()


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_parquet_at_midnights_alone_is_refused(tmp_path: Path, zone: str | None) -> None:
    days = pl.Series([datetime(2024, 5, 1), datetime(2024, 5, 2)], dtype=pl.Datetime("us"))
    times = days.dt.replace_time_zone(zone) if zone else days
    frame = pl.DataFrame([TEXT, TEXT]).with_columns(event_time=times)
    frame.write_parquet(tmp_path / "t.parquet")
    found = FileTextSource(tweets=tmp_path / "t.parquet").texts("tweets", *ALL)
    assert found["problem"].str.contains("is a bare day").to_list() == [True, True]


def test_a_midnight_among_other_times_is_a_time(tmp_path: Path) -> None:
    times = ("2024-05-01T00:00:00Z", "2024-05-01T09:00:00Z", "never", "2024-05-01T11:00:00Z")
    path = ndjson(tmp_path, *(TEXT | {"event_time": time} for time in times))
    frame = FileTextSource(tweets=path).texts("tweets", *ALL)
    assert frame["event_time"].null_count() == 1
    assert frame["problem"].drop_nulls().to_list() == ["event_time 'never' is not a time"]
    # Whether a midnight is one is a matter of the file, and not of the window.
    night = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, 1, tzinfo=UTC))
    assert FileTextSource(tweets=path).texts("tweets", *night).height == 2


def test_knowledge_times_at_midnights_alone_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, "text_id,ticker,event_time,knowledge_time,text\n"
               "1,T,2024-05-01T10:00:00Z,2024-05-01 00:00:00,up\n")  # fmt: skip
    [problem] = FileTextSource(tweets=path).texts("tweets", *ALL)["problem"]
    assert problem.startswith("knowledge_time 2024-05-01 00:00 UTC is a bare day")
