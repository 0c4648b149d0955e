"""The clock of a run: months, windows and the as-of time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.gateways.sources.protocols import Extent
from finpulse_assets.gateways.sources.source import Source, Sources
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.resources import resolve_clock
from finpulse_assets.orchestration.run.sources import build_sources
from finpulse_assets.settings import load_settings


class _Source:
    def __init__(self, extent: Extent | Exception | None) -> None:
        self._extent = extent

    def extent(self) -> Extent | None:
        if isinstance(self._extent, Exception):
            raise self._extent
        return self._extent


def sources(first: datetime, last: datetime) -> Sources:
    return listed(Extent(first, last))


def listed(*extents: Extent | Exception | None) -> Sources:
    parts = [_Source(extent) for extent in extents]
    return Sources(
        tuple(Source(f"s{at}", ("prices",), part, part) for at, part in enumerate(parts))
    )


CLOSE = datetime(2015, 9, 30, 20, tzinfo=UTC)
START = datetime(2015, 1, 2, 14, 30, tzinfo=UTC)


def test_a_data_set_that_ended_is_run_as_of_its_own_end():
    clock = resolve_clock(load_settings(), sources(START, CLOSE))
    assert clock.as_of == datetime(2015, 9, 30, 20, 15, tzinfo=UTC)
    assert clock.months == [f"2015-{month:02d}-01" for month in range(1, 10)]


def test_an_as_of_time_before_the_next_decision_is_within_the_data():
    settings = load_settings(as_of="2015-10-01T20:14")
    assert resolve_clock(settings, sources(START, CLOSE)).as_of.day == 1


def test_a_live_source_runs_as_of_now():
    clock = resolve_clock(load_settings(), listed(None))
    assert abs((datetime.now(UTC) - clock.as_of).total_seconds()) < 60
    assert len(clock.months) in (25, 26)


def test_prices_reach_as_far_as_the_source_that_has_most():
    earlier = datetime(2015, 9, 28, 20, tzinfo=UTC)
    clock = resolve_clock(load_settings(), listed(Extent(START, earlier), Extent(START, CLOSE)))
    assert clock.as_of == datetime(2015, 9, 30, 20, 15, tzinfo=UTC)


def test_a_source_that_is_down_leaves_the_clock_to_the_others():
    down = SourceError("no answer")
    clock = resolve_clock(load_settings(), listed(down, Extent(START, CLOSE)))
    assert clock.as_of.date() == date(2015, 9, 30)
    with pytest.raises(SourceError, match="no answer"):
        resolve_clock(load_settings(), listed(down))


def test_windows_are_new_york_months_cut_at_both_ends():
    clock = RunClock(as_of=datetime(2024, 3, 15, 20, tzinfo=UTC), start_date=date(2024, 1, 10))
    first, end = clock.window(["2024-01-01", "2024-02-01"])
    assert first == datetime(2024, 1, 10, 5, tzinfo=UTC)
    assert end == datetime(2024, 3, 1, 5, tzinfo=UTC)
    _, end = clock.window(["2024-03-01"])
    assert end == datetime(2024, 3, 15, 20, 0, 0, 1, tzinfo=UTC)
    first, end = clock.window(["2024-04-01"])
    assert first == end, "a month ahead of the run is empty"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"as_of": "2999-01-01"}, "lies ahead of now"),
        ({"as_of": "2014-06-30"}, "the data begins on 2015-01-02, after the as-of time 2014-06-30"),
        ({"start_date": "2016-01-01"}, "the data begins on 2016-01-01, after the as-of time"),
        (
            {"as_of": "2015-10-01T20:15"},
            "2015-10-01 20:15 UTC lies beyond the prices, which end with the session decided at "
            "2015-09-30 20:15",
        ),
    ],
)
def test_a_clock_that_cannot_be_is_named(overrides, sentence):
    with pytest.raises(SettingError, match=sentence):
        resolve_clock(load_settings(**overrides), sources(START, CLOSE))


@pytest.mark.parametrize("last", [datetime(2009, 12, 31, 21, tzinfo=UTC),
                                  datetime(1998, 5, 4, 20, tzinfo=UTC)])  # fmt: skip
def test_prices_that_end_before_the_first_day_are_one_sentence(last):
    with pytest.raises(SettingError, match=f"the prices end on {last:%Y-%m-%d}, before 2010-01-01"):
        resolve_clock(load_settings(), sources(datetime(1990, 1, 2, tzinfo=UTC), last))


def test_an_as_of_time_before_the_first_day_is_one_sentence():
    old = datetime(2005, 1, 3, 14, 30, tzinfo=UTC)
    with pytest.raises(SettingError, match="2009-06-30 23:59 UTC lies before 2010-01-01"):
        resolve_clock(load_settings(as_of="2009-06-30"), sources(old, CLOSE))


def test_history_before_the_first_day_is_named(caplog):
    clock = resolve_clock(load_settings(), sources(datetime(2005, 1, 3, tzinfo=UTC), CLOSE))
    assert clock.start_date == date(2010, 1, 1)
    assert caplog.messages == [
        "the data begin on 2005-01-02; rows before 2010-01-01 are not loaded"
    ]


def test_the_files_profile_says_what_it_needs():
    with pytest.raises(SettingError, match="FINPULSE_PRICES_PATH is not set"):
        build_sources(load_settings(profile="files"))
