"""Adjustment by hand-computed factors, and runs of bars."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.adjustment import (
    MAX_GAP_SESSIONS,
    adjust_bars,
    with_runs,
)

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 3, 28))
DAYS = SESSIONS["session_date"].to_list()
NO_ACTIONS = pl.DataFrame(
    schema={"ticker": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
)


def bars(closes, *, days=DAYS, volume=1_000, basis="unadjusted", ticker="T") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": ticker,
            "session_date": days[: len(closes)],
            "open": [close - 0.5 for close in closes],
            "high": [close + 1.0 for close in closes],
            "low": [close - 1.0 for close in closes],
            "close": [float(close) for close in closes],
            "volume_shares": [volume] * len(closes),
            "price_basis": basis,
        }
    )


def actions(*rows, ticker="T") -> pl.DataFrame:
    """Rows of (day number, kind, value)."""
    full = [(ticker, DAYS[at], kind, float(value)) for at, kind, value in rows]
    return pl.DataFrame(full, schema=NO_ACTIONS.schema, orient="row")


def closes(frame: pl.DataFrame) -> list[float]:
    return frame["close"].to_list()


def test_without_actions_nothing_moves():
    frame = bars([10, 11, 12])
    adjusted = adjust_bars(frame, NO_ACTIONS)
    assert adjusted.drop("volume", "dollars").equals(frame.drop("volume_shares"))
    assert adjusted["volume"].to_list() == [1000.0] * 3


def test_a_split():
    """Four for one on day 2: 40 becomes 10 a share, one first-day share has become four."""
    adjusted = adjust_bars(bars([40, 44, 11, 12]), actions((2, "split", 4)))
    assert closes(adjusted) == [40.0, 44.0, 44.0, 48.0]
    assert adjusted["open"].to_list() == [39.5, 43.5, 42.0, 46.0]
    assert adjusted["high"].to_list() == [41.0, 45.0, 48.0, 52.0]
    assert adjusted["low"].to_list() == [39.0, 43.0, 40.0, 44.0]
    assert adjusted["volume"].to_list() == [1000.0, 1000.0, 250.0, 250.0]


def test_a_reverse_split():
    adjusted = adjust_bars(bars([2, 20]), actions((1, "split", 0.1)))
    assert closes(adjusted) == pytest.approx([2.0, 2.0])
    assert adjusted["volume"].to_list() == pytest.approx([1_000, 10_000])


def test_a_dividend():
    """Two dollars on a close of 50: later prices are multiplied by 50 / 48."""
    adjusted = adjust_bars(bars([50, 48, 49]), actions((1, "dividend", 2)))
    assert closes(adjusted) == pytest.approx([50.0, 50.0, 49 * 50 / 48])
    assert adjusted["volume"].to_list() == [1000.0] * 3


def test_several_actions_cumulate():
    events = actions((1, "split", 2), (2, "split", 3), (3, "dividend", 1))
    adjusted = adjust_bars(bars([60, 30, 10, 9, 9]), events)
    assert closes(adjusted) == pytest.approx([60, 60, 60, 60, 60])
    assert adjusted["volume"].to_list() == pytest.approx([1000, 500, *[1000 / 6] * 3])


def test_a_dividend_on_the_day_of_a_split_is_paid_on_the_new_shares():
    """Close 100, then two for one and 1 dollar a new share: the next bar at 49 lost nothing.

    An old share has become two of 49 and paid 2 dollars. Unadjusted for the split the factor would
    be 100 / 99, and the day's return -1 %.
    """
    events = actions((1, "dividend", 1), (1, "split", 2))
    for rows in (events, events.reverse()):
        adjusted = adjust_bars(bars([100, 49, 49]), rows)
        assert closes(adjusted) == pytest.approx([100, 100, 100])
        assert adjusted["volume"].to_list() == [1000.0, 500.0, 500.0]


def test_a_dividend_of_split_adjusted_prices_counts_in_their_shares():
    """The same day as a vendor shows it later: the close before is 50, the dividend 1."""
    events = actions((1, "dividend", 1), (1, "split", 2))
    adjusted = adjust_bars(bars([50, 49], basis="split_adjusted"), events)
    assert closes(adjusted) == pytest.approx([50, 50])


def test_actions_of_a_halt_count_one_after_the_other():
    """2 dollars a share, two for one, 0.5 a new share: 100 - 2 - 2 x 0.5 = 97, of two at 48.5."""
    days = [DAYS[0], DAYS[5]]
    events = actions((1, "dividend", 2), (2, "split", 2), (3, "dividend", 0.5))
    assert closes(adjust_bars(bars([100, 48.5], days=days), events)) == pytest.approx([100, 100])


def test_a_change_of_basis_ends_a_run_and_no_dividend_is_taken_of_the_other_price():
    frame = pl.concat([bars([40, 40]), bars([10, 10], days=DAYS[2:], basis="split_adjusted")])
    adjusted = adjust_bars(frame, actions((2, "dividend", 5)))
    assert closes(adjusted) == [40.0, 40.0, 10.0, 10.0]
    placed = with_runs(adjusted, SESSIONS)
    assert placed["run"].to_list() == [0, 0, 1, 1]
    assert placed["bars_seen"].to_list() == [1, 2, 1, 2]


def test_an_action_on_a_halted_day_takes_effect_on_the_next_bar():
    days = [DAYS[0], DAYS[1], DAYS[4], DAYS[5]]
    adjusted = adjust_bars(bars([40, 40, 10, 11], days=days), actions((3, "split", 4)))
    assert closes(adjusted) == [40.0, 40.0, 40.0, 44.0]


@pytest.mark.parametrize("at", [0, 5])
def test_an_action_before_the_second_bar_or_after_the_last_changes_nothing(at):
    events = actions((at, "split", 4), (at, "dividend", 1))
    assert closes(adjust_bars(bars([10, 11, 12, 13, 14]), events)) == [10, 11, 12, 13, 14]


def test_a_payout_of_the_whole_price_is_no_dividend():
    assert closes(adjust_bars(bars([5, 5]), actions((1, "dividend", 5)))) == [5.0, 5.0]


@pytest.mark.parametrize(
    ("basis", "expected", "volume"),
    [
        ("unadjusted", [40, 80, 40 / 38 * 80], [1000, 500, 500]),
        ("split_adjusted", [40, 40, 40 / 38 * 40], [1000, 1000, 1000]),
        ("total_return", [40, 40, 40], [1000, 1000, 1000]),
    ],
)
def test_what_is_adjusted_already_is_not_adjusted_again(basis, expected, volume):
    events = actions((1, "split", 2), (2, "dividend", 2))
    adjusted = adjust_bars(bars([40, 40, 40], basis=basis), events)
    assert closes(adjusted) == pytest.approx(expected)
    assert adjusted["volume"].to_list() == pytest.approx(volume)


def test_tickers_do_not_touch_each_other():
    both = pl.concat([bars([40, 10], ticker="A"), bars([40, 10], ticker="B")])
    adjusted = adjust_bars(both, actions((1, "split", 4), ticker="B"))
    assert closes(adjusted) == [40.0, 10.0, 40.0, 40.0]


PRICE = st.floats(1.0, 500.0)
ACTION = st.tuples(
    st.integers(0, 29),
    st.sampled_from(["split", "dividend"]),
    st.sampled_from([0.1, 0.5, 0.9, 2.0, 3.0]),
)
EVENTS = st.lists(ACTION, max_size=8, unique_by=lambda action: action[:2])
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)


@PROPERTY
@given(st.lists(PRICE, min_size=2, max_size=30), EVENTS, st.integers(1, 30))
def test_later_actions_and_bars_leave_earlier_rows_alone(prices, events, cut):
    whole = adjust_bars(bars(prices), actions(*events))
    early = actions(*(event for event in events if event[0] < cut))
    part = adjust_bars(bars(prices[:cut]), early)
    assert whole[:cut].equals(part)


@PROPERTY
@given(st.lists(PRICE, min_size=2, max_size=20), EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(prices, events, random):
    frame = pl.concat([bars(prices, ticker="A"), bars(prices[::-1], ticker="B")])
    acts = pl.concat([actions(*events, ticker="A"), actions(*events, ticker="B")])
    plain = adjust_bars(frame, acts)
    shuffled = frame[random.sample(range(frame.height), frame.height)]
    other = adjust_bars(shuffled, acts[random.sample(range(acts.height), acts.height)])
    assert plain.equals(other)


def runs_of(positions: list[int]) -> tuple[list[int], list[int]]:
    days = [DAYS[at] for at in positions]
    frame = with_runs(bars([10.0] * len(days), days=days).reverse(), SESSIONS)
    assert frame["session_date"].to_list() == days
    return frame["run"].to_list(), frame["bars_seen"].to_list()


def test_a_gap_of_five_sessions_is_a_halt_and_one_of_six_a_new_run():
    assert MAX_GAP_SESSIONS == 5
    assert runs_of([0, 1, 2]) == ([0, 0, 0], [1, 2, 3])
    assert runs_of([0, 1, 7]) == ([0, 0, 0], [1, 2, 3])  # sessions 2 to 6 are missing
    assert runs_of([0, 1, 8, 9]) == ([0, 0, 1, 1], [1, 2, 1, 2])
    assert runs_of([3, 12, 21]) == ([0, 1, 2], [1, 1, 1])


def test_runs_are_counted_ticker_by_ticker():
    frame = pl.concat(
        [
            bars([1, 2, 3], days=[DAYS[0], DAYS[20], DAYS[21]], ticker="B"),
            bars([1, 2], days=DAYS[30:], ticker="A"),
        ]
    )
    found = with_runs(frame, SESSIONS)
    assert found["ticker"].to_list() == ["A", "A", "B", "B", "B"]
    assert found["run"].to_list() == [0, 0, 0, 1, 1]
    assert found["bars_seen"].to_list() == [1, 2, 1, 1, 2]
