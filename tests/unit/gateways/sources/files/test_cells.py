"""Cells of data files: each is read as what it is meant to be, or named in a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets import schemas
from finpulse_assets.gateways.sources.files.cells import read_cell


def _read(values: list[object], name: str, wanted: object, dtype: object = None) -> list[object]:
    frame = pl.DataFrame({"raw": pl.Series(values, dtype=dtype)})
    cell = read_cell(name, "raw", frame.schema["raw"], wanted)
    return [
        value if problem is None else problem
        for value, problem in frame.select(cell.value, problem=cell.problem).iter_rows()
    ]


MOMENT = datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2014-01-02T03:04:05Z", MOMENT),
        ("2014-01-02 03:04:05", MOMENT),
        ("2014-01-02 03:04:05 UTC", MOMENT),
        (" 2014-01-01T22:04:05-05:00 ", MOMENT),
        ("2014-01-01 22:04:05-0500", MOMENT),
        ("2014-01-02 04:04:05+01", MOMENT),
        ("2014-01-02T03:04", MOMENT.replace(second=0)),
        ("2014-01-02T03:04:05.250", MOMENT.replace(microsecond=250_000)),
        ("Thu Jan 02 03:04:05 +0000 2014", MOMENT),
        ("1388631845", MOMENT),
        ("1388631845.0", MOMENT),
        ("1388631845000", MOMENT),
        (1388631845, MOMENT),
        (1388631845.0, MOMENT),
        (1388631845000000, MOMENT),
        (1388631845000000000, MOMENT),
        (datetime(2014, 1, 2, 3, 4, 5), MOMENT),
        ("", None),
        ("NaT", None),
        (None, None),
        ("yesterday", "event_time 'yesterday' is not a time"),
        ("2014-02-30 03:04:05", "event_time '2014-02-30 03:04:05' is not a time"),
        # A bare day does not say what was known when; midnight would be a guess into the past.
        ("2014-01-02", "event_time '2014-01-02' is not a time"),
        (date(2014, 1, 2), "event_time '2014-01-02' is not a time"),
        (True, "event_time 'true' is not a time"),
    ],
)
def test_times_are_read_in_every_usual_form(raw: object, expected: object) -> None:
    assert _read([raw], "event_time", schemas.UTC) == [expected]


@pytest.mark.parametrize(
    ("name", "wanted", "raw", "expected"),
    [
        ("open", pl.Float64, " 1.5 ", 1.5),
        ("open", pl.Float64, "1e2", 100.0),
        ("open", pl.Float64, "nan", None),
        ("open", pl.Float64, float("nan"), None),
        ("open", pl.Float64, "1,234.5", "open '1,234.5' is not a number"),
        ("volume_shares", pl.Int64, "12", 12),
        ("volume_shares", pl.Int64, "12.0", 12),
        ("volume_shares", pl.Int64, 12.0, 12),
        ("volume_shares", pl.Int64, "12.5", "volume_shares '12.5' is not a whole number"),
        ("volume_shares", pl.Int64, "9223372036854775807", 2**63 - 1),
        ("session_date", pl.Date, "2024-01-02", date(2024, 1, 2)),
        ("session_date", pl.Date, "2024-01-02 00:00:00-05:00", date(2024, 1, 2)),
        ("session_date", pl.Date, datetime(2024, 1, 2, 23), date(2024, 1, 2)),
        ("session_date", pl.Date, "02/01/2024", "session_date '02/01/2024' is not a day"),
        ("session_date", pl.Date, 20240102, "session_date '20240102' is not a day"),
        ("is_retweet", pl.Boolean, "True", True),
        ("is_retweet", pl.Boolean, 0, False),
        ("is_retweet", pl.Boolean, "maybe", "is_retweet 'maybe' is not true or false"),
        ("ticker", pl.String, " brk.b ", "BRK-B"),
        ("ticker", pl.String, "NA", "NA"),  # a symbol, no missing value
        ("ticker", pl.String, "  ", None),
        ("text", pl.String, "a\x00b", "ab"),
        ("text", pl.String, " as it is ", " as it is "),
        ("text_id", pl.String, 947618374569353216, "947618374569353216"),
        ("text_id", pl.String, "947618374569353217", "947618374569353217"),
        ("text_id", pl.String, 7.0, "7"),
        ("text_id", pl.String, 9.5e17, "text_id '9.5e+17' is not an exact id"),
        ("text_id", pl.String, "9.47618E+17", "text_id '9.47618E+17' is not an exact id"),
    ],
)
def test_cells_are_read_or_named(name: str, wanted: object, raw: object, expected: object) -> None:
    assert _read([raw], name, wanted) == [expected]


def test_a_midnight_of_new_york_stays_on_its_day() -> None:
    local = pl.Datetime("ns", "America/New_York")
    midnight = pl.Series([datetime(2024, 1, 2, 5, tzinfo=UTC)]).dt.convert_time_zone(
        local.time_zone
    )
    assert _read(midnight.to_list(), "session_date", pl.Date, local) == [date(2024, 1, 2)]


def test_a_nested_column_is_named_by_its_type() -> None:
    assert _read([[1, 2]], "open", pl.Float64) == ["open 'List(Int64)' is not a number"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_no_text_at_all_stops_the_reading_of_cells(raw: str) -> None:
    for name, wanted in (("event_time", schemas.UTC), ("session_date", pl.Date),
                         ("open", pl.Float64), ("volume_shares", pl.Int64),
                         ("is_retweet", pl.Boolean), ("text_id", pl.String)):  # fmt: skip
        assert len(_read([raw], name, wanted)) == 1
