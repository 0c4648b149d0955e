"""The sources of a scripted market answer as they would have at a given time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, MarketScript
from finpulse_assets.domain.simulator.script import Outage
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.simulated.scripted_source import ScriptedMarket

SESSIONS = build_sessions(date(2017, 12, 29), date(2018, 3, 29))
DAYS, DECIDED = SESSIONS["session_date"].to_list(), SESSIONS["decision_at"].to_list()
SCRIPT = MarketScript(outages=(Outage("wire", DAYS[20], DAYS[22]),))
BEGIN = datetime(2017, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def market() -> ScriptedMarket:
    return ScriptedMarket(MarketPlan(ticker_count=4, session_count=60), SCRIPT, SESSIONS)


def test_a_source_that_is_down_hurts_itself_alone(market: ScriptedMarket):
    sources = market.sources(DECIDED[21])
    with pytest.raises(SourceError, match=f"wire does not answer on {DAYS[21]}: HTTP 503"):
        sources.named("wire").ask("tweets", BEGIN, DECIDED[21])
    with pytest.raises(SourceError, match="wire"):
        sources.named("wire").texts.extent()
    end = DECIDED[21] + timedelta(microseconds=1)
    prices = sources.named("exchange").ask("prices", BEGIN, end)
    assert prices.height == 4 * 20  # of 60 sessions, 40 lie ahead


@pytest.mark.parametrize("number", [19, 23])
def test_it_answers_before_and_after(market: ScriptedMarket, number: int):
    wire = market.sources(DECIDED[number]).named("wire")
    assert wire.ask("tweets", BEGIN, DECIDED[number]).height > 0


def test_what_it_has_ends_with_the_last_decided_session(market: ScriptedMarket):
    just_before = DECIDED[30] - timedelta(seconds=1)
    extent = market.sources(just_before).named("exchange").prices.extent()
    assert extent.last == SESSIONS["close_at"][29]


def test_a_request_for_texts_is_noted_before_it_is_answered(market: ScriptedMarket):
    asked = []
    market.on_request = lambda source, kind: asked.append((source, kind))
    market.sources(DECIDED[30]).named("wire").ask("headlines", BEGIN, DECIDED[30])
    market.on_request = None
    assert asked == [("wire", "headlines")]
