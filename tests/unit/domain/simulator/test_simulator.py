"""Every plan and calendar is checked, and the simulated market never rewrites its past."""

from __future__ import annotations

import hashlib
import io
import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.domain.texts.normalise import with_text_hash
from finpulse_assets.errors import SchemaError, SettingError, SourceError
from finpulse_assets.schemas import CORPORATE_ACTIONS, HEADLINES, PRICES, TICKERS, TWEETS
from tests.unit.domain.simulator.simulated_markets import (
    EPOCH,
    SESSIONS,
    until,
)

SMALL = MarketPlan(ticker_count=11, session_count=60)


def digest(market: SimulatedMarket) -> str:
    """Return a hash of every byte of every frame."""
    buffer = io.BytesIO()
    for frame in vars(market).values():
        frame.write_ipc(buffer)
    return hashlib.sha256(buffer.getvalue()).hexdigest()


class TestPlan:
    @pytest.mark.parametrize(
        ("name", "value", "limits"),
        [
            ("ticker_count", 0, "a whole number from 1 to 500"),
            ("ticker_count", 501, "a whole number from 1 to 500"),
            ("ticker_count", 2.5, "a whole number from 1 to 500"),
            ("ticker_count", True, "a whole number from 1 to 500"),
            ("session_count", 0, "a whole number from 1 to 2000"),
            ("session_count", 2001, "a whole number from 1 to 2000"),
            ("seed", -1, "a whole number from 0 to 9223372036854775807"),
            ("effect", -0.1, "a number from 0 to 5"),
            ("effect", 5.1, "a number from 0 to 5"),
            ("effect", math.nan, "a number from 0 to 5"),
            ("effect", "0.3", "a number from 0 to 5"),
            ("texts_per_session", -1, "a number from 0 to 50"),
            ("texts_per_session", 50.5, "a number from 0 to 50"),
            ("headlines_per_session", math.inf, "a number from 0 to 50"),
        ],
    )
    def test_a_value_outside_its_limits_is_named(
        self, name: str, value: object, limits: str
    ) -> None:
        with pytest.raises(SettingError) as caught:
            MarketPlan(**{name: value})
        default = getattr(MarketPlan(), name)
        expected = f"{name} is {value!r}, it should be {limits}. Hint: leave {name} out for"
        assert str(caught.value) == f"{expected} {default}."

    def test_the_limits_themselves_are_allowed(self) -> None:
        plan = MarketPlan(ticker_count=500, session_count=2000, effect=5, texts_per_session=50)
        assert (plan.seed, plan.headlines_per_session) == (7, 0.15)


class TestSessions:
    def test_sessions_after_the_epoch_are_refused(self) -> None:
        late = SESSIONS.filter(pl.col("session_date") > EPOCH)
        message = "sessions begin on 2018-01-03, the simulated market begins on 2018-01-02"
        with pytest.raises(SourceError, match=message):
            simulate(SMALL, late)

    def test_no_sessions_are_refused(self) -> None:
        with pytest.raises(SourceError, match="the sessions are empty"):
            simulate(SMALL, SESSIONS.clear())

    def test_too_few_sessions_are_refused(self) -> None:
        message = "hold 21 from 2018-01-02 on, the plan asks for 60.*lower session_count"
        with pytest.raises(SourceError, match=message):
            simulate(SMALL, until(date(2018, 1, 31)))

    def test_another_frame_is_refused(self) -> None:
        with pytest.raises(SchemaError, match="raw/sessions lacks the columns close_at"):
            simulate(SMALL, SESSIONS.drop("close_at"))

    def test_the_first_session_is_the_epoch_whenever_the_calendar_begins(self) -> None:
        end = date(2018, 3, 28)
        assert until(end).filter(pl.col("session_date") >= EPOCH).height == 60
        early = simulate(SMALL, until(end))
        exact = simulate(SMALL, until(end).filter(pl.col("session_date") >= EPOCH))
        assert digest(early) == digest(exact)
        assert early.prices["session_date"].min() == EPOCH


class TestReproducible:
    def test_same_plan_same_bytes_and_another_seed_others(self) -> None:
        sessions = until(date(2018, 12, 31))
        first = digest(simulate(SMALL, sessions))
        assert digest(simulate(SMALL, sessions)) == first
        other = MarketPlan(ticker_count=11, session_count=60, seed=8)
        assert digest(simulate(other, sessions)) != first

    @pytest.mark.parametrize("later", [date(2019, 9, 4), date(2019, 10, 31)])
    def test_a_later_end_reproduces_every_common_row(self, later: date) -> None:
        end = date(2019, 9, 3)
        before, after = simulate(SMALL, until(end)), simulate(SMALL, until(later))
        shared = before.truth.filter(pl.col("session_date") >= after.truth["session_date"].min())
        assert shared.height > 150
        assert shared.equals(after.truth.filter(pl.col("session_date") <= end))
        window = SESSIONS.filter(
            pl.col("session_date").is_between(shared["session_date"].min(), end)
        )
        known_from = SESSIONS.filter(pl.col("session_date") < window["session_date"][0])[
            "decision_at"
        ].max()
        in_common = pl.col("knowledge_time").is_between(known_from, window["decision_at"].max())
        for name in ("tweets", "headlines", "prices", "corporate_actions"):
            one, two = (getattr(m, name).filter(in_common) for m in (before, after))
            assert one.height > 0, name
            assert one.equals(two), name
        assert before.labelled_texts.equals(after.labelled_texts)
        rows = before.tickers.join(after.tickers, on="ticker")
        assert (rows["valid_from"] == rows["valid_from_right"]).all()
        gone = rows.filter(pl.col("valid_to").is_not_null())
        assert (gone["valid_to"] == gone["valid_to_right"]).all()

    def test_the_effect_changes_neither_opinions_nor_texts(self) -> None:
        sessions = until(date(2018, 12, 31))
        none, strong = (
            simulate(MarketPlan(ticker_count=11, session_count=60, effect=effect), sessions)
            for effect in (0, 2)
        )
        assert none.tweets.equals(strong.tweets)
        assert none.truth["opinion"].equals(strong.truth["opinion"])
        assert not none.prices.equals(strong.prices)


@settings(max_examples=12, deadline=None)
@given(
    plan=st.builds(
        MarketPlan,
        ticker_count=st.integers(1, 25),
        session_count=st.integers(1, 40),
        seed=st.integers(0, 2**63 - 1),
        effect=st.floats(0, 5),
        texts_per_session=st.floats(0, 4),
        headlines_per_session=st.floats(0, 2),
    )
)
def test_every_plan_keeps_every_contract(plan: MarketPlan) -> None:
    sessions = until(date(2018, 3, 29))
    market = simulate(plan, sessions)
    PRICES.enforce(market.prices)
    TICKERS.enforce(market.tickers)
    CORPORATE_ACTIONS.enforce(market.corporate_actions)
    for table, texts in ((TWEETS, market.tweets), (HEADLINES, market.headlines)):
        kept = table.enforce(assign_sessions(with_text_hash(texts), sessions))
        assert kept.height == texts.height
    assert market.truth["session_date"].n_unique() == plan.session_count
    assert market.prices["low"].min() > 0
    expected = plan.effect * market.truth["idio_sigma"] * market.truth["opinion"]
    assert (market.truth["planted_return"] - expected).abs().max() < 1e-12
