"""What happens to a scripted market, and what its sources show of it on a day."""

from datetime import date

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, MarketScript, Regime, simulate
from finpulse_assets.domain.simulator.script import (
    Correction,
    LateTexts,
    Split,
    archive_on,
    played,
    shown_on,
)

PLAN = MarketPlan(ticker_count=4, session_count=60, texts_per_session=4)
# The session before the market's epoch too: a text's session begins with the decision before it.
SESSIONS = build_sessions(date(2017, 12, 29), date(2018, 3, 29))
DAYS = SESSIONS["session_date"].to_list()
DECIDED = SESSIONS["decision_at"].to_list()
MARKET = simulate(PLAN, SESSIONS)
ALDA, BREL, CALW, DUNH = sorted(MARKET.tickers["ticker"])


def bar(prices: pl.DataFrame, ticker: str, day: date) -> dict[str, object]:
    return prices.filter(ticker=ticker, session_date=day).row(0, named=True)


def test_a_market_without_a_script_is_shown_as_it_is():
    shown = shown_on(played(MARKET, MarketScript()), MarketScript(), SESSIONS, DAYS[-1])
    assert shown.prices.equals(MARKET.prices)
    assert shown.tweets.equals(MARKET.tweets)
    assert shown.tickers.equals(MARKET.tickers)


def test_nothing_is_shown_before_it_is_known():
    shown = shown_on(MARKET, MarketScript(), SESSIONS, DAYS[30])
    assert shown.prices["session_date"].max() == DAYS[30]
    assert shown.tweets["knowledge_time"].max() < DECIDED[30]


def test_a_regime_changes_nothing_before_its_first_session():
    regime = Regime(first=DAYS[40], effect=0.0, volatility=3.0)
    changed = simulate(PLAN, SESSIONS, regime)
    before = pl.col("session_date") < DAYS[40]
    assert changed.prices.filter(before).equals(MARKET.prices.filter(before))
    assert not changed.prices.equals(MARKET.prices)
    planted = changed.truth.with_columns(is_before=before).group_by("is_before")
    most = dict(planted.agg(pl.col("planted_return").abs().max()).iter_rows())
    assert most[True] > 0
    assert most[False] == 0


def test_a_regime_of_another_volatility_moves_prices_more():
    calm = simulate(PLAN, SESSIONS, Regime(first=DAYS[40], effect=PLAN.effect))
    wild = simulate(PLAN, SESSIONS, Regime(first=DAYS[40], effect=PLAN.effect, volatility=3.0))
    assert calm.prices.equals(MARKET.prices)
    move = (pl.col("close") / pl.col("open")).log().abs().mean()
    after = pl.col("session_date") >= DAYS[40]
    moved = [market.prices.filter(after).select(move).item() for market in (calm, wild)]
    assert moved[1] > 2 * moved[0]


def test_a_split_divides_prices_from_its_day_on_and_is_an_action_at_its_open():
    market = played(MARKET, MarketScript(splits=(Split(ALDA, DAYS[35], 2),)))
    was, now = (bar(m.prices, ALDA, DAYS[35]) for m in (MARKET, market))
    assert now["close"] == pytest.approx(was["close"] / 2, abs=0.006)
    assert now["volume_shares"] == 2 * was["volume_shares"]
    assert bar(market.prices, ALDA, DAYS[34]) == bar(MARKET.prices, ALDA, DAYS[34])
    action = market.corporate_actions.filter(ticker=ALDA, kind="split").row(0, named=True)
    assert (action["ex_date"], action["value"]) == (DAYS[35], 2.0)
    assert action["knowledge_time"] == SESSIONS["open_at"][35]


def test_an_added_ticker_brings_its_history():
    script = MarketScript(added=((DUNH, DAYS[40]),))
    before, after = (shown_on(MARKET, script, SESSIONS, DAYS[n]) for n in (39, 40))
    assert DUNH not in before.tickers["ticker"]
    assert before.tweets.filter(ticker=DUNH).is_empty()
    assert after.prices.filter(ticker=DUNH)["session_date"].min() == DAYS[2]


def test_a_delisted_ticker_keeps_its_history_and_its_end_is_known_afterwards():
    script = MarketScript(delisted=((CALW, DAYS[50]),))
    market = played(MARKET, script)
    ends = {}
    for number in (50, 52):
        shown = shown_on(market, script, SESSIONS, DAYS[number])
        assert shown.prices.filter(ticker=CALW)["session_date"].max() == DAYS[50]
        ends[number] = shown.tickers.filter(ticker=CALW)["valid_to"][0]
    assert ends == {50: None, 52: DAYS[50]}


def test_late_texts_come_on_their_day_and_the_archive_says_so():
    script = MarketScript(late=(LateTexts(DAYS[20], DAYS[22]),))
    counts = [shown_on(MARKET, script, SESSIONS, DAYS[n]).tweets.height for n in (20, 21, 22)]
    none = MarketScript()
    usual = [shown_on(MARKET, none, SESSIONS, DAYS[n]).tweets.height for n in (20, 21, 22)]
    late = usual[0] - counts[0]
    assert late > 0
    assert [u - c for u, c in zip(usual, counts, strict=True)] == [late, late, 0]
    archive = archive_on(MARKET, script, SESSIONS, DAYS[-1]).tweets
    assert archive.height == MARKET.tweets.height
    assert archive.filter(knowledge_time=DECIDED[22]).height == late


def test_a_corrected_bar_is_shown_in_place_of_the_first_and_archived_beside_it():
    script = MarketScript(corrections=(Correction(BREL, DAYS[25], DAYS[27], 1.1),))
    was = bar(MARKET.prices, BREL, DAYS[25])
    first, mended = (
        bar(shown_on(MARKET, script, SESSIONS, DAYS[n]).prices, BREL, DAYS[25]) for n in (26, 27)
    )
    assert first == was
    assert mended["close"] == round(was["close"] * 1.1, 2)
    assert mended["high"] == max(was["high"], mended["close"])
    assert mended["knowledge_time"] == was["knowledge_time"]  # as vendors' bars say
    archive = archive_on(MARKET, script, SESSIONS, DAYS[-1]).prices
    versions = archive.filter(ticker=BREL, session_date=DAYS[25]).sort("knowledge_time")
    assert versions["close"].to_list() == [was["close"], mended["close"]]
    assert versions["knowledge_time"].to_list() == [was["knowledge_time"], DECIDED[27]]
