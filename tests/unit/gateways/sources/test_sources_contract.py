"""One contract for every source of texts and prices: in memory, files, simulated, Yahoo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    TEXT_KINDS,
    PriceSource,
    TextSource,
    days_within,
    time_on,
)
from finpulse_assets.gateways.sources.yahoo.yahoo import YahooSource
from finpulse_assets.schemas import TICKERS
from tests.fakes.sources import (
    COMPANIES,
    END,
    START,
    small_actions,
    small_fakes,
    small_prices,
    small_texts,
)
from tests.fakes.yahoo_server import LoopbackSession, yahoo_server

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "parquet": lambda frame, path: frame.write_parquet(path),
    "csv": lambda frame, path: frame.write_csv(path),
    "ndjson": lambda frame, path: frame.write_ndjson(path),
}


@dataclass(frozen=True)
class World:
    """A source of texts and one of prices, and a window with all that they have."""

    texts: TextSource
    prices: PriceSource
    start: datetime = START
    end: datetime = END


def _files(folder: Path, ending: str) -> World:
    frames = {
        "tweets": small_texts("1"),
        "headlines": small_texts("2"),
        "prices": small_prices(),
        "actions": small_actions(),
        "companies": pl.DataFrame({"symbol": COMPANIES.keys(), "company": COMPANIES.values()}),
    }
    paths = {name: folder / f"{name}.{ending}" for name in frames}
    for name, frame in frames.items():
        WRITERS[ending](frame, paths[name])
    return World(
        FileTextSource(tweets=paths["tweets"], headlines=paths["headlines"]),
        FilePriceSource(
            prices=paths["prices"], corporate_actions=paths["actions"], tickers=paths["companies"]
        ),
    )


def _simulated() -> World:
    from finpulse_assets.domain.simulator import MarketPlan
    from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource

    sessions = build_sessions(date(2018, 1, 2), date(2018, 3, 29))
    plan = MarketPlan(ticker_count=5, session_count=40, texts_per_session=1.0)
    source = SimulatedSource(plan, sessions)
    return World(source, source, datetime(2018, 1, 1, tzinfo=UTC), datetime(2018, 5, 1, tzinfo=UTC))


@pytest.fixture(scope="module", params=["fake", *WRITERS, "simulated", "yahoo"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    if request.param == "fake":
        yield World(*small_fakes())
    elif request.param in WRITERS:
        yield _files(tmp_path_factory.mktemp("files"), request.param)
    elif request.param == "simulated":
        yield _simulated()
    else:
        import yfinance

        yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("zones")))
        with yahoo_server() as server:
            source = YahooSource(list(COMPANIES), session=LoopbackSession(server), now=lambda: END)
            yield World(source, source)


def _delivered_at(frame: pl.DataFrame) -> pl.Series:
    return frame.select(pl.coalesce("knowledge_time", "event_time").alias("at"))["at"]


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_texts_come_in_the_delivered_columns(world: World, kind: str) -> None:
    frame = world.texts.texts(kind, world.start, world.end)
    assert frame.schema == pl.Schema(DELIVERED_TEXTS)
    assert frame["problem"].null_count() == frame.height
    full = ("text_id", "ticker", "event_time", "text", "is_retweet", "source")
    assert frame.select(pl.col(full).null_count().sum()).row(0) == (0,) * len(full)


def test_prices_and_actions_come_in_the_delivered_columns(world: World) -> None:
    prices = world.prices.prices(world.start, world.end)
    actions = world.prices.corporate_actions(world.start, world.end)
    assert prices.schema == pl.Schema(DELIVERED_PRICES)
    assert actions.schema == pl.Schema(DELIVERED_ACTIONS)
    assert prices.height > 0
    assert prices.drop("knowledge_time", "problem").null_count().sum_horizontal().item() == 0
    assert set(actions["kind"]) <= {"split", "dividend"}
    assert prices["problem"].null_count() == prices.height


def test_every_teller_of_the_small_market_tells_the_same(world: World) -> None:
    if world.texts.name == "simulator":
        pytest.skip("it tells a market of its own")
    told = world.prices.prices(START, END).sort("ticker", "session_date")
    assert_frame_equal(
        told.select(small_prices().columns), small_prices().sort("ticker", "session_date")
    )
    actions = world.prices.corporate_actions(START, END).sort("ex_date")
    assert_frame_equal(actions.select(small_actions().columns), small_actions())
    headlines = world.texts.texts("headlines", START, END).sort("text_id")
    assert_frame_equal(headlines.select(small_texts("2").columns), small_texts("2"))
    assert world.prices.tickers()["company"].to_list() == list(COMPANIES.values())


def test_text_windows_are_half_open(world: World) -> None:
    whole = world.texts.texts("headlines", world.start, world.end)
    times = _delivered_at(whole).unique().sort()
    edge = times[len(times) // 2]
    before = world.texts.texts("headlines", world.start, edge)
    after = world.texts.texts("headlines", edge, world.end)
    assert _delivered_at(before).max() < edge == _delivered_at(after).min()
    key = ["text_id", "ticker", "event_time"]
    assert_frame_equal(pl.concat([before, after]).sort(key), whole.sort(key))


def test_price_windows_are_half_open_at_the_close(world: World) -> None:
    whole = world.prices.prices(world.start, world.end)
    days = whole["session_date"].unique().sort()
    day = days[len(days) // 2]
    close = time_on(day, "close_at")
    before = world.prices.prices(world.start, close)
    after = world.prices.prices(close, world.end)
    assert before["session_date"].max() < day == after["session_date"].min()
    key = ["ticker", "session_date"]
    assert_frame_equal(pl.concat([before, after]).sort(key), whole.sort(key))
    assert day in world.prices.prices(close, close + timedelta(microseconds=1))["session_date"]


def test_an_empty_window_is_an_empty_delivery(world: World) -> None:
    assert world.texts.texts("headlines", world.start, world.start).is_empty()
    assert world.prices.prices(world.start, world.start).is_empty()
    assert world.prices.corporate_actions(world.start, world.start).is_empty()


def test_asking_again_gives_the_same(world: World) -> None:
    window = (world.start, world.end)
    assert_frame_equal(world.texts.texts("headlines", *window),
                       world.texts.texts("headlines", *window))  # fmt: skip
    assert_frame_equal(world.prices.prices(*window), world.prices.prices(*window))
    assert_frame_equal(world.prices.tickers(), world.prices.tickers())


def test_the_extent_holds_all_that_is_delivered(world: World) -> None:
    text_extent, price_extent = world.texts.extent(), world.prices.extent()
    if world.texts.name == "yahoo":
        assert text_extent is None
        assert price_extent is None
        return
    past_the_last = price_extent.last + timedelta(microseconds=1)
    prices = world.prices.prices(world.start, world.end)
    assert world.prices.prices(price_extent.first, past_the_last).height == prices.height
    assert price_extent.last == time_on(prices["session_date"].max(), "close_at")
    texts = [world.texts.texts(kind, world.start, world.end) for kind in TEXT_KINDS]
    assert text_extent.first <= min(_delivered_at(frame).min() for frame in texts)


def test_tickers_keep_their_contract_and_cover_the_prices(world: World) -> None:
    tickers = world.prices.tickers()
    assert_frame_equal(tickers, TICKERS.enforce(tickers))
    assert set(world.prices.prices(world.start, world.end)["ticker"]) <= set(tickers["ticker"])


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(SettingError, match=r"'memes' is no kind of text. Hint: use tweets or head"):
        world.texts.texts("memes", world.start, world.end)


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (datetime(2024, 1, 2), END, r"the window starts at 2024-01-02 00:00, .* no time zone"),
        (START, datetime(2024, 12, 4), r"the window ends at 2024-12-04 00:00, .* no time zone"),
        (END, START, "is backwards"),
    ],
)
def test_a_window_that_is_none_is_refused(
    world: World, start: datetime, end: datetime, sentence: str
) -> None:
    for ask in (
        lambda: world.texts.texts("tweets", start, end),
        lambda: world.prices.prices(start, end),
        lambda: world.prices.corporate_actions(start, end),
    ):
        with pytest.raises(SettingError, match=sentence):
            ask()


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        # Summer and winter: 16:00 in New York is 20:00 and 21:00 UTC.
        ("2024-07-01T20:00", "2024-07-02T20:00", (date(2024, 7, 1), date(2024, 7, 1))),
        ("2024-01-02T21:00", "2024-01-03T21:00:01", (date(2024, 1, 2), date(2024, 1, 3))),
        # A half-day closes at 13:00, a Sunday has regular hours, for rows that should not exist.
        ("2024-11-29T18:00", "2024-11-30T00:00", (date(2024, 11, 29), date(2024, 11, 29))),
        ("2024-11-29T18:01", "2024-12-01T21:00", (date(2024, 11, 30), date(2024, 11, 30))),
        # Before the calendar begins.
        ("1999-12-30T00:00", "1999-12-31T00:00", (date(1999, 12, 30), date(1999, 12, 30))),
    ],
)
def test_days_are_told_by_the_close_of_their_session(
    start: str, end: str, days: tuple[date, date]
) -> None:
    window = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (start, end)]
    assert days_within(*window, moment="close_at") == days


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9 * 24 * 3600), min_size=1, max_size=4))
def test_windows_that_touch_deliver_every_row_once(cuts: list[int]) -> None:
    texts, prices = small_fakes()
    edges = [START, *sorted(START + timedelta(seconds=cut) for cut in cuts), END]
    pairs = [(a, b) for a, b in pairwise(edges) if a <= b]
    rows = [prices.prices(a, b) for a, b in pairs]
    assert_frame_equal(
        pl.concat(rows).sort("ticker", "session_date"),
        prices.prices(START, END).sort("ticker", "session_date"),
    )
    parts = [texts.texts("tweets", a, b) for a, b in pairs]
    assert pl.concat(parts)["text_id"].sort().to_list() == small_texts("1")["text_id"].to_list()
