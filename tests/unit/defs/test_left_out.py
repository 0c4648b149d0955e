"""A source asset says what of its files a run leaves out: columns, rows, and bars that are open."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.ingest.request import quarantine_of
from finpulse_assets.schemas import BARS_1M, TWEETS
from tests.fakes.ingestion import ingest, metadata_of
from tests.fakes.sources import small_actions, small_prices

AS_OF = datetime(2024, 12, 4, tzinfo=UTC)
MONTHS = ("2024-11-01", "2024-12-01")
TEXT = {"ticker": "AAA", "text": "up"}


def ndjson(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    return path


def source(folder: Path, times: list[str], minutes: FileMinuteSource | None = None) -> Source:
    """Files of the small market, with one tweet at each of `times`."""
    small_prices().with_columns(mood=pl.lit("calm")).write_csv(folder / "prices.csv")
    small_actions().write_csv(folder / "actions.csv")
    tweets = [TEXT | {"text_id": str(at), "event_time": time} for at, time in enumerate(times)]
    path = ndjson(folder / "tweets.ndjson", [*tweets[:-1], tweets[-1] | {"stars": 5}])
    kinds = ("tweets", "prices", "corporate_actions", *(("bars_1m",) if minutes else ()))
    prices = FilePriceSource(prices=folder / "prices.csv", corporate_actions=folder / "actions.csv")
    return Source("files", kinds, FileTextSource(tweets=path), prices, minutes)


def test_ignored_columns_are_named_in_metadata_and_log(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        result, _lake = ingest(
            tmp_path, source(tmp_path, ["2024-12-02T10:00:00Z"]), as_of=AS_OF, months=MONTHS
        )
    assert result.success
    found = metadata_of(result, "source", "files")
    assert found["ignored_columns"] == {"tweets.ndjson": ["stars"], "prices.csv": ["mood"]}
    assert "nothing reads stars of tweets.ndjson" in caplog.text


def test_rows_outside_the_window_are_named_and_those_of_the_future_refused(tmp_path):
    times = ["2024-12-02T10:00:00Z"] * 30 + ["2024-10-01T10:00:00Z", "2025-10-01T10:00:00Z",
             "20261301150000", "2611-05-01T15:00:00Z"]  # fmt: skip
    result, lake = ingest(tmp_path, source(tmp_path, times), as_of=AS_OF, months=MONTHS)
    found = metadata_of(result, "source", "files")
    assert found["outside_window_rows"] == 2
    assert found["outside_window"] == {"tweets": "2 rows from 2024-10-01 to 2025-10-01"}
    assert found["refused_rows"] == 2
    refused = lake.scan(quarantine_of("files", "tweets")).collect()["reason"].sort().to_list()
    assert refused == [
        "event_time '20261301150000' is not a time",
        "event_time 2611-05-01 lies in the future",
    ]


def test_digits_are_the_time_that_they_write(tmp_path):
    given = source(tmp_path, ["20241202150000", "202412021500"])
    result, lake = ingest(tmp_path, given, as_of=AS_OF, months=MONTHS)
    assert metadata_of(result, "source", "files")["outside_window_rows"] == 0
    moment = datetime(2024, 12, 2, 15, tzinfo=UTC)
    assert lake.scan(TWEETS).collect()["event_time"].to_list() == [moment, moment]


def test_texts_at_midnights_alone_fail_the_check(tmp_path):
    given = source(tmp_path, ["2024-12-02 00:00:00", "2024-12-03 00:00:00"])
    result, _lake = ingest(tmp_path, given, as_of=AS_OF, months=MONTHS)
    [check] = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert check.description.startswith(
        "tweets: 2 of 2 delivered rows were refused (100.0%), the limit is 5.0%. "
        "Most common: event_time 2024-12-0"
    )
    assert "is a bare day, as are most times of the file" in check.description


def test_an_open_candle_is_left_out_counted_and_named(tmp_path):
    candle = {"instrument": "AAA", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "volume": 7}
    candles = [
        candle | {"time": f"2024-12-02T15:{minute:02d}:00Z", "complete": minute < 29}
        for minute in range(30)
    ]
    minutes = FileMinuteSource(ndjson(tmp_path / "candles.ndjson", candles))
    given = source(tmp_path, ["2024-12-02T10:00:00Z"], minutes)
    result, lake = ingest(tmp_path, given, as_of=AS_OF, months=MONTHS)
    assert result.success
    assert lake.scan(BARS_1M).collect().height == 29
    assert metadata_of(result, "source", "files")["refused_rows"] == 1
    [reason] = lake.scan(quarantine_of("files", "bars_1m")).collect()["reason"]
    assert reason == "complete is false, the bar is not final"
