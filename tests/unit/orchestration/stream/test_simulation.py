"""Scripts and paces of simulated messages, and the options of `finpulse simulate --to`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.cli.simulate_messages import Wish, send_messages
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan
from finpulse_assets.domain.simulator.story import STORIES, story_texts
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.gateways.sources.stream.messages import Bar, Text
from finpulse_assets.gateways.sources.stream.script import Timed, as_messages
from finpulse_assets.orchestration.stream.simulation import Pace, send, source_script, story_script
from tests.fakes.stream import NOON, bar, text

SECOND = timedelta(seconds=1)


class Kept:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[tuple[Text | Bar, datetime | None]] = []

    def send(self, message: Text | Bar, sent_at: datetime | None = None) -> None:
        self.messages.append((message, sent_at))


def waits(pace: Pace, script: list[Timed]) -> list[float]:
    """Return when each message goes, in seconds from the first, by a clock that waits move."""
    at = [100.0]

    def sleep(seconds: float) -> None:
        at[0] += seconds

    return [at[0] - 100 for _ in pace.paced(script, sleep=sleep, clock=lambda: at[0])]


SCRIPT = [Timed(NOON + n * 60 * SECOND, text(n)) for n in range(4)]


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        (Pace(), [0, 0, 0, 0]),
        (Pace(rate=2), [0, 0.5, 1, 1.5]),
        (Pace(rate=2, burst=2), [0, 0, 1, 1]),
        (Pace(speed_up=30), [0, 2, 4, 6]),
        (Pace(speed_up=60, rate=0.5), [0, 2, 4, 6]),
    ],
)
def test_a_pace_says_when_each_message_goes(pace, expected):
    assert waits(pace, SCRIPT) == pytest.approx(expected)


def test_a_market_becomes_messages_in_the_order_of_their_times():
    sessions = build_sessions(date(2018, 1, 2), date(2018, 3, 2))
    market = SimulatedSource(MarketPlan(ticker_count=3, session_count=5), sessions)
    kinds = ("tweets", "headlines", "prices", "corporate_actions")
    script, left_out = source_script(Source("simulator", kinds, market, market), None)
    found = market.market
    bars = [it for it in script if isinstance(it.message, Bar)]
    assert len(bars) == found.price_versions.height == 15
    assert len(script) - 15 == found.tweets.height + found.headlines.height
    assert left_out == 0
    times = [it.sent_at for it in script]
    assert times == sorted(times)
    decided = dict(sessions.select("session_date", "decision_at").rows())
    assert all(it.sent_at >= decided[it.message.session_date] for it in bars)
    later, _ = source_script(Source("simulator", kinds, market, market), date(2018, 3, 1))
    assert 0 < len(later) < len(script)
    assert later == script[-len(later) :]


def test_rows_that_lack_what_a_message_needs_make_none():
    rows = pl.DataFrame([{"text_id": "1", "ticker": None, "event_time": NOON, "text": "up",
                          "knowledge_time": NOON}])  # fmt: skip
    empty = rows.clear()
    bars = pl.DataFrame([], schema={"session_date": pl.Date, **dict.fromkeys(
        ("ticker", "open", "high", "low", "close", "volume_shares", "price_basis"), pl.String),
        "knowledge_time": pl.Datetime("us", "UTC")})  # fmt: skip
    sessions = build_sessions(date(2024, 7, 1), date(2024, 7, 5))
    assert list(as_messages(tweets=rows, headlines=empty, prices=bars, sessions=sessions)) == []


def test_messages_keep_their_times_or_are_of_now_under_new_ids():
    kept = Kept()
    assert send([*SCRIPT, Timed(NOON, bar())], kept)["bars"] == 1
    assert kept.messages[0] == (text(0), NOON)
    kept, moment = Kept(), datetime(2026, 1, 1, tzinfo=UTC)
    counts = send([*SCRIPT, Timed(NOON, bar())], kept, as_of_now=lambda: moment)
    assert counts == {"texts": 4, "bars": 0, "left_out": 1}
    (first, at), *_ = kept.messages
    assert (first.event_time, first.knowledge_time, at) == (moment, None, None)
    assert first.text_id.endswith("-id0")
    assert first.text_id != "id0"


def test_a_story_has_one_opinion_and_a_turn_has_two():
    first = [it.text for it in story_texts("turn", "AAPL", count=40, seed=3)]
    assert first == [it.text for it in story_texts("turn", "AAPL", count=40, seed=3)]
    assert len(set(first)) > 20
    assert all("$AAPL" in it.text for it in story_texts("good", "AAPL", count=40, seed=3))
    halves = [list(story_texts(name, "AAPL", count=40, seed=3)) for name in ("good", "turn", "bad")]
    assert halves[1][:20] == halves[0][:20]
    assert halves[1][20:] == halves[2][20:]
    with pytest.raises(SettingError, match=r"no story 'fine'. Hint: choose good, bad, turn"):
        list(story_texts("fine", "AAPL", count=1, seed=3))
    assert set(STORIES) == {"good", "bad", "turn"}


def test_the_texts_of_a_story_are_messages_under_ids_of_their_own():
    script = list(story_script("good", "AAPL", count=5, now=lambda: NOON))
    assert len({it.message.text_id for it in script}) == 5
    assert {(it.message.ticker, it.message.source) for it in script} == {("AAPL", "simulator")}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"to": "redis://h:1"}, "it should be kafka://HOST:PORT"),
        ({"story": "good"}, "--story needs a --ticker"),
        ({"since": "June"}, "--from is June"),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_anything_is_sent(changed, sentence):
    wish = {
        "to": "kafka://127.0.0.1:1",
        "story": None,
        "ticker": None,
        "messages": 1,
        "since": None,
        "is_now": False,
        "rate": None,
        "burst": 1,
        "speed_up": None,
        "files": {},
    }
    with pytest.raises(SettingError, match=sentence):
        send_messages(Wish(**{**wish, **changed}), {}, as_json=False)
