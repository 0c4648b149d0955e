"""One contract for every source of minute bars: in memory, files, simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpulse_assets.domain.calendar import build_sessions, month_of
from finpulse_assets.domain.simulator import MarketPlan
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
from finpulse_assets.gateways.sources.minute_source import DELIVERED_BARS_1M, MinuteSource
from finpulse_assets.gateways.sources.simulated.simulated_minutes import SimulatedMinuteSource
from tests.fakes.minutes import MINUTES_END, MINUTES_START, fake_minutes, small_minutes

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "parquet": lambda frame, path: frame.write_parquet(path),
    "csv": lambda frame, path: frame.write_csv(path),
    "ndjson": lambda frame, path: frame.write_ndjson(path),
}
KEY = ["ticker", "bar_at"]


@dataclass(frozen=True)
class World:
    """A source of minute bars, and a window with all that it has."""

    source: MinuteSource
    start: datetime = MINUTES_START
    end: datetime = MINUTES_END

    def bars(self, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        parts = self.source.bars_1m(start or self.start, end or self.end)
        empty = pl.DataFrame(schema=DELIVERED_BARS_1M)
        return pl.concat([empty, *(part.bars for part in parts)])


@pytest.fixture(scope="module", params=["fake", *WRITERS, "simulated"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    if request.param == "fake":
        return World(fake_minutes())
    if request.param in WRITERS:
        path = tmp_path_factory.mktemp("minutes") / f"bars.{request.param}"
        WRITERS[request.param](small_minutes(), path)
        return World(FileMinuteSource(path))
    sessions = build_sessions(date(2018, 1, 2), date(2018, 4, 3))
    source = SimulatedMinuteSource(MarketPlan(ticker_count=3, session_count=40), sessions, last=3)
    return World(source, datetime(2018, 3, 1, tzinfo=UTC), datetime(2018, 5, 1, tzinfo=UTC))


def test_bars_come_in_the_delivered_columns(world: World) -> None:
    bars = world.bars()
    assert bars.schema == pl.Schema(DELIVERED_BARS_1M)
    assert bars.height > 0
    full = [*KEY, "open", "high", "low", "close", "volume", "price_basis", "source"]
    assert bars.select(pl.col(full).null_count()).sum_horizontal().item() == 0
    assert bars["problem"].null_count() == bars.height


def test_every_teller_of_the_small_bars_tells_the_same(world: World) -> None:
    if world.source.name == "simulator":
        pytest.skip("it tells a market of its own")
    told = world.bars().sort(KEY)
    assert_frame_equal(told.select(small_minutes().columns), small_minutes().sort(KEY))


def test_months_ascend_and_hold_their_own_bars(world: World) -> None:
    parts = list(world.source.bars_1m(world.start, world.end))
    months = [part.month for part in parts]
    assert months == sorted(set(months))
    assert len(months) > 1
    for part in parts:
        assert set(part.bars.select(month_of("bar_at")).to_series()) == {part.month}


def test_windows_are_half_open_at_the_start_of_the_minute(world: World) -> None:
    whole = world.bars()
    times = whole["bar_at"].unique().sort()
    edge = times[len(times) // 2]
    before, after = world.bars(end=edge), world.bars(start=edge)
    assert before["bar_at"].max() < edge == after["bar_at"].min()
    assert_frame_equal(pl.concat([before, after]).sort(KEY), whole.sort(KEY))


def test_an_empty_window_is_no_month(world: World) -> None:
    assert list(world.source.bars_1m(world.start, world.start)) == []


def test_asking_again_gives_the_same(world: World) -> None:
    assert_frame_equal(world.bars(), world.bars())


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (datetime(2024, 1, 2), MINUTES_END, r"the window starts at 2024-01-02 00:00, .* no time"),
        (MINUTES_END, MINUTES_START, "is backwards"),
    ],
)
def test_a_window_that_is_none_is_refused(
    world: World, start: datetime, end: datetime, sentence: str
) -> None:
    with pytest.raises(SettingError, match=sentence):
        list(world.source.bars_1m(start, end))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 92 * 24 * 60), min_size=1, max_size=4))
def test_windows_that_touch_deliver_every_bar_once(cuts: list[int]) -> None:
    world = World(fake_minutes())
    edges = [world.start, *sorted(world.start + timedelta(minutes=cut) for cut in cuts), world.end]
    parts = [world.bars(a, b) for a, b in pairwise(edges) if a < b]
    assert_frame_equal(pl.concat(parts).sort(KEY), world.bars().sort(KEY))
