"""Cells of data files: each is read as what it is meant to be, or named in a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets import schemas
from finpulse_assets.gateways.sources.files.cells import read_cell
from finpulse_assets.gateways.sources.files.times import Notation


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
        ("20140102030405", MOMENT),
        (20140102030405, MOMENT),
        ("201401020304", MOMENT.replace(second=0)),
        ("20140102T030405", MOMENT),
        ("20140102T030405Z", MOMENT),
        ("20140102 030405", MOMENT),
        ("2014.01.02 03:04", MOMENT.replace(second=0)),
        # Digits that are neither a time of day nor an epoch since 1990.
        ("20140102", "event_time '20140102' is not a time"),
        (20140102, "event_time '20140102' is not a time"),
        ("20141302030405", "event_time '20141302030405' is not a time"),
        ("21140102030405", "event_time '21140102030405' is not a time"),
        ("631151999", "event_time '631151999' is not a time"),
        ("631152000", datetime(1990, 1, 1, tzinfo=UTC)),
        (4102444799, datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (4102444800, "event_time '4102444800' is not a time"),
        (-1388631845, "event_time '-1388631845' is not a time"),
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
        ("open", pl.Float64, "1,234.5", 1234.5),
        ("open", pl.Float64, "$100", 100.0),
        ("open", pl.Float64, "-$1,100.25", -1100.25),
        ("open", pl.Float64, "1,5", "open '1,5' is not a number"),
        ("open", pl.Float64, "12,34,567", "open '12,34,567' is not a number"),
        ("volume_shares", pl.Int64, "1,100", 1100),
        ("volume_shares", pl.Int64, "9,007,199,254,740,993", 9007199254740993),
        ("volume_shares", pl.Int64, "12", 12),
        ("volume_shares", pl.Int64, "12.0", 12),
        ("volume_shares", pl.Int64, 12.0, 12),
        ("volume_shares", pl.Int64, "12.5", "volume_shares '12.5' is not a whole number"),
        ("volume_shares", pl.Int64, "9223372036854775807", 2**63 - 1),
        ("session_date", pl.Date, "2024-01-02", date(2024, 1, 2)),
        ("session_date", pl.Date, "2024-01-02 00:00:00-05:00", date(2024, 1, 2)),
        ("session_date", pl.Date, datetime(2024, 1, 2, 23), date(2024, 1, 2)),
        (
            "session_date",
            pl.Date,
            "02/01/2024",
            "session_date '02/01/2024' has no stated order, set FINPULSE_DAY_ORDER to mdy or dmy",
        ),
        ("session_date", pl.Date, "2024/01/02", date(2024, 1, 2)),
        ("session_date", pl.Date, "2024.01.02", date(2024, 1, 2)),
        ("session_date", pl.Date, "20240102", date(2024, 1, 2)),
        ("session_date", pl.Date, 20240102, date(2024, 1, 2)),
        ("session_date", pl.Date, 20241302, "session_date '20241302' is not a day"),
        # Midnight of New York, the close there, and midnight of UTC: all are of one day.
        ("session_date", pl.Date, 1704171600000, date(2024, 1, 2)),
        ("session_date", pl.Date, "1704229200000", date(2024, 1, 2)),
        ("session_date", pl.Date, 1704153600, date(2024, 1, 2)),
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


@pytest.mark.parametrize(("order", "day"), [("mdy", date(2024, 5, 2)), ("dmy", date(2024, 2, 5))])
@pytest.mark.parametrize("written", ["05/02/2024", "5/2/2024", "05-02-2024", "05.02.2024"])
def test_a_day_with_slashes_has_the_stated_order(order: str, day: date, written: str) -> None:
    raw = pl.DataFrame({"raw": [written]})
    cell = read_cell("session_date", "raw", pl.String, pl.Date, Notation(day_order=order))
    assert raw.select(cell.value, problem=cell.problem).row(0) == (day, None)


def test_a_time_without_a_zone_is_in_the_stated_one() -> None:
    raw = pl.DataFrame({"raw": ["2024-03-11 09:30", "20240311093000", "2024-03-11T13:30:00Z",
                                "2024-01-11 09:30:00", "2024-03-10 02:30:00"]})  # fmt: skip
    cell = read_cell("bar_at", "raw", pl.String, schemas.UTC, Notation(zone="America/New_York"))
    summer, winter = (datetime(2024, 3, 11, 13, 30, tzinfo=UTC),
                      datetime(2024, 1, 11, 14, 30, tzinfo=UTC))  # fmt: skip
    # The last one does not exist: the clocks were put forward at two.
    assert raw.select(cell.value).to_series().to_list() == [summer, summer, summer, winter, None]


def test_a_decimal_comma_parts_no_thousands() -> None:
    raw = pl.DataFrame({"raw": ["1,234", "1.5"]})
    cell = read_cell("open", "raw", pl.String, pl.Float64, Notation(has_thousands=False))
    assert raw.select(cell.value).to_series().to_list() == [None, 1.5]


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
