"""Simulated minutes add up to their day, and a later end leaves them as they were."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.simulator import MarketPlan, simulate, simulate_minutes
from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.schemas import BARS_1M
from tests.unit.domain.simulator.simulated_markets import SESSIONS, until

PLAN = MarketPlan(ticker_count=12, session_count=40)
END = date(2018, 12, 31)  # 2018-12-24 is a half-day


@pytest.fixture(scope="module")
def minutes() -> pl.DataFrame:
    return simulate_minutes(PLAN, until(END), last=40)


def daily(minutes: pl.DataFrame) -> pl.DataFrame:
    return (
        minutes.group_by("ticker", "session_date")
        .agg(
            pl.first("open"), pl.max("high"), pl.min("low"), pl.last("close"),
            volume_shares=pl.sum("volume").cast(pl.Int64),
        )
        .sort("ticker", "session_date")
    )  # fmt: skip


def assert_adds_up(plan: MarketPlan, sessions: pl.DataFrame) -> None:
    minutes = simulate_minutes(plan, sessions, last=plan.session_count)
    prices = simulate(plan, sessions).prices
    told = daily(minutes)
    assert told.equals(prices.select(told.columns))
    assert BARS_1M.enforce(minutes).equals(minutes)
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert minutes.filter((pl.col("high") < top) | (pl.col("low") > bottom)).is_empty()
    assert minutes.filter(~pl.col("close").is_between("bid", "ask")).is_empty()
    assert minutes.filter((pl.col("bid") <= 0) | (pl.col("bid") >= pl.col("ask"))).is_empty()
    assert minutes["volume"].min() >= 0


def test_minutes_add_up_to_the_daily_bars() -> None:
    assert_adds_up(PLAN, until(END))


@settings(max_examples=10)
@given(
    st.builds(
        MarketPlan,
        ticker_count=st.integers(1, 20),
        session_count=st.integers(1, 10),
        seed=st.integers(0, 2**63 - 1),
        effect=st.floats(0, 5),
        texts_per_session=st.just(0),
        headlines_per_session=st.just(0),
    )
)
def test_every_plan_adds_up(plan: MarketPlan) -> None:
    assert_adds_up(plan, until(date(2018, 2, 28)))


@pytest.mark.parametrize("later", [date(2019, 1, 2), date(2019, 1, 31)])
def test_a_later_end_reproduces_every_common_bar(minutes: pl.DataFrame, later: date) -> None:
    after = simulate_minutes(PLAN, until(later), last=40)
    shared = minutes.filter(pl.col("session_date") >= after["session_date"].min())
    assert shared.height > 10_000
    assert shared.equals(after.filter(pl.col("session_date") <= END))


def test_fewer_sessions_are_the_last_of_more(minutes: pl.DataFrame) -> None:
    few = simulate_minutes(PLAN, until(END), last=3)
    assert few["session_date"].unique().sort().to_list()[0] == date(2018, 12, 27)
    assert few.equals(minutes.filter(pl.col("session_date") >= date(2018, 12, 27)))


def test_another_seed_is_another_market(minutes: pl.DataFrame) -> None:
    other = MarketPlan(ticker_count=12, session_count=40, seed=8)
    assert not simulate_minutes(other, until(END), last=40).equals(minutes)


def test_bars_lie_within_their_session_and_belong_to_it(minutes: pl.DataFrame) -> None:
    rows = minutes.join(SESSIONS, on="session_date")
    inside = (rows["bar_at"] >= rows["open_at"]) & (rows["known_at"] <= rows["close_at"])
    assert inside.all()
    assert ((minutes["known_at"] - minutes["bar_at"]) == timedelta(minutes=1)).all()
    assigned = assign_sessions(
        minutes.select(knowledge_time="known_at", meant="session_date"), SESSIONS
    )
    assert assigned["meant"].equals(assigned["session_date"], check_names=False)
    half_day = minutes.filter(pl.col("session_date") == date(2018, 12, 24))
    assert half_day["bar_at"].n_unique() == 210


def test_some_minutes_are_missing_but_never_the_auctions(minutes: pl.DataFrame) -> None:
    by_day = (
        minutes.group_by("ticker", "session_date")
        .agg(pl.len(), first_at=pl.min("bar_at"), last_known_at=pl.max("known_at"))
        .join(SESSIONS, on="session_date")
    )
    assert (by_day["first_at"] == by_day["open_at"]).all()
    assert (by_day["last_known_at"] == by_day["close_at"]).all()
    full = by_day.filter(~pl.col("is_half_day"))["len"]
    assert full.max() <= 390
    assert (full < 390).mean() > 0.3
    assert full.mean() > 300


def test_most_is_traded_at_the_open_and_the_close(minutes: pl.DataFrame) -> None:
    full = minutes.join(SESSIONS.filter(~pl.col("is_half_day")), on="session_date")
    part = (pl.col("bar_at") - pl.col("open_at")).dt.total_minutes() // 65
    first, *middle, last = (
        full.group_by(part=part).agg(pl.sum("volume")).sort("part")["volume"].to_list()
    )
    assert len(middle) == 4
    assert min(first, last) > 1.3 * max(middle)


def test_none_are_asked_for(minutes: pl.DataFrame) -> None:
    assert simulate_minutes(PLAN, until(END), last=0).equals(BARS_1M.empty())
    # No minutes of days that the market has no daily bars of.
    assert simulate_minutes(PLAN, until(END), last=500).equals(minutes)


def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(SettingError, match="last is -1, it should be a number of sessions from 0"):
        simulate_minutes(PLAN, until(END), last=-1)
    with pytest.raises(SourceError, match="hold 21 from 2018-01-02 on, the plan asks for 40"):
        simulate_minutes(PLAN, until(date(2018, 1, 31)), last=1)
