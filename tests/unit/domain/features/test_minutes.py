"""Features of minute bars: the same functions as for sessions, and gaps that stay gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import talib

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.engine import panel
from finpulse_assets.domain.features.feature import MINUTE, SESSION
from finpulse_assets.domain.features.minutes import MINUTE_FEATURES, minute_frames
from finpulse_assets.domain.features.registry import bar_features
from finpulse_assets.domain.simulator import MarketPlan, simulate, simulate_minutes
from finpulse_assets.schemas import BARS_1M, CORPORATE_ACTIONS

SESSIONS = build_sessions(date(2018, 1, 2), date(2024, 12, 31))
END = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    """Minutes of 4 tickers over 6 sessions; the walk leaves thin minutes out."""
    plan = MarketPlan(ticker_count=4, session_count=40, seed=5, effect=0.0)
    days = SESSIONS.filter(pl.col("session_date") < date(2024, 6, 1))
    return simulate_minutes(plan, days, last=6)


def features(frame: pl.DataFrame, actions: pl.DataFrame | None = None, **more) -> pl.DataFrame:
    events = CORPORATE_ACTIONS.empty() if actions is None else actions
    made = list(minute_frames(frame.lazy(), events.lazy(), SESSIONS, as_of=END, **more))
    return MINUTE_FEATURES.enforce(pl.concat(made)) if made else MINUTE_FEATURES.empty()


@pytest.fixture(scope="module")
def whole(bars) -> pl.DataFrame:
    return features(bars)


def test_there_is_a_row_for_each_bar_and_none_for_a_gap(bars, whole):
    assert whole.select("ticker", "bar_at").equals(bars.select("ticker", "bar_at"))
    assert bars.height < 4 * 6 * 390


def test_of_two_sources_the_preferred_one_gives_each_minute(bars, whole):
    """Twice the price at the other source changes nothing, and fills a minute that is absent."""
    other = bars.with_columns(pl.col("open", "high", "low", "close") * 2, source=pl.lit("other"))
    order = pl.DataFrame({"kind": "bars_1m", "source": ["simulator", "other"], "rank": [1, 2]})
    assert features(pl.concat([other, bars]), sources=order).equals(whole)
    assert features(pl.concat([other[:1], bars[1:]]), sources=order).select(
        "ticker", "bar_at"
    ).equals(whole.select("ticker", "bar_at"))  # fmt: skip


def test_windows_of_minutes_carry_the_name_of_minutes(whole):
    names = {MINUTE.column(feature.name) for feature in bar_features(MINUTE)}
    assert {"return_1m", "volatility_20m", "rsi_14", "quoted_spread"} <= names
    assert not [name for name in whole.columns if name.endswith("d") and name[-2].isdigit()]
    assert set(whole.columns[5:]) == names


def test_the_values_are_those_of_the_definitions(bars, whole):
    one = bars.filter(pl.col("ticker") == bars["ticker"][0])
    found = whole.filter(pl.col("ticker") == bars["ticker"][0])
    close = one["close"].to_numpy()
    np.testing.assert_allclose(found["rsi_14"].to_numpy()[150:], talib.RSI(close, 14)[150:], 1e-9)
    middle = (one["bid"] + one["ask"]) / 2
    spread = ((one["ask"] - one["bid"]) / middle).to_numpy()
    np.testing.assert_allclose(found["quoted_spread"].to_numpy(), spread, 1e-12)
    opens = SESSIONS.select("session_date", "open_at")
    since = one.join(opens, on="session_date").select(
        (pl.col("known_at") - pl.col("open_at")).dt.total_minutes()
    ).to_series()  # fmt: skip
    assert found["minutes_since_open"].to_list() == since.cast(pl.Float64).to_list()


def test_the_return_over_the_night_is_that_of_two_bars(bars, whole):
    """The first bar of a session follows the last one of the session before."""
    one = bars.filter(pl.col("ticker") == bars["ticker"][0])
    step = (one["close"] / one["close"].shift() - 1).to_list()
    found = whole.filter(pl.col("ticker") == bars["ticker"][0])["return_1m"].to_list()
    assert found[0] is None
    assert found[1:] == pytest.approx(step[1:], rel=1e-12)
    assert found[1:] != [0.0] * (len(found) - 1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
def test_the_future_never_changes_the_past(bars, whole, share):
    moment = bars["bar_at"].sort()[int(share * bars.height)]
    early = bars.filter(pl.col("known_at") <= moment)
    assert features(early).equals(whole.filter(pl.col("known_at") <= moment))


def test_the_order_of_rows_does_not_count(bars, whole):
    assert features(bars.sample(fraction=1.0, shuffle=True, seed=1)).equals(whole)


def test_parts_of_a_long_run_give_the_same_bits(bars, whole, monkeypatch):
    """2,300 bars a ticker in parts of 300 rows, each with the context of its windows."""
    monkeypatch.setattr(panel, "BLOCK_ROWS", 300)
    assert features(bars).equals(whole)
    assert features(bars, threads=1).equals(whole)


def test_no_look_back_is_longer_than_the_context_of_a_part():
    assert max(feature.lookback for feature in bar_features(MINUTE)) <= panel.CONTEXT_ROWS


def test_a_split_in_the_middle_moves_no_return(bars, whole):
    """Four for one at the open of the fourth session: prices fall, adjusted ones do not."""
    days = bars["session_date"].unique().sort()
    after = pl.col("session_date") >= days[3]
    quoted = ("open", "high", "low", "close", "bid", "ask")
    sizes = ("volume", "bid_size", "ask_size")
    split = bars.with_columns(
        *(pl.when(after).then(pl.col(name) / 4).otherwise(name) for name in quoted),
        *(pl.when(after).then(pl.col(name) * 4).otherwise(name) for name in sizes),
    )
    opens = SESSIONS.filter(pl.col("session_date") == days[3])["open_at"][0]
    tickers = bars["ticker"].unique().sort()
    events = CORPORATE_ACTIONS.enforce(pl.DataFrame({
        "ticker": tickers, "ex_date": [days[3]] * 4, "kind": ["split"] * 4, "value": [4.0] * 4,
        "event_time": [opens] * 4, "knowledge_time": [opens] * 4, "source": ["test"] * 4,
    }))  # fmt: skip
    found = features(split, events)
    for name in (MINUTE.column(it.name) for it in bar_features(MINUTE)):
        if name == "bars_since_event":
            continue
        np.testing.assert_allclose(
            found[name].to_numpy(), whole[name].to_numpy(), rtol=1e-8, atol=1e-10, err_msg=name
        )


def test_without_quotes_their_features_are_null_and_the_others_known(bars, whole):
    nothing = pl.lit(None, pl.Float64)
    bare = bars.with_columns(bid=nothing, ask=nothing, bid_size=nothing, ask_size=nothing)
    found = features(bare)
    quoted = [it.name for it in bar_features(MINUTE) if "quotes" in it.undefined]
    assert len(quoted) == 5
    columns = [MINUTE.column(name) for name in quoted]
    assert found.select(pl.col(columns).null_count()).row(0) == (found.height,) * 5
    assert found.drop(columns).equals(whole.drop(columns))


@pytest.mark.parametrize(
    "spoil",
    [
        {"close": float("nan")}, {"open": float("inf")}, {"low": 0.0}, {"high": -1.0},
        {"volume": float("nan")}, {"volume": -5.0},
    ],
    ids=lambda spoil: "-".join(map(str, *spoil.items())),
)  # fmt: skip
def test_a_broken_bar_is_no_bar(bars, spoil):
    at = bars["bar_at"][50]
    broken = bars.with_columns(
        pl.when(pl.col("bar_at") == at).then(value).otherwise(name).alias(name)
        for name, value in spoil.items()
    )
    assert features(broken).equals(features(bars.filter(pl.col("bar_at") != at)))


def test_duplicate_bars_count_once(bars, whole):
    assert features(pl.concat([bars, bars[100:200]])).equals(whole)


def test_no_bars_give_no_rows():
    assert features(BARS_1M.empty()).is_empty()
    assert features(BARS_1M.empty()).schema == MINUTE_FEATURES.empty().schema


def test_a_single_bar_has_what_needs_no_other(bars):
    row = features(bars[:1])
    assert row.height == 1
    known = {name for name in row.columns[5:] if row[name][0] is not None}
    assert {"close_position", "high_low_range", "quoted_spread", "minutes_since_open"} <= known
    assert "return_1m" not in known


def test_constant_prices_and_no_volume_give_finite_values_or_null(bars):
    four = dict.fromkeys(("open", "high", "low", "close", "bid", "ask"), pl.lit(50.0))
    still = features(bars.with_columns(**four, volume=pl.lit(0.0)))
    for name in still.columns[5:]:
        assert still[name].drop_nulls().is_finite().all(), name
    assert still["rsi_14"].null_count() == still.height
    assert still["volume_to_mean_20m"].null_count() == still.height
    assert still["volatility_20m"].drop_nulls().eq(0).all()


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(date(2024, 3, 11), 390), (date(2024, 11, 4), 390), (date(2024, 11, 29), 210)],
    ids=["spring forward", "fall back", "half-day"],
)
def test_minutes_of_the_session_follow_the_clock_of_new_york(day, minutes):
    plan = MarketPlan(ticker_count=3, session_count=10, seed=2, effect=0.0)
    days = SESSIONS.filter(pl.col("session_date") <= day)
    found = features(simulate_minutes(plan, days, last=1))
    total = found["minutes_since_open"] + found["minutes_to_close"]
    assert total.unique().to_list() == [float(minutes)]
    assert found["minutes_since_open"].min() >= 1
    assert set(found["is_half_day"]) == {float(minutes == 210)}


def test_both_clocks_agree_where_a_session_is_one_bar():
    """Daily bars told as one minute each have the same features as sessions have."""
    from finpulse_assets.domain.features.technical import build_technical_features

    plan = MarketPlan(ticker_count=3, session_count=200, seed=4, effect=0.0)
    market = simulate(plan, SESSIONS)
    daily = build_technical_features(
        market.prices.lazy(), CORPORATE_ACTIONS.empty().lazy(), SESSIONS, as_of=END
    )
    closes = pl.col("event_time")
    minutes = market.prices.with_columns(
        bar_at=closes - timedelta(minutes=1), known_at=closes,
        volume=pl.col("volume_shares").cast(pl.Float64),
        **dict.fromkeys(("bid", "ask", "bid_size", "ask_size"), pl.lit(None, pl.Float64)),
    ).select(BARS_1M.column_names)  # fmt: skip
    found = features(minutes)
    shared = [it.name for it in bar_features(SESSION)]
    for name in shared:
        assert found[MINUTE.column(name)].equals(daily[name], null_equal=True), name
