"""Minute bars: every rule with its sentence, duplicates, sessions, and the share that is there."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.ingestion.bars_1m import accept_bars_1m, in_all, minutes_present
from finpulse_assets.gateways.sources.minute_source import DELIVERED_BARS_1M
from finpulse_assets.gateways.sources.protocols import delivered_as
from finpulse_assets.schemas import BARS_1M

AS_OF = datetime(2024, 12, 31, 22, tzinfo=UTC)
SESSIONS = build_sessions(date(2024, 1, 2), date(2025, 1, 10))
NAN, INFINITY = float("nan"), float("inf")
BAR = {
    "ticker": "AAA", "bar_at": datetime(2024, 3, 11, 13, 30, tzinfo=UTC), "open": 10.0,
    "high": 11.0, "low": 9.0, "close": 10.5, "volume": 0.0, "bid": None, "ask": None,
    "bid_size": None, "ask_size": None, "price_basis": "unadjusted", "source": "s",
    "problem": None,
}  # fmt: skip


def accept(*changes, as_of=AS_OF):
    rows = [BAR | change for change in changes]
    frame = pl.DataFrame(rows, schema_overrides=dict(DELIVERED_BARS_1M), infer_schema_length=None)
    return accept_bars_1m(delivered_as(frame, DELIVERED_BARS_1M), sessions=SESSIONS, as_of=as_of)


def at(text):
    return {"bar_at": datetime.fromisoformat(text).replace(tzinfo=UTC)}


CASES = [
    ({"problem": "open 'x' is not a number"}, "open 'x' is not a number"),
    *(({name: None}, f"{name} is missing")
      for name in ("ticker", "bar_at", "open", "high", "low", "close", "volume")),
    ({"ticker": "=CMD|X"}, "ticker '=CMD|X' is no symbol; write letters, digits and . ^ = & _ / - "
     "as in BRK-B or EURUSD=X"),
    (at("2204-03-11 13:30"), "bar_at 2204-03-11 13:30:00 lies in the future"),
    (at("2024-03-11 13:30:05"), "bar_at 2024-03-11 13:30:05.000000 is no whole minute"),
    (at("2024-03-11 13:30:00.5"), "bar_at 2024-03-11 13:30:00.500000 is no whole minute"),
    ({"open": NAN}, "open is NaN, a price is above 0"),
    ({"high": INFINITY}, "high is inf, a price is above 0"),
    ({"low": 0.0}, "low is 0.0, a price is above 0"),
    ({"close": -1.0}, "close is -1.0, a price is above 0"),
    ({"high": 8.0}, "high 8.0 is below low 9.0"),
    ({"open": 11.5}, "open 11.5 is outside low 9.0 to high 11.0"),
    ({"close": 8.5}, "close 8.5 is outside low 9.0 to high 11.0"),
    ({"volume": -1.0}, "volume is -1.0, the limit is 0"),
    ({"volume": INFINITY}, "volume is inf, the limit is 0"),
    ({"bid": 0.0, "ask": 1.0}, "bid is 0.0, a price is above 0"),
    ({"ask": NAN}, "ask is NaN, a price is above 0"),
    ({"bid_size": -5.0}, "bid_size is -5.0, the limit is 0"),
    ({"bid": 10.6, "ask": 10.4}, "bid 10.6 is above ask 10.4"),
    ({"price_basis": None}, "price_basis is none of unadjusted, split_adjusted, total_return"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), CASES)
def test_a_broken_rule_names_itself(change, reason):
    delivery = accept(at("2024-03-11 14:00"), change)
    assert delivery.quarantined["reason"].to_list() == [reason]
    assert (delivery.rows.height, delivery.delivered, delivery.refused) == (1, 2, 1)


@pytest.mark.parametrize(
    "change", [{"volume": 0.0}, {"bid": 10.4}, {"bid": 10.5, "ask": 10.5, "ask_size": 0.0}]
)
def test_a_good_bar_is_kept_as_it_is(change):
    [row] = accept(change).rows.to_dicts()
    expected = BAR | change | at("2024-03-11 13:30")
    assert {name: row[name] for name in expected if name != "problem"} == {
        name: value for name, value in expected.items() if name != "problem"
    }
    assert row["known_at"] == datetime(2024, 3, 11, 13, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        # New York went to summer time on 2024-03-10: it opens at 13:30 UTC, not at 14:30.
        ("2024-03-08 14:30", date(2024, 3, 8)),
        ("2024-03-11 13:30", date(2024, 3, 11)),
        ("2024-03-11 20:13", date(2024, 3, 11)),
        # Known at 20:15, the very decision: too late for it.
        ("2024-03-11 20:14", date(2024, 3, 12)),
        # Back to winter time on 2024-11-03; the minutes of that Sunday count for the Monday.
        ("2024-11-03 06:30", date(2024, 11, 4)),
        ("2024-11-04 14:30", date(2024, 11, 4)),
        ("2024-11-04 21:13", date(2024, 11, 4)),
        ("2024-11-04 21:14", date(2024, 11, 5)),
        # The half-day of 2024-11-29 closes at 18:00 and is decided at 18:15.
        ("2024-11-29 17:59", date(2024, 11, 29)),
        ("2024-11-29 18:13", date(2024, 11, 29)),
        ("2024-11-29 18:14", date(2024, 12, 2)),
        ("2024-11-29 20:00", date(2024, 12, 2)),
        ("2024-11-30 12:00", date(2024, 12, 2)),
    ],
)
def test_a_bar_belongs_to_the_first_session_decided_after_it_is_known(moment, session):
    assert accept(at(moment)).rows["session_date"].item() == session


def test_a_minute_that_has_not_ended_is_left_for_a_later_run():
    moments = [at("2024-03-11 13:29"), at("2024-03-11 13:30")]
    delivery = accept(*moments, as_of=datetime(2024, 3, 11, 13, 30, 30, tzinfo=UTC))
    assert (delivery.rows.height, delivery.not_yet_known, delivery.refused) == (1, 1, 0)


def test_of_bars_of_one_minute_the_first_good_one_is_kept():
    delivery = accept(
        {"high": 1.0}, {"source": "a"}, {"close": 10.0}, {"source": "b"}, {"bid": 10.0, "ask": 11.0}
    )
    assert delivery.rows.select("close", "bid", "source").rows() == [(10.5, None, "a")]
    assert (delivery.delivered, delivery.refused, delivery.repeated) == (5, 3, 1)
    assert delivery.quarantined["reason"].to_list() == [
        "high 1.0 is below low 9.0",
        *["another bar of AAA at 2024-03-11 13:30 came first, and differs"] * 2,
    ]


@given(st.permutations(range(6)))
def test_the_order_of_minutes_does_not_matter(order):
    changes = [at(f"2024-03-11 13:3{i}") | {"ticker": "AB"[i % 2]} for i in range(6)]
    assert accept(*(changes[i] for i in order)).rows.equals(accept(*changes).rows)


def test_nothing_delivered_is_an_empty_table():
    delivery = accept()
    assert delivery.rows.equals(BARS_1M.empty())
    assert in_all([]).bad_share == 0.0


def test_counts_of_several_months_add_up():
    total = in_all([accept({}, {"open": NAN}), accept({}, {})])
    assert (total.delivered, total.refused, total.repeated) == (4, 1, 1)
    assert (total.rows.height, total.quarantined.height) == (0, 1)


def test_the_share_of_the_regular_minutes_that_are_there():
    half_day = [f"2024-11-29 {h}:{m:02}" for h in (15, 16) for m in range(60)]
    bars = accept(
        *(at(moment) for moment in half_day),
        *(at(f"2024-12-02 15:{m:02}") | {"ticker": "BBB"} for m in range(39)),
        at("2024-11-27 15:00") | {"ticker": "CCC"},
        at("2024-12-02 20:59") | {"ticker": "CCC"},
        at("2024-11-30 12:00") | {"ticker": "NIGHT"},
    ).rows
    told = minutes_present(bars.lazy(), SESSIONS)
    assert told["ticker"].to_list() == ["AAA", "BBB", "CCC", "NIGHT"]
    assert told["rows"].to_list() == [120, 39, 2, 1]
    # 120 of the half-day's 210; 39 of 390; 2 of 390 + 210 + 390, Thanksgiving is no session.
    assert told["minutes_present"].to_list() == [120 / 210, 0.1, 2 / 990, None]
    assert told["last_at"][2] == datetime(2024, 12, 2, 20, 59, tzinfo=UTC)
