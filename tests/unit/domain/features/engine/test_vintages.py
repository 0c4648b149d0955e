"""What a decision could see: late bars, corrections and late splits, by hand and by property."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.engine.vintages import split_vintages
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 3, 28))
DAYS = SESSIONS["session_date"].to_list()
CLOSES, DECISIONS = SESSIONS["close_at"].to_list(), SESSIONS["decision_at"].to_list()
END = datetime(2024, 4, 1, tzinfo=UTC)
COUNT = 40
DAY = timedelta(days=1)


def prices(ticker: str, late: dict[int, timedelta], fixed: dict[int, timedelta]) -> pl.DataFrame:
    """Return COUNT bars; those of `late` come later, those of `fixed` have a second version."""
    random = np.random.default_rng(len(ticker))
    close = 100 * np.exp(np.cumsum(0.02 * random.standard_normal(COUNT)))
    rows = []
    for at in range(COUNT):
        known = CLOSES[at] + late.get(at, timedelta())
        rows.append((ticker, DAYS[at], CLOSES[at], known, close[at]))
        if at in fixed:
            rows.append((ticker, DAYS[at], CLOSES[at], known + fixed[at], close[at] * 1.1))
    columns = ["ticker", "session_date", "event_time", "knowledge_time", "close"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    bars = frame.with_columns(
        open=pl.col("close") * 0.99, high=pl.col("close") * 1.01, low=pl.col("close") * 0.98,
        volume_shares=pl.lit(1000), price_basis=pl.lit("unadjusted"), source=pl.lit("test"),
    )  # fmt: skip
    return PRICES.enforce(bars.select(PRICES.column_names))


def splits(*rows: tuple[str, int, float, timedelta]) -> pl.DataFrame:
    """Return splits of (ticker, day, ratio, how late it was known)."""
    return CORPORATE_ACTIONS.enforce(pl.DataFrame(
        [(ticker, DAYS[at], "split", ratio, SESSIONS["open_at"][at],
          SESSIONS["open_at"][at] + late, "test") for ticker, at, ratio, late in rows],
        schema=CORPORATE_ACTIONS.polars_schema, orient="row",
    ))  # fmt: skip


def features(bars: pl.DataFrame, actions: pl.DataFrame, as_of: datetime = END) -> pl.DataFrame:
    return build_technical_features(bars.lazy(), actions.lazy(), SESSIONS, as_of=as_of)


def returns(rows: pl.DataFrame, ticker: str = "A") -> dict[int, float | None]:
    own = rows.filter(ticker=ticker)
    return {DAYS.index(day): value for day, value in own.select("session_date", "return_1d").rows()}


def test_a_split_learnt_late_is_seen_from_then_on():
    """Four for one on day 10, known on day 13 at noon: till then the price seems to have fallen."""
    bars = prices("A", {}, {}).with_columns(
        pl.when(pl.col("session_date") >= DAYS[10])
        .then(pl.col("close") / 4)
        .otherwise("close")
        .alias("close")
    )
    known = (DAYS[13] - DAYS[10]) + timedelta(hours=2)
    found = returns(features(bars, splits(("A", 10, 4.0, known))))
    punctual = returns(features(bars, splits(("A", 10, 4.0, timedelta()))))
    assert found[10] == pytest.approx((1 + punctual[10]) / 4 - 1)
    assert {at: found[at] for at in range(11, COUNT)} == pytest.approx(
        {at: punctual[at] for at in range(11, COUNT)}
    )
    means = features(bars, splits(("A", 10, 4.0, known)))["close_to_sma_5"].to_list()
    sound = features(bars, splits(("A", 10, 4.0, timedelta())))["close_to_sma_5"].to_list()
    assert means[12] != pytest.approx(sound[12], rel=0.1)  # decided before the split was known
    assert means[13] == pytest.approx(sound[13])  # five bars with the split in them, adjusted


def test_a_late_bar_is_missing_until_it_comes():
    """The bar of day 20 comes two days late: day 21 follows day 19, day 23 knows all."""
    bars = prices("A", {20: 2 * DAY}, {})
    close = prices("A", {}, {})["close"].to_list()
    found = returns(features(bars, splits()))
    assert 20 not in found
    assert found[21] == pytest.approx(close[21] / close[19] - 1)
    assert found[23] == pytest.approx(close[23] / close[22] - 1)
    seen = features(bars, splits())["bars_seen"].to_list()
    assert seen == [*range(1, 21), 21, *range(23, COUNT + 1)]


def test_punctual_tickers_have_one_history():
    bars = pl.DataFrame({"ticker": ["A", "A", "B"], "known_at": [1, 2, 1], "decided_at": [1, 2, 2]})
    actions = pl.DataFrame(schema={
        "ticker": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64,
        "knowledge_time": pl.Int64, "due_at": pl.Int64,
    })  # fmt: skip
    seen, known = split_vintages(bars, actions)
    assert seen["series"].to_list() == ["A", "A", "B"]
    assert seen["is_kept"].all()
    assert known.is_empty()


LATE = st.dictionaries(
    st.integers(0, COUNT - 1), st.integers(1, 200).map(lambda hours: timedelta(hours=hours)),
    max_size=4,
)  # fmt: skip


@settings(max_examples=20)
@given(late=LATE, fixed=LATE, split_at=st.integers(1, COUNT - 1), split_late=st.integers(0, 400),
       moment=st.integers(0, COUNT - 1))  # fmt: skip
def test_built_today_as_of_t_equals_built_at_t(late, fixed, split_at, split_late, moment):
    """Late bars, corrections and a late split came since; every row decided by T is the same."""
    bars = pl.concat([prices("A", late, fixed), prices("BB", {}, {})])
    actions = splits(("A", split_at, 2.0, timedelta(hours=split_late)))
    at = DECISIONS[moment]
    then = features(bars.filter(pl.col("knowledge_time") <= at),
                    actions.filter(pl.col("knowledge_time") <= at), as_of=at)  # fmt: skip
    assert features(bars, actions, as_of=at).equals(then)
    today = features(bars, actions).filter(pl.col("session_date") <= DAYS[moment])
    assert today.equals(then)
