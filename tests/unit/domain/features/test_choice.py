"""Whose bar, split and dividend counts: by hand, by property, and against the SQL of dbt."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.choice import choose_actions, first_bars, source_order
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, SOURCES

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 3, 28))
DAYS = SESSIONS["session_date"].to_list()
OPENS, CLOSES = SESSIONS["open_at"].to_list(), SESSIONS["close_at"].to_list()
DECISIONS = SESSIONS["decision_at"].to_list()
END = datetime(2024, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DECLARED = SOURCES.enforce(
    pl.DataFrame(
        {"kind": ["prices", "prices", "corporate_actions", "corporate_actions"],
         "source": ["best", "other", "best", "other"], "rank": [1, 2, 1, 2]}
    )
)  # fmt: skip
SQL = Path("dbt_project/models/intermediate/int_prices_chosen.sql").read_text()


def bars(*rows: tuple) -> pl.DataFrame:
    """Return raw/prices of (source, day number, close, hours late[, basis]) of one ticker."""
    full = [
        (f"{row[0]}", "T", DAYS[row[1]], CLOSES[row[1]], CLOSES[row[1]] + row[3] * HOUR,
         float(row[2]), row[4] if len(row) > 4 else "unadjusted") for row in rows
    ]  # fmt: skip
    names = ["source", "ticker", "session_date", "event_time", "knowledge_time", "close",
             "price_basis"]  # fmt: skip
    frame = pl.DataFrame(full, schema=names, orient="row").with_columns(
        open="close", high="close", low="close", volume_shares=pl.lit(1_000)
    )
    return PRICES.enforce(frame.select(PRICES.column_names))


def chosen(
    prices: pl.DataFrame, as_of: datetime = END, sources: pl.DataFrame | None = DECLARED
) -> list[tuple]:
    found = first_bars(prices.lazy(), SESSIONS.with_row_index("session"), as_of, sources=sources)
    return [
        (DAYS.index(day), source, close)
        for day, source, close in found.select("session_date", "source", "close").rows()
    ]


def test_the_best_source_known_in_time_counts_in_its_first_version():
    prices = bars(
        ("best", 0, 10, 0), ("best", 0, 11, 30), ("other", 0, 20, 0),
        ("best", 1, 12, 5), ("other", 1, 21, 0),  # best is late
        ("best", 2, 13, 9), ("other", 2, 22, 8),  # both are
        ("other", 3, 23, 0),
    )  # fmt: skip
    expected = [(0, "best", 10.0), (1, "other", 21.0), (2, "other", 22.0), (3, "other", 23.0)]
    assert chosen(prices) == expected


def test_without_a_declared_order_sources_are_taken_by_name():
    prices = bars(("zeta", 0, 10, 0), ("alpha", 0, 11, 0))
    assert chosen(prices, sources=None) == [(0, "alpha", 11.0)]
    assert source_order(DECLARED, "prices", ["zeta", "other", "alpha"]) == [
        "other", "alpha", "zeta",
    ]  # fmt: skip


def test_a_series_does_not_change_its_unit_for_a_day():
    """On day 1 only `other` has a bar, on another basis; when `best` is gone it may take over."""
    prices = bars(
        ("best", 0, 40, 0), ("other", 0, 10, 0, "split_adjusted"),
        ("other", 1, 10, 0, "split_adjusted"),
        ("best", 2, 41, 0),
        *(("other", day, 11, 0, "split_adjusted") for day in range(3, 10)),
    )  # fmt: skip
    # Five sessions are a halt: from the sixth after day 2 on a run has ended anyway.
    assert [(day, source) for day, source, _ in chosen(prices)] == [
        (0, "best"), (2, "best"), (8, "other"), (9, "other"),
    ]  # fmt: skip


def test_a_late_bar_of_a_better_source_does_not_judge_those_before_it():
    """The bar of day 0 came on day 3: on day 1 nobody knew of another basis."""
    late = 24 * (DAYS[3] - DAYS[0]).days
    prices = bars(("best", 0, 40, late), ("other", 1, 10, 0, "split_adjusted"))
    assert [(day, source) for day, source, _ in chosen(prices)] == [(0, "best"), (1, "other")]


def test_features_end_a_run_where_the_price_basis_changes():
    """40 unadjusted dollars, then 10 split-adjusted ones: no return of -75 %."""
    prices = bars(
        *(("best", day, 40 + day, 0) for day in range(4)),
        *(("best", day, 10 + day, 0, "split_adjusted") for day in range(4, 8)),
    )
    rows = features(prices)
    assert rows["bars_seen"].to_list() == [1, 2, 3, 4, 1, 2, 3, 4]
    assert rows["return_1d"].to_list() == pytest.approx(
        [None, 41 / 40 - 1, 42 / 41 - 1, 43 / 42 - 1, None, 15 / 14 - 1, 16 / 15 - 1, 17 / 16 - 1]
    )


def features(prices, actions=None, as_of=END) -> pl.DataFrame:
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    return build_technical_features(
        prices.lazy(), actions.lazy(), SESSIONS, as_of=as_of, sources=DECLARED
    )


def actions(*rows: tuple) -> pl.DataFrame:
    """Return raw/corporate_actions of (source, day number, kind, value, hours late)."""
    full = [
        (source, "T", DAYS[at], kind, float(value), OPENS[at], OPENS[at] + late * HOUR)
        for source, at, kind, value, late in rows
    ]
    names = ["source", "ticker", "ex_date", "kind", "value", "event_time", "knowledge_time"]
    return CORPORATE_ACTIONS.enforce(pl.DataFrame(full, schema=names, orient="row"))


def chosen_actions(given: pl.DataFrame, prices: pl.DataFrame) -> list[tuple]:
    found = first_bars(prices.lazy(), SESSIONS.with_row_index("session"), END, sources=DECLARED)
    due = dict(SESSIONS.select("session_date", "decision_at").rows())
    with_due = given.with_columns(due_at=pl.col("ex_date").replace_strict(due))
    rows = choose_actions(with_due, found, sources=DECLARED)
    return [
        (DAYS.index(day), source, value)
        for day, source, value in rows.sort("ex_date").select("ex_date", "source", "value").rows()
    ]


def test_actions_come_from_the_source_of_the_prices_once_it_has_any():
    """Until `other` (whose prices count) reports its first on day 5, those of `best` are used."""
    prices = bars(*(("other", day, 10, 0) for day in range(10)))
    given = actions(
        ("best", 2, "dividend", 0.2, 0),
        ("other", 5, "dividend", 0.5, 0), ("best", 5, "dividend", 0.6, 0),
        ("best", 8, "split", 2, 0),
    )  # fmt: skip
    assert chosen_actions(given, prices) == [(2, "best", 0.2), (5, "other", 0.5)]


def test_without_actions_at_the_price_source_the_best_of_the_others_counts():
    prices = bars(*(("third", day, 10, 0) for day in range(10)))
    given = actions(("best", 5, "dividend", 0.6, 0), ("other", 5, "dividend", 0.5, 0))
    assert chosen_actions(given, prices) == [(5, "best", 0.6)]


def test_of_actions_that_all_came_late_the_first_to_arrive_counts():
    prices = bars(*(("third", day, 10, 0) for day in range(10)))
    given = actions(("best", 5, "dividend", 0.6, 60), ("other", 5, "dividend", 0.5, 50))
    assert chosen_actions(given, prices) == [(5, "other", 0.5)]


# (source, day, close, hours late, basis): up to three sources, versions in any order.
ROW = st.tuples(
    st.sampled_from(["best", "other", "third"]), st.integers(0, 20), st.integers(5, 50),
    st.sampled_from([0, 0, 0, 0.2, 1, 26, 80]),
    st.sampled_from(["unadjusted", "unadjusted", "split_adjusted"]),
)  # fmt: skip
ROWS = st.lists(ROW, min_size=1, max_size=60, unique_by=(lambda row: (row[0], row[1], row[3])))
ACTION = st.tuples(
    st.sampled_from(["best", "other"]), st.integers(1, 20),
    st.sampled_from(["split", "dividend"]), st.sampled_from([0.5, 2.0]),
    st.sampled_from([0, 0, 30, 90]),
)  # fmt: skip
ACTIONS = st.lists(ACTION, max_size=8, unique_by=(lambda row: (row[0], row[1], row[2], row[4])))


@settings(max_examples=60)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(rows, random):
    prices = bars(*rows)
    shuffled = prices[random.sample(range(prices.height), prices.height)]
    assert chosen(shuffled) == chosen(prices)


@settings(max_examples=30)
@given(ROWS, ACTIONS, st.integers(0, 20))
def test_what_arrives_later_changes_no_earlier_decision(rows, events, at):
    """Bars, corrections and actions of any source, the preferred one among them, came since."""
    prices, known = bars(*rows), actions(*events)
    moment = DECISIONS[at]
    then = features(
        prices.filter(pl.col("knowledge_time") <= moment),
        known.filter(pl.col("knowledge_time") <= moment), as_of=moment,
    )  # fmt: skip
    today = features(prices, known)
    assert today.filter(pl.col("session_date") <= DAYS[at]).equals(then)


def chosen_by_sql(prices: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, frame in (("prices", prices), ("sources", DECLARED), ("sessions", SESSIONS)):
            connection.register(f"stg_{name}", frame)
        return connection.sql(re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", SQL)).pl()


@settings(max_examples=40)
@given(ROWS)
def test_dbt_chooses_the_same_source_in_its_newest_version(rows):
    prices = bars(*rows)
    key = ["ticker", "session_date"]
    found = first_bars(prices.lazy(), SESSIONS.with_row_index("session"), END, sources=DECLARED)
    newest = prices.sort("knowledge_time").unique(["source", *key], keep="last")
    expected = newest.join(
        found.select("source", *key).with_columns(pl.col("source").cast(pl.String)),
        on=["source", *key],
        how="semi",
    )
    columns = ["source", *key, "close"]
    assert_frame_equal(
        chosen_by_sql(prices).select(columns).sort(key), expected.select(columns).sort(key)
    )


def test_the_first_version_known_at_a_time():
    prices = bars(("best", 0, 30, 48), ("best", 0, 10, 24))
    assert chosen(prices, CLOSES[0]) == []
    assert chosen(prices, CLOSES[0] + 24 * HOUR) == [(0, "best", 10.0)]
    assert chosen(prices, CLOSES[0] + 48 * HOUR) == [(0, "best", 10.0)]
