"""Prices that do not fit together: converted or refused by name, so that no feature sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.adjustment import MAX_GAP_SESSIONS, adjust_bars, with_runs
from finpulse_assets.domain.ingestion.deliveries import Delivery, accept
from finpulse_assets.domain.ingestion.market import Market, market_of
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    delivered_as,
)
from finpulse_assets.schemas import COVERAGE, Kind, source_table

SESSIONS = build_sessions(date(2024, 3, 1), date(2024, 6, 28))
DAYS = SESSIONS["session_date"].to_list()
MONDAY = DAYS.index(date(2024, 4, 29))
AS_OF = datetime(2024, 6, 20, 22, tzinfo=UTC)


def bar(ticker: str, day: date, price: float, **cells: object) -> dict[str, object]:
    flat = dict.fromkeys(("open", "high", "low", "close"), price)
    return {
        "ticker": ticker, "session_date": day, **flat, "volume_shares": 1_000,
        "price_basis": "unadjusted", "source": "test",
    } | cells  # fmt: skip


def action(ticker: str, day: date, kind: str, value: float) -> dict[str, object]:
    return {"ticker": ticker, "ex_date": day, "kind": kind, "value": value, "source": "test"}


def bars_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    return delivered_as(pl.DataFrame(rows, infer_schema_length=None), DELIVERED_PRICES)


def actions_of(*rows: dict[str, object]) -> pl.DataFrame:
    return delivered_as(pl.DataFrame(rows, infer_schema_length=None), DELIVERED_ACTIONS)


def accepted(
    kind: Kind,
    delivered: pl.DataFrame,
    *,
    held: pl.DataFrame | None = None,
    market: Market | None = None,
    as_of: datetime = AS_OF,
) -> Delivery:
    table = source_table("test", kind)
    return accept(
        "test", kind, delivered, held=(table.empty() if held is None else held).lazy(),
        coverage=COVERAGE.empty(), sessions=SESSIONS, as_of=as_of, market=market,
    )  # fmt: skip


def returns(prices: pl.DataFrame, actions: pl.DataFrame | None = None) -> dict[date, float]:
    """Return the total return of each day, as features see it."""
    table = source_table("test", "corporate_actions")
    adjusted = adjust_bars(prices, table.empty() if actions is None else actions)
    moved = adjusted.with_columns(r=pl.col("close").pct_change().over("ticker"))
    return dict(moved.select("session_date", "r").drop_nulls().iter_rows())


def series(first: int, count: int, price: float, **cells: object) -> list[dict[str, object]]:
    """Return bars that rise by a hundredth a day from `price`."""
    prices = (price * 1.01**at for at in range(count))
    return [bar("A", DAYS[first + at], p, **cells) for at, p in enumerate(prices)]


def test_a_download_on_a_new_base_goes_on_in_the_old_one():
    first = accepted("prices", bars_of(series(10, 30, 100.0, price_basis="split_adjusted")))
    later = series(10, 31, 25.0, price_basis="split_adjusted", volume_shares=4_000)
    second = accepted("prices", bars_of(later), held=first.rows)
    assert (second.rows.height, second.refused, second.late) == (1, 0, 0)
    both = pl.concat([first.rows, second.rows])
    assert returns(both)[DAYS[40]] == pytest.approx(0.01)
    assert second.rows["volume_shares"].item() == 1_000
    assert second.notes == (
        "adjusted prices on a new base were converted to that of the first: A by 4",
    )


def test_a_dividend_that_moves_the_past_of_total_returns_moves_no_return():
    first = accepted("prices", bars_of(series(10, 30, 100.0, price_basis="total_return")))
    later = series(10, 31, 99.6, price_basis="total_return")
    second = accepted("prices", bars_of(later), held=first.rows)
    assert second.rows.height == 1
    assert returns(pl.concat([first.rows, second.rows]))[DAYS[40]] == pytest.approx(0.01)


def test_rounding_and_single_corrections_are_no_new_base():
    rows = series(10, 30, 100.0, price_basis="split_adjusted")
    first = accepted("prices", bars_of(rows))
    rounded = [row | {"close": round(row["close"], 2)} for row in rows]
    assert accepted("prices", bars_of(rounded), held=first.rows).notes == ()
    corrected = [*rows[:-1], rows[-1] | {"close": 90.0, "low": 90.0}]
    assert accepted("prices", bars_of(corrected), held=first.rows).notes == ()


@pytest.mark.parametrize(
    ("price", "times"),
    [(10_000.0, "100 times"), (1.0, "1/100 of"), (50.0, "1/2 of"), (25.0, "1/4 of")],
    ids=["digits", "pounds in a series of pence", "split of 2", "split of 4"],
)
def test_a_bar_off_by_a_factor_is_refused_by_name(price: float, times: str):
    thursday, friday = DAYS[MONDAY - 2], DAYS[MONDAY - 1]
    rows = [bar(ticker, thursday, 100.0) for ticker in "ABC"]
    rows += [bar("A", friday, price), bar("B", friday, 101.0), bar("C", friday, 101.0)]
    delivery = accepted("prices", bars_of(rows))
    kept = delivery.rows.filter(session_date=friday)
    assert sorted(kept["ticker"]) == ["B", "C"]
    (reason,) = delivery.quarantined["reason"]
    assert reason == (
        f"the prices {price:g} to {price:g} lie at {times} the close before, 100 on {thursday}, "
        "and no split is listed"
    )


def test_a_spike_alone_is_refused_and_the_series_goes_on():
    rows = series(10, 20, 100.0)
    rows[8] |= dict.fromkeys(("open", "high", "low", "close"), 11_000.0)
    delivery = accepted("prices", bars_of(rows))
    assert (delivery.rows.height, delivery.refused) == (19, 1)
    assert max(returns(delivery.rows).values()) == pytest.approx(1.01**2 - 1)


def test_a_series_that_begins_with_a_bad_bar_loses_that_bar():
    rows = [bar("A", DAYS[9], 1.0), *series(10, 20, 100.0)]
    delivery = accepted("prices", bars_of(rows))
    assert (delivery.rows.height, delivery.refused) == (20, 1)
    assert delivery.rows["session_date"].min() == DAYS[10]


def test_a_listed_split_explains_the_jump_and_a_listed_split_without_one_is_refused():
    split = actions_of(action("A", DAYS[20], "split", 4.0))
    market = market_of([source_table("test", "prices").empty().lazy()],
                       source_table("test", "corporate_actions").empty(), split)  # fmt: skip
    rows = series(10, 10, 100.0) + series(20, 10, 27.0)
    assert accepted("prices", bars_of(rows), market=market).refused == 0
    unmoved = accepted("prices", bars_of(series(10, 20, 100.0)), market=market)
    assert unmoved.refused == 6
    assert "and the listed split of 4" in unmoved.quarantined["reason"][0]


def test_what_stays_on_another_level_goes_on_there_after_a_hole_that_no_return_crosses():
    rows = series(10, 10, 100.0) + series(20, 10, 40.0)
    delivery = accepted("prices", bars_of(rows))
    assert delivery.refused == MAX_GAP_SESSIONS + 1
    runs = with_runs(delivery.rows, SESSIONS)
    assert runs.filter(session_date=DAYS[26]).select("run", "bars_seen").row(0) == (1, 1)


def test_day_by_day_the_same_bars_are_refused():
    rows = series(10, 10, 100.0) + series(20, 10, 40.0)
    held = source_table("test", "prices").empty()
    for at in range(10, 21):
        held = pl.concat([held, accepted("prices", bars_of(rows[:at]), held=held).rows])
    whole = accepted("prices", bars_of(rows)).rows
    assert whole.equals(held.sort("session_date"))


def test_what_somebody_has_confirmed_is_taken():
    rows = series(10, 10, 100.0) + series(20, 10, 40.0)
    market = Market(accepted=[("A", DAYS[20])])
    assert accepted("prices", bars_of(rows), market=market).refused == 0


def test_a_long_halt_and_another_basis_are_not_compared():
    rows = [*series(10, 5, 100.0), *series(25, 5, 10.0)]
    assert accepted("prices", bars_of(rows)).refused == 0
    rows = [*series(10, 5, 100.0), *series(15, 5, 10.0, price_basis="split_adjusted")]
    assert accepted("prices", bars_of(rows)).refused == 0


def test_two_dividends_of_a_day_are_paid_both():
    """Flat 100, then 0.50 and 10 are paid and the close is 89.50: nothing was lost."""
    day = DAYS[20]
    paid = actions_of(action("A", day, "dividend", 0.5), action("A", day, "dividend", 10.0))
    actions = accepted("corporate_actions", paid)
    assert (actions.rows["value"].to_list(), actions.refused) == ([10.5], 0)
    assert actions.notes == ("1 dividends were merged with others of their day",)
    bars = accepted("prices", bars_of([bar("A", DAYS[19], 100.0), bar("A", day, 89.5)]))
    assert returns(bars.rows, actions.rows)[day] == pytest.approx(0.0)


def test_one_dividend_from_two_feeds_is_paid_once():
    day = DAYS[20]
    paid = actions_of(*(action("A", day, "dividend", value) for value in (0.47, 0.4675, 0.47)))
    assert accepted("corporate_actions", paid).rows["value"].to_list() == [0.4675]


def test_two_splits_of_a_day_contradict_each_other():
    split = actions_of(action("A", DAYS[20], "split", 2.0), action("A", DAYS[20], "split", 3.0))
    delivery = accepted("corporate_actions", split)
    assert (delivery.rows.height, delivery.refused) == (0, 2)
    assert delivery.quarantined["reason"][0] == f"A has several splits on {DAYS[20]}: 2.0, 3.0"


def test_a_dividend_beside_split_adjusted_prices_counts_in_their_shares():
    """84.60 adjusted for a later split of 7 is 592.20 on its day, and 3.29 a share was paid."""
    rows = [bar("A", DAYS[19], 84.6), bar("A", DAYS[20], 84.13), bar("A", DAYS[21], 84.13)]
    prices = accepted("prices", bars_of([row | {"price_basis": "split_adjusted"} for row in rows]))
    delivered = actions_of(
        action("A", DAYS[20], "dividend", 3.29), action("A", DAYS[30], "split", 7.0)
    )
    held = source_table("test", "corporate_actions").empty()
    market = market_of([prices.rows.lazy()], held, delivered)
    actions = accepted("corporate_actions", delivered, market=market)
    assert dict(actions.rows.select("kind", "value").iter_rows()) == {
        "dividend": pytest.approx(0.47), "split": 7.0,
    }  # fmt: skip
    assert returns(prices.rows, actions.rows)[DAYS[20]] == pytest.approx(0.0, abs=1e-9)


def test_a_dividend_after_a_split_that_came_later_than_the_prices_counts_in_the_old_shares():
    first = bars_of(series(5, 20, 100.0, price_basis="split_adjusted"))
    prices = accepted("prices", first, as_of=datetime(2024, 4, 5, 22, tzinfo=UTC))
    delivered = actions_of(
        action("A", DAYS[30], "split", 4.0), action("A", DAYS[32], "dividend", 0.25)
    )
    held = source_table("test", "corporate_actions").empty()
    market = market_of([prices.rows.lazy()], held, delivered)
    rows = accepted("corporate_actions", delivered, market=market).rows
    assert rows.filter(kind="dividend")["value"].item() == pytest.approx(1.0)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_finished_bar_of_a_day_counts_in_any_order(order: tuple[int, int]):
    day = DAYS[20]
    partial = bar("A", day, 100.0, high=101.0, volume_shares=300)
    final = bar("A", day, 100.0, high=103.0, low=99.0, close=102.0, volume_shares=1_000)
    delivery = accepted("prices", bars_of([(partial, final)[at] for at in order]))
    assert (delivery.rows["close"].to_list(), delivery.refused) == ([102.0], 0)
    assert delivery.notes == ("1 bars of unfinished days were left out for the finished ones",)


def test_two_bars_of_which_none_is_the_finished_one_are_refused():
    day = DAYS[20]
    one = bar("A", day, 100.0, high=103.0, volume_shares=300)
    other = bar("A", day, 100.0, high=101.0, low=99.0, volume_shares=1_000)
    delivery = accepted("prices", bars_of([one, other]))
    assert (delivery.rows.height, delivery.refused) == (0, 2)
    assert delivery.quarantined["reason"][0].startswith(f"there are 2 bars of A on {day}, and none")
