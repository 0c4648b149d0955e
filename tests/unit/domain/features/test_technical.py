"""Technical features: hand-computed values, TA-Lib itself, and what must never change them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES, build_technical_features
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES, TICKERS

SESSIONS = build_sessions(date(2023, 1, 3), date(2024, 3, 28))
DAYS = SESSIONS["session_date"].to_list()
CLOSE_AT = dict(SESSIONS.select("session_date", "close_at").iter_rows())
END = datetime(2024, 4, 1, tzinfo=UTC)
NAMES = [feature.name for feature in TECHNICAL]
BARS = 290


def prices(ticker: str = "T", *, days: list[date] | None = None, seed: int = 0, **columns):
    """Return bars of a random walk in the columns of raw/prices; `columns` replace some."""
    days = DAYS[:BARS] if days is None else days
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.02 * random.standard_normal(len(days))))
    open_ = close * np.exp(0.01 * random.standard_normal(len(days)))
    frame = pl.DataFrame(
        {
            "ticker": ticker,
            "session_date": days,
            "open": open_,
            "high": np.maximum(open_, close) * (1 + 0.01 * random.random(len(days))),
            "low": np.minimum(open_, close) * (1 - 0.01 * random.random(len(days))),
            "close": close,
            "volume_shares": random.integers(100_000, 200_000, len(days)),
            "price_basis": "unadjusted",
            "source": "test",
        }
    )
    closes = pl.col("session_date").replace_strict(CLOSE_AT)
    frame = frame.with_columns(event_time=closes, knowledge_time=closes)
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def flat(price: list[float], **columns) -> pl.DataFrame:
    """Return bars whose open, high, low and close are one price."""
    four = dict.fromkeys(("open", "high", "low", "close"), price)
    return prices(days=DAYS[: len(price)], **four | columns)


def actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    schema = ("ticker", "ex_date", "kind", "value")
    frame = pl.DataFrame(rows, schema=schema, orient="row").cast({"ex_date": pl.Date})
    at = pl.col("ex_date").cast(pl.Datetime("us", "UTC"))
    return CORPORATE_ACTIONS.enforce(
        frame.with_columns(event_time=at, knowledge_time=at, source=pl.lit("test"))
    )


def features(
    frame: pl.DataFrame, events: pl.DataFrame | None = None, as_of: datetime = END
) -> pl.DataFrame:
    events = CORPORATE_ACTIONS.empty() if events is None else events
    frame = frame.select(PRICES.column_names)
    return build_technical_features(frame.lazy(), events.lazy(), SESSIONS, as_of=as_of)


PANEL = pl.concat(
    [
        prices("A", seed=1),
        prices("B", seed=2, days=DAYS[20:60] + DAYS[63 : BARS + 20]),  # halted for three
        prices("C", seed=3, days=DAYS[:50] + DAYS[114:BARS]),  # a hole of 64
    ]
)
EVENTS = actions(
    ("A", DAYS[70], "split", 4.0), ("A", DAYS[90], "dividend", 0.5), ("B", DAYS[61], "split", 0.5)
)


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return features(PANEL, EVENTS)


def test_values_computed_by_hand():
    frame = prices(
        days=DAYS[:6],
        open=[10.0, 11.0, 12.0, 11.0, 12.0, 14.0],
        high=[12.0, 12.0, 13.0, 12.0, 13.0, 16.0],
        low=[9.0, 10.0, 11.0, 10.0, 11.0, 12.0],
        close=[10.0, 11.0, 12.0, 11.0, 12.5, 15.0],
    )
    other = prices("U", days=DAYS[:6], close=[20.0, 20.0, 20.0, 20.0, 20.0, 19.0])
    rows = features(pl.concat([frame, other]))
    last = rows.filter(ticker="T").row(-1, named=True)
    assert last["bars_seen"] == 6
    assert last["return_1d"] == pytest.approx(15 / 12.5 - 1)
    assert last["return_5d"] == pytest.approx(0.5)
    assert last["return_overnight"] == pytest.approx(14 / 12.5 - 1)
    assert last["return_intraday"] == pytest.approx(15 / 14 - 1)
    assert last["high_low_range"] == pytest.approx(4 / 15)
    assert last["close_position"] == pytest.approx(0.75)
    assert last["close_to_sma_5"] == pytest.approx(15 / 12.3 - 1)
    assert last["market_return_1d"] == pytest.approx((0.2 - 0.05) / 2)
    assert last["return_1d_minus_market"] == pytest.approx(0.2 - 0.075)
    assert rows.filter(session_date=DAYS[5])["return_1d_rank"].to_list() == [1.0, 0.0]
    assert last["return_20d"] is None


def test_windows_computed_by_hand():
    close = np.where(np.arange(21) % 2, 110.0, 100.0)
    volume = np.append(np.full(20, 1_000_000), 3_000_000)
    row = features(flat(close.tolist(), volume_shares=volume)).row(-1, named=True)
    steps = np.log(np.append(1.1, 1 / 1.1))
    assert row["volatility_20d"] == pytest.approx(np.std(np.tile(steps, 10), ddof=1))
    assert row["volume_to_mean_20d"] == pytest.approx(3 / 1.1)
    logs = np.log(volume[1:])
    assert row["volume_zscore_20d"] == pytest.approx((logs[-1] - logs.mean()) / logs.std(ddof=1))
    dollars = close[1:] * volume[1:] / 1e6
    assert row["amihud_20d"] == pytest.approx(
        np.mean([abs(b / a - 1) for a, b in pairwise(close)] / dollars)
    )
    assert row["parkinson_20d"] == 0.0


def test_parkinson_by_hand():
    row = features(prices(days=DAYS[:20], high=[110.0] * 20, low=[100.0] * 20)).row(-1, named=True)
    assert row["parkinson_20d"] == pytest.approx(np.log(1.1) / np.sqrt(4 * np.log(2)))


def test_standard_indicators_are_those_of_talib():
    frame = prices()
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    volume = frame["volume_shares"].to_numpy().astype(float)
    open_ = frame["open"].to_numpy()
    slow_k, slow_d = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    expected = {
        "rsi_14": talib.RSI(close, 14),
        "roc_12": talib.ROC(close, 12),
        "stochastic_k_14_3": slow_k,
        "stochastic_d_14_3": slow_d,
        "rsi_2": talib.RSI(close, 2),
        "return_1d": talib.ROCP(close, 1),
        "return_120d": talib.ROCP(close, 120),
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "ultimate_oscillator": talib.ULTOSC(high, low, close),
        "trix_15": talib.TRIX(close, 15),
        "macd_to_close": talib.MACD(close, 12, 26, 9)[0] / close,
        "macd_histogram_to_close": talib.MACD(close, 12, 26, 9)[2] / close,
        "mfi_14": talib.MFI(high, low, close, volume, 14),
        **{f"close_to_sma_{n}": close / talib.SMA(close, n) - 1 for n in (5, 10, 20, 50)},
        **{f"close_to_ema_{n}": close / talib.EMA(close, n) - 1 for n in (5, 10, 20, 50)},
        "sma_5_to_sma_20": talib.SMA(close, 5) / talib.SMA(close, 20) - 1,
        "slope_20d": talib.LINEARREG_SLOPE(np.log(close), 20),
        "straightness_20d": talib.CORREL(np.log(close), np.arange(float(len(close))), 20) ** 2,
        "drawdown_60d": close / talib.MAX(close, 60) - 1,
        "drawup_60d": close / talib.MIN(close, 60) - 1,
        "close_to_high_120d": close / talib.MAX(high, 120) - 1,
        "volatility_20d": talib.STDDEV(np.diff(np.log(close), prepend=np.nan), 20)
        * np.sqrt(20 / 19),
        "volume_to_mean_20d": volume / talib.SMA(volume, 20),
        "close_position": (close - low) / (high - low),
        "return_intraday": close / open_ - 1,
        "adx_14": talib.ADX(high, low, close, 14),
        "directional_balance_14": talib.PLUS_DI(high, low, close)
        - talib.MINUS_DI(high, low, close),
        "aroon_oscillator_25": talib.AROONOSC(high, low, 25),
        "atr_14_to_close": talib.ATR(high, low, close, 14) / close,
        "bollinger_20_position": (close - lower) / (upper - lower),
        "bollinger_20_width": (upper - lower) / middle,
        "obv_change_20d": talib.MOM(talib.OBV(close, volume), 20) / talib.SUM(volume, 20),
    }
    found = features(frame)
    for feature in TECHNICAL:
        if feature.name in expected:
            # TA-Lib hands %K over together with %D, two bars after it could.
            first = 17 if feature.name == "stochastic_k_14_3" else feature.warm_up - 1
            values, wanted = found[feature.name].to_numpy()[first:], expected[feature.name][first:]
            assert np.isfinite(wanted).all(), feature.name
            np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-12, err_msg=feature.name)


def test_a_value_is_null_before_its_warm_up_and_known_from_then_on(whole):
    for feature in TECHNICAL:
        early = whole.filter(pl.col("bars_seen") < feature.warm_up)[feature.name]
        assert early.null_count() == early.len(), feature.name
        full = whole.filter(ticker="A").filter(pl.col("bars_seen") >= feature.warm_up)
        if feature.sparse:  # the panel has no sectors
            assert full[feature.name].null_count() == full.height, feature.name
        elif feature.across and feature.across[0] in ("rank", "deviation"):
            # A ticker has no rank while it is alone: others are not warm yet, or halt.
            assert full[feature.name].null_count() < full.height, feature.name
        else:
            assert full[feature.name].null_count() == 0, feature.name


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, BARS + 19))
def test_the_future_never_changes_the_past(whole, cut):
    """Cut after any session, by the data or by the as-of time: the same bytes before it."""
    past = whole.filter(pl.col("session_date") <= DAYS[cut])
    early_events = EVENTS.filter(pl.col("ex_date") <= DAYS[cut])
    assert features(PANEL.filter(pl.col("session_date") <= DAYS[cut]), early_events).equals(past)
    assert features(PANEL, EVENTS, as_of=CLOSE_AT[DAYS[cut]]).equals(past)


def test_the_order_of_rows_does_not_count(whole):
    shuffled = PANEL.sample(fraction=1.0, shuffle=True, seed=5)
    assert features(shuffled, EVENTS.reverse()).equals(whole)


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_of_price_and_volume_does_not_count(whole, name):
    """But for the price impact of a dollar, which is 21 times smaller by its definition."""
    scaled = features(
        PANEL.with_columns(pl.col("open", "high", "low", "close") * 7, pl.col("volume_shares") * 3),
        EVENTS.with_columns(
            value=pl.when(pl.col("kind") == "dividend").then(pl.col("value") * 7).otherwise("value")
        ),
    )
    is_free = {feature.name: feature.scale_free for feature in TECHNICAL}[name]
    assert is_free == (name != "amihud_20d")
    expected = whole[name].to_numpy() / (1 if is_free else 21)
    np.testing.assert_allclose(scaled[name].to_numpy(), expected, rtol=1e-9, atol=1e-11)


def test_a_hole_of_64_sessions_is_never_bridged(whole):
    after = PANEL.filter((pl.col("ticker") != "C") | (pl.col("session_date") > DAYS[100]))
    alone = features(after, EVENTS).filter(ticker="C")
    together = whole.filter(pl.col("ticker") == "C", pl.col("session_date") > DAYS[100])
    assert together.equals(alone)
    assert together["bars_seen"].to_list() == list(range(1, BARS - 113))
    assert together.filter(bars_seen=1).select("return_1d", "return_overnight").row(0) == (
        None,
        None,
    )


def test_a_halt_goes_on_where_it_stopped(whole):
    resumed = whole.filter(ticker="B", session_date=DAYS[63]).row(0, named=True)
    closes = PANEL.filter(pl.col("ticker") == "B")["close"].to_list()
    assert resumed["bars_seen"] == 41
    # The one-for-two reverse split fell on the halt.
    assert resumed["return_1d"] == pytest.approx(0.5 * closes[40] / closes[39] - 1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_short_history_has_nulls_and_no_error(count):
    rows = features(prices(days=DAYS[:count]))
    assert rows.schema == TECHNICAL_FEATURES.empty().schema
    assert rows.height == count
    known = {name for name in NAMES if rows[name][-1] is not None}
    possible = {feature.name for feature in TECHNICAL if feature.warm_up <= count}
    # One ticker is alone: it has no rank, no dispersion and no sector.
    lonely = {"return_1d_rank", "market_dispersion_1d"}
    lonely |= {"sector_return_1d", "return_1d_minus_sector"}
    assert known == possible - lonely


def test_no_prices_give_no_rows():
    assert features(PRICES.empty()).is_empty()


@pytest.mark.parametrize(
    "frame",
    [
        flat([50.0] * BARS),
        flat([50.0] * BARS, volume_shares=[1_000] * BARS),
        flat([50.0] * BARS, volume_shares=[0] * BARS),
        prices(volume_shares=[0] * BARS),
        prices(volume_shares=[0 if at % 7 else 500 for at in range(BARS)]),
        flat([50.0 + at % 3 for at in range(60)] + [50.0] * (BARS - 60)),
        flat([1e-4] * BARS),
    ],
    ids=["flat", "flat-steady", "dead", "no-volume", "rare-volume", "dies", "penny"],
)
def test_degenerate_bars_give_finite_values_or_null(frame):
    rows = features(frame)
    for name in NAMES:
        values = rows[name].drop_nulls()
        assert values.is_finite().all(), name
        assert values.abs().max() is None or values.abs().max() <= 1e6, name


def test_what_is_undefined_is_null():
    dead = features(flat([50.0] * BARS, volume_shares=[0] * BARS)).row(-1, named=True)
    undefined = {name for name in NAMES if dead[name] is None}
    # What can be null says so in the registry; everything else has a value even here.
    assert undefined == {feature.name for feature in TECHNICAL if feature.undefined}
    still = ("return_1d", "volatility_20d", "parkinson_20d", "bollinger_20_width", "close_to_sma_5")
    assert [dead[name] for name in still] == pytest.approx([0.0] * len(still), abs=1e-12)


def test_one_session_without_volume_is_forgotten_after_its_window():
    volume = [100_000] * 60
    volume[30] = 0
    rows = features(prices(days=DAYS[:60], volume_shares=volume))
    holed = rows["amihud_20d"].is_null()
    assert holed.to_list() == [at < 20 or 30 <= at < 50 for at in range(60)]


def companies(*rows: tuple[str, str | None, date]) -> pl.LazyFrame:
    frame = pl.DataFrame(rows, schema=("ticker", "sector", "valid_from"), orient="row")
    return TICKERS.enforce(
        frame.with_columns(company=None, exchange=None, valid_to=None)
    ).lazy()  # fmt: skip


def sector_returns(tickers: pl.LazyFrame) -> dict[str, list[float | None]]:
    """Return sector_return_1d by ticker: A rises by 1 % a day, B by 2 %, C by 4 %."""
    panel = pl.concat(
        flat([100.0 * rate**at for at in range(6)], ticker=[name] * 6)
        for name, rate in (("A", 1.01), ("B", 1.02), ("C", 1.04))
    )
    rows = build_technical_features(
        panel.select(PRICES.column_names).lazy(), CORPORATE_ACTIONS.empty().lazy(), SESSIONS,
        as_of=END, tickers=tickers,
    )  # fmt: skip
    return {name: rows.filter(ticker=name)["sector_return_1d"].to_list() for name in "ABC"}


def test_a_sector_holds_from_the_day_on_which_it_changed():
    """A moves from B's sector to C's on day 3, C is known from day 2 on, and B goes on alone."""
    found = sector_returns(
        companies(
            ("A", "energy", DAYS[0]),
            ("A", "tech", DAYS[3]),
            ("B", "energy", DAYS[0]),
            ("C", "tech", DAYS[2]),
        )
    )
    both, new = pytest.approx(0.015), pytest.approx(0.025)
    assert found["A"] == [None, both, both, new, new, new]
    assert found["B"] == [None, both, both, None, None, None]
    assert found["C"] == [None, None, None, new, new, new]


def test_a_ticker_that_loses_its_sector_or_is_delisted_keeps_its_history():
    before = [("A", "energy", DAYS[0]), ("B", "energy", DAYS[0])]
    found = sector_returns(companies(*before, ("A", None, DAYS[4])))
    kept = sector_returns(companies(*before))
    assert found["A"] == [*kept["A"][:4], None, None]
    assert found["B"][:4] == kept["B"][:4]


def test_a_correction_that_came_after_the_decision_changes_no_feature():
    known = CLOSE_AT[DAYS[5]] + timedelta(hours=1)
    wrong = prices(days=DAYS[:10])
    fixed = wrong[4:5].with_columns(close=pl.col("close") * 2, knowledge_time=pl.lit(known))
    both = pl.concat([wrong, fixed.select(wrong.columns).cast(dict(wrong.schema))])
    before = features(both, as_of=known - timedelta(microseconds=1))
    assert before.equals(features(wrong[:6]))
    assert features(both, as_of=known).equals(features(wrong, as_of=known))


def test_a_bar_that_came_after_its_decision_counts_for_later_sessions_only():
    bars = prices(days=DAYS[:10])
    late = CLOSE_AT[DAYS[4]] + timedelta(hours=1)
    delayed = bars.with_columns(
        knowledge_time=pl.when(pl.col("session_date") == DAYS[4])
        .then(pl.lit(late))
        .otherwise("knowledge_time")
    )
    rows = features(delayed.cast(dict(bars.schema)), as_of=CLOSE_AT[DAYS[9]] + timedelta(hours=2))
    assert DAYS[4] not in rows["session_date"].to_list()
    whole = features(bars, as_of=CLOSE_AT[DAYS[9]] + timedelta(hours=2))
    family = {feature.name: feature.family for feature in TECHNICAL}
    own = [name for name in rows.columns if family.get(name) != "market"]
    day = pl.col("session_date") == DAYS[5]
    assert rows.filter(day).select(own).equals(whole.filter(day).select(own))
